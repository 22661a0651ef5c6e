"""Aligned samples to trained models and their predictions."""
