"""One file a loss: predictions ``(n, C)`` and labels ``(n, C)`` of the annotated frames of a batch to one number.

The file bears the loss's name in the settings; adding one is that file, its settings class and a registry line.
"""
