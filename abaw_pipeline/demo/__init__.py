"""The built-in corpus: Aff-Wild2-shaped, made up, free of any licence."""
