"""Extractors of sound."""
