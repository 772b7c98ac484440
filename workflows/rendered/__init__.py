"""A rendered workflow, read back: its document, its expressions, and what can be wrong with it."""
