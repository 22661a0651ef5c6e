"""One pass over the raw data before anything is computed: numbers per clip, and everything that is odd about it."""
