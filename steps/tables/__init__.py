"""Tables as streams of Arrow record batches, and the meaning of their cells, labels and rows.

- ``parquet``: read and write the parquet tables that pass between steps; re-exported here.
- ``arrow_stream``: read a stream of Arrow that somebody else has written.
- ``cells``: convert text cells to numbers.
- ``fingerprints``: the record of the rows that a run uses.
- ``hashing``: hash rows and row positions.
- ``labels``: encode the labels of a source as positions among the cover types.
- ``slices``: the parts of rows by their categories.
- ``spelling``: match names in cells with the names of the schema, and format values for messages.
"""

from steps.tables.parquet import (
    BATCH_ROWS,
    GROUP,
    LABEL,
    ROW,
    SCORE,
    SPLIT,
    SPLITS,
    Metadata,
    Writer,
    count_rows,
    open_parquet,
    open_writer,
    read_batches,
    read_metadata,
    read_table,
)

__all__ = [
    "BATCH_ROWS",
    "GROUP",
    "LABEL",
    "ROW",
    "SCORE",
    "SPLIT",
    "SPLITS",
    "Metadata",
    "Writer",
    "count_rows",
    "open_parquet",
    "open_writer",
    "read_batches",
    "read_metadata",
    "read_table",
]
