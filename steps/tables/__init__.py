"""Tables as streams of record batches, and what their cells, labels and rows mean."""

from steps.tables.parquet import (
    BATCH_ROWS,
    LABEL,
    ROW,
    SCORE,
    SPLIT,
    SPLITS,
    Metadata,
    Writer,
    batches,
    count_rows,
    opened,
    read,
    read_metadata,
    writer,
)

__all__ = [
    "BATCH_ROWS",
    "LABEL",
    "ROW",
    "SCORE",
    "SPLIT",
    "SPLITS",
    "Metadata",
    "Writer",
    "batches",
    "count_rows",
    "opened",
    "read",
    "read_metadata",
    "writer",
]
