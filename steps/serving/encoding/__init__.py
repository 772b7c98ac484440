"""The fast paths from the rows of a request to features.

- ``feature_encoder``: the features of rows from one array of their values.
- ``plain_rows``: the fast path from JSON rows to features.
- ``plain_tables``: the fast path from Arrow, CSV and tensors to features.
"""

__all__ = ["feature_encoder", "plain_rows", "plain_tables"]
