"""Transcripts, and the extractor of text."""
