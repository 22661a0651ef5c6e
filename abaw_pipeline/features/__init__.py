"""Face crops and sound to per-frame features."""
