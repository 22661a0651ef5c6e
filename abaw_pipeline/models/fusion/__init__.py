"""One file a fusion: the features of all modalities to one encoded stream.

The file bears the fusion's name in the settings; adding one is that file, its settings class and a registry line.
"""
