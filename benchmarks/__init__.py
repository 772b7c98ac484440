"""Measurements; a package, as the local executor runs modules of packages only."""
