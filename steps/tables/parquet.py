"""Read and write parquet tables as streams of record batches, so that memory use does not depend on the table's size.

The file's metadata contains the schema and the cover type, so that a dataset is self-describing. Tables between steps
are LZ4-compressed, with dictionaries for categories only: writing a feature table then takes two thirds of the time
that pyarrow's default settings take (benchmarks/RESULTS.md).
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from steps import schema as schemas
from steps.core import storage
from steps.core.errors import BadDataError, NoInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from steps.schema import Schema

BATCH_ROWS = 65_536
# Columns that the steps add to a table.
LABEL, ROW, SPLIT, SCORE, GROUP = "label", "row", "split", "score", "group"
SPLITS = ("train", "validation", "test")
# Key in the parquet footer.
_METADATA = b"covertype"


@dataclass(frozen=True)
class Metadata:
    """The description of a table in its parquet footer.

    Attributes:
        schema: The schema of the source table.
        cover_type: The slug of the class whose rows have ``label`` 1.
        data_sha256: The digest of the canonical values of the source, equal for equal rows in any file format.
        features: The names of the feature columns; empty for a dataset that ``preprocess`` has not read yet.
    """

    schema: Schema
    cover_type: str
    data_sha256: str
    features: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Return the bytes that are stored in the parquet footer."""
        document = {
            "schema": self.schema.to_json(),
            "cover_type": self.cover_type,
            "data_sha256": self.data_sha256,
            "features": self.features,
        }
        return json.dumps(document).encode()

    @staticmethod
    def decode(data: bytes) -> Metadata:
        """Return the metadata that :meth:`encode` wrote."""
        document = json.loads(data)
        return Metadata(
            schemas.from_json(document["schema"]),
            document["cover_type"],
            document["data_sha256"],
            tuple(document["features"]),
        )


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a parquet file for reading.

    Raises:
        NoInputError: The file does not exist.
        BadDataError: The file is not parquet, or is damaged or encrypted. Errors while reading rows count too.
    """
    if not path.is_file():
        raise NoInputError("no such file", where=str(path), fix="check the path")
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _damaged_error(path, error) from None
    except OSError as error:
        if error.errno is not None:
            raise
        # Arrow raises an OSError without a number for pages that cannot be decoded.
        raise _damaged_error(path, error) from None


def _damaged_error(path: Path, error: Exception) -> BadDataError:
    text = " ".join(str(error).split())  # Arrow passes on messages of several lines
    if "encrypted" in text:
        return BadDataError("the parquet file is encrypted", where=str(path), fix="write it without encryption")
    if isinstance(error, pa.ArrowNotImplementedError):  # a type that Arrow does not have, often in a damaged footer
        return BadDataError(f"Arrow cannot read this parquet file ({text})", where=str(path), fix="write it again")
    return BadDataError(f"not a complete parquet file ({text})", where=str(path), fix="write it again")


def read_metadata(path: Path) -> Metadata:
    """Return the metadata of a table that a step wrote; BadDataError if there is none."""
    with open_parquet(path) as file:
        raw = (file.metadata.metadata or {}).get(_METADATA)
        if raw is None:
            fix = "make it with `python -m steps.prepare` first"
            raise BadDataError("not a table of this pipeline", where=str(path), fix=fix)
        return Metadata.decode(raw)


def count_rows(path: Path) -> int:
    """Return the number of rows of a parquet file; only the footer is read."""
    with open_parquet(path) as file:
        return int(file.metadata.num_rows)


def read_batches(path: Path, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a parquet file in order.

    Args:
        path: The file.
        columns: The columns to read; None for all.
        rows: The largest number of rows of a batch.
    """
    names = list(columns) if columns is not None else None
    with open_parquet(path) as file:
        yield from file.iter_batches(batch_size=rows, columns=names, use_threads=False)


def read_table(path: Path, columns: Sequence[str]) -> pa.Table:
    """Return columns of a parquet file as a whole, for columns that fit into memory (labels, scores)."""
    with open_parquet(path) as file:
        return file.read(columns=list(columns), use_threads=False)


class Writer:
    """Writes record batches of one Arrow schema to a parquet file. Make it with :func:`open_writer`.

    ``metadata`` may be set until the file is closed, because a part of it is known only after the last row.
    """

    def __init__(self, file: pq.ParquetWriter, metadata: Metadata | None) -> None:
        self._file = file
        self.metadata = metadata
        self.rows = 0
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch. Smaller ones than ``BATCH_ROWS`` share a row group, since a reader gets a batch from each."""
        if batch.num_rows:
            self._waiting.append(batch)
            self._waiting_rows += batch.num_rows
            self.rows += batch.num_rows
        if self._waiting_rows >= BATCH_ROWS:
            self._write_row_groups()

    def flush(self) -> None:
        """Write all rows that were appended."""
        if self._waiting:
            self._file.write_table(pa.Table.from_batches(self._waiting), row_group_size=BATCH_ROWS)
            self._waiting, self._waiting_rows = [], 0

    def _write_row_groups(self) -> None:
        """Write the waiting rows: a single batch as it is, several as row groups of ``BATCH_ROWS`` rows."""
        if len(self._waiting) == 1:
            self._file.write_batch(self._waiting.pop())
            self._waiting_rows = 0
            return
        table = pa.Table.from_batches(self._waiting)
        whole = table.num_rows - table.num_rows % BATCH_ROWS
        self._file.write_table(table.slice(0, whole), row_group_size=BATCH_ROWS)
        self._waiting, self._waiting_rows = table.slice(whole).to_batches(), table.num_rows - whole


@contextmanager
def open_writer(path: Path, fields: pa.Schema, metadata: Metadata | None = None) -> Iterator[Writer]:
    """Open a parquet file for writing. It gets its name when the block ends without an error."""
    dictionaries = [field.name for field in fields if pa.types.is_dictionary(field.type)]
    options: dict[str, Any] = {"compression": "lz4", "use_dictionary": dictionaries, "write_statistics": False}
    if ROW in fields.names:
        options["column_encoding"] = {ROW: "DELTA_BINARY_PACKED"}
    with storage.atomic_path(path) as temporary, pq.ParquetWriter(temporary, fields, **options) as file:
        out = Writer(file, metadata)
        yield out
        out.flush()
        if out.metadata is not None:
            file.add_key_value_metadata({_METADATA: out.metadata.encode()})
