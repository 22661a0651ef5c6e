"""One file an encoder: ``(B, T, W)`` projected frames and their mask to what ``base.Encoder`` says.

The file bears the encoder's name in the settings; adding one is that file, its settings class and a registry line.
What several encoders are built of lies beside them.
"""
