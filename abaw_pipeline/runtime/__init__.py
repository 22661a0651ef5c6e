"""What every stage leans on: keys, atomic files, paths, device, progress."""
