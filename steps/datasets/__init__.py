"""The datasets of the cover types: canonical rows, the selection of rows, and the split into three parts.

- ``canonical``: convert the columns of a source to those of the schema, and check every value.
- ``ingest``: read a source as canonical batches.
- ``missing``: missing values.
- ``duplicates``: duplicate rows.
- ``sampling``: proportional samples.
- ``selection``: the rows that are used.
- ``frequencies``: how often each value of a numeric column occurs.
- ``profile``: statistics of the rows used.
- ``notes``: notes on the rows for readers of the results.
- ``one_vs_rest``: write the datasets of a source.
- ``part_checks``: check that every part of a split has rows of both kinds.
- ``splitting``: split a dataset into train, validation and test.
"""

__all__ = [
    "canonical",
    "duplicates",
    "frequencies",
    "ingest",
    "missing",
    "notes",
    "one_vs_rest",
    "part_checks",
    "profile",
    "sampling",
    "selection",
    "splitting",
]
