"""Recordings to picture clock, face crops and sound."""
