"""Temporal models: encoders, heads, the whole network."""
