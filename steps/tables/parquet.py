"""Parquet tables as streams of record batches: memory is bounded by the batch, not by the table.

The schema and the cover type travel in the file's own metadata, so that a dataset explains itself. Tables between
steps are LZ4-compressed with dictionaries for categories only: feature tables are then written in
two thirds of the time that pyarrow's default settings take (benchmarks/RESULTS.md).
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
LABEL, ROW, SPLIT, SCORE = "label", "row", "split", "score"
SPLITS = ("train", "validation", "test")
_METADATA = b"covertype"


@dataclass(frozen=True)
class Metadata:
    """What a table says of itself: its schema, the cover type its ``label`` is about, its rows' digest, its features.

    ``data_sha256`` is the profile's digest of the canonical values: equal for equal rows, whatever file they came in.
    """

    schema: Schema
    cover_type: str
    data_sha256: str
    features: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Return the metadata as the bytes that are kept in the parquet footer."""
        document = {
            "schema": self.schema.to_json(),
            "cover_type": self.cover_type,
            "data_sha256": self.data_sha256,
            "features": self.features,
        }
        return json.dumps(document).encode()

    @staticmethod
    def decode(data: bytes) -> Metadata:
        """Read what :meth:`encode` wrote."""
        document = json.loads(data)
        return Metadata(
            schemas.from_json(document["schema"]),
            document["cover_type"],
            document["data_sha256"],
            tuple(document["features"]),
        )


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a parquet file; NoInputError where it is missing, BadDataError where it is none or is damaged."""
    if not path.is_file():
        raise NoInputError("no such file", where=str(path), fix="check the path")
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except pa.ArrowInvalid as error:
        raise _damaged(path, error) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(path, error) from None  # Arrow's own, for pages that cannot be decoded


def _damaged(path: Path, error: Exception) -> BadDataError:
    if "encrypted" in str(error):
        return BadDataError("the parquet file is encrypted", where=str(path), fix="write it without encryption")
    return BadDataError(f"not a whole parquet file ({error})", where=str(path), fix="write it again")


def read_metadata(path: Path) -> Metadata:
    """Read the metadata of a table that a step wrote; BadDataError where it has none."""
    with opened(path) as file:
        raw = (file.metadata.metadata or {}).get(_METADATA)
        if raw is None:
            fix = "make it with `python -m steps.prepare` first"
            raise BadDataError("not a table of this pipeline", where=str(path), fix=fix)
        return Metadata.decode(raw)


def count_rows(path: Path) -> int:
    """Return the number of rows of a parquet file, from its footer."""
    with opened(path) as file:
        return int(file.metadata.num_rows)


def batches(path: Path, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """Yield record batches of at most ``rows`` rows with the given columns, in the order of the file."""
    names = list(columns) if columns is not None else None
    with opened(path) as file:
        yield from file.iter_batches(batch_size=rows, columns=names, use_threads=False)


def read(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read whole columns: for what is small beside the table (labels, scores)."""
    with opened(path) as file:
        return file.read(columns=list(columns), use_threads=False)


class Writer:
    """Writes record batches of one arrow schema to a parquet file; use :func:`writer`.

    ``metadata`` may be set until the file is closed: some of it is known only when all rows were seen.
    """

    def __init__(self, file: pq.ParquetWriter, metadata: Metadata | None) -> None:
        self._file = file
        self.metadata = metadata
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch; an empty one is passed over."""
        if batch.num_rows:
            self._file.write_batch(batch)
            self.rows += batch.num_rows


@contextmanager
def writer(path: Path, fields: pa.Schema, metadata: Metadata | None = None) -> Iterator[Writer]:
    """Open ``path`` for writing; the file appears under its name when the block ends without an error."""
    dictionaries = [field.name for field in fields if pa.types.is_dictionary(field.type)]
    options: dict[str, Any] = {"compression": "lz4", "use_dictionary": dictionaries, "write_statistics": False}
    if ROW in fields.names:
        options["column_encoding"] = {ROW: "DELTA_BINARY_PACKED"}
    with storage.atomic_path(path) as temporary, pq.ParquetWriter(temporary, fields, **options) as file:
        out = Writer(file, metadata)
        yield out
        if out.metadata is not None:
            file.add_key_value_metadata({_METADATA: out.metadata.encode()})
