"""Network definitions that no library carries, with the key names of the public checkpoints."""
