"""Weights that others publish: what is known of them, whether they are here, and how they come here."""
