"""Predictions of several models to one."""
