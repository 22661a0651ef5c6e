"""One file an encoder: ``(B, T, W)`` projected frames and their mask to ``(B, T, width)``.

The file bears the encoder's name in the settings; adding one is that file, its settings class and a registry line.
"""
