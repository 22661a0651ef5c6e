"""Submission files: writing and checking."""
