"""Which clips a fold trains on, and which it holds out."""
