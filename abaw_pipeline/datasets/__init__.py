"""One adapter a data set: clips, splits, labels, samples."""
