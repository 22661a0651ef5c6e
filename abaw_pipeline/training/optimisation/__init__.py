"""Optimisers, learning-rate schedules, averaged weights, and what a killed training goes on from."""
