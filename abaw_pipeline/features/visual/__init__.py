"""Extractors of pictures."""
