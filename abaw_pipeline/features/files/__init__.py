"""Extractors of files that lie beside the recordings."""
