"""Score a reference table by several versions, without the rows that one of them was fitted on.

- ``fitted_rows``: which rows a version was fitted on, as far as its record tells.
- ``rows``: read the labelled rows of the table.
- ``table``: the open table, and its scores.
- ``registered``: open the table for a version of a registry.
"""

__all__ = ["fitted_rows", "registered", "rows", "table"]
