"""Datasets of the cover types: canonical rows, which of them are used, and their split into three parts."""
