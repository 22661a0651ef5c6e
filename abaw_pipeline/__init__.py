"""A feature-cache pipeline for Affective Behaviour Analysis in-the-wild (ABAW)."""

__version__ = "0.1.0"
