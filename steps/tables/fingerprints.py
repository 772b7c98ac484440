"""Fingerprints of the rows that a run uses: with them one can tell whether a row was among its data.

A fingerprint is the upper 32 bits of the hash of a row's feature values (``steps.tables.hashing``), so that equal rows
have equal fingerprints in any source, layout and order. The label is not part of it: a model that was fitted on a row
has seen its features, whatever their label was. The file has the distinct fingerprints in ascending order, which
parquet stores as differences: two bytes a row of the full table, and one of 44 million rows.

Another row has one of the fingerprints with a probability of the number of rows divided by 2^32: .014% for the full
table, 1% for 44 million rows. Such a row is taken for a used one, and never the other way round.
"""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steps.core import storage
from steps.core.errors import BadDataError
from steps.tables import hashing
from steps.tables.parquet import open_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FILE = "row-fingerprints.parquet"
# With more rows there is no record: four bytes a row are in memory while it is made.
MOST_ROWS = 1 << 26
_KEY, _COLUMN, _FORMAT = b"covertype-row-fingerprints", "fingerprint", 1
_GROUP_ROWS = 1 << 20


@dataclass(frozen=True)
class Fingerprints:
    """The fingerprints of the rows that a run used.

    Attributes:
        values: The distinct fingerprints, ascending (uint32, shape (fingerprints,)).
        data_sha256: The digest of the rows.
        split_given: Whether a column of the source assigned the rows to training, validation and test. The test rows
            are then left out.
        complete: Whether all rows are there; False if they were too many, and none is.
    """

    values: NDArray[np.uint32]
    data_sha256: str
    split_given: bool
    complete: bool = True

    def contain(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return whether the fingerprint of each hash is there (bool, shape of ``hashes``)."""
        if not len(self.values):
            return np.zeros(len(hashes), np.bool_)
        wanted = _shorten(hashes)
        return np.asarray(self.values[np.searchsorted(self.values[:-1], wanted)] == wanted)


class Collector:
    """Collects the fingerprints of rows, batch by batch; four bytes a row.

    Args:
        split_given: As for :class:`Fingerprints`.
        most: The largest number of rows; with more, nothing is kept.
    """

    def __init__(self, *, split_given: bool, most: int = MOST_ROWS) -> None:
        self._values = array("I")
        self._split_given, self._most = split_given, most
        self._complete = True

    def add(self, columns: Sequence[pa.Array], rows: int) -> None:
        """Add rows by their canonical feature columns."""
        if self._complete and len(self._values) + rows > self._most:
            self._complete, self._values = False, array("I")
        if self._complete:
            self._values.frombytes(_shorten(hash_features(columns, rows)).tobytes())

    def finish(self, data_sha256: str) -> Fingerprints:
        """Return the fingerprints of all rows, whose digest is ``data_sha256``."""
        values = np.frombuffer(self._values, np.uint32) if len(self._values) else np.zeros(0, np.uint32)
        values.sort()
        if len(values):
            values = values[np.append(True, values[1:] != values[:-1])]
        return Fingerprints(values, data_sha256, self._split_given, self._complete)


def hash_features(columns: Sequence[pa.Array], rows: int) -> NDArray[np.uint64]:
    """Return the hash of each row's canonical feature columns (uint64, shape (rows,)) that fingerprints come from."""
    return hashing.hash_rows(columns, rows, 0)


def _shorten(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    return (hashes >> np.uint64(32)).astype(np.uint32)


def write_fingerprints(path: Path, found: Fingerprints) -> None:
    """Write fingerprints; equal ones give equal bytes. The file appears whole or not at all."""
    facts = {
        "format": _FORMAT,
        "hash": hashing.NAME,
        "data_sha256": found.data_sha256,
        "split_given": found.split_given,
        "complete": found.complete,
    }
    fields = pa.schema([pa.field(_COLUMN, pa.uint32(), nullable=False)], metadata={_KEY: json.dumps(facts).encode()})
    table = pa.Table.from_arrays([pa.array(found.values)], schema=fields)
    with storage.atomic_path(path) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=_GROUP_ROWS,
            use_dictionary=False,
            column_encoding={_COLUMN: "DELTA_BINARY_PACKED"},
            compression="none",
            write_statistics=False,
        )


def read_fingerprints(path: Path) -> Fingerprints:
    """Read what :func:`write_fingerprints` wrote.

    Raises:
        NoInputError: The file does not exist.
        BadDataError: The file is damaged, or it is not one of fingerprints.
    """
    with open_parquet(path) as file:
        raw = (file.schema_arrow.metadata or {}).get(_KEY, b"")
        try:
            facts: dict[str, Any] = storage.parse_json(raw)
            if (facts["format"], facts["hash"]) != (_FORMAT, hashing.NAME):
                raise ValueError  # noqa: TRY301 - one message for all problems
            values = file.read(use_threads=False).column(_COLUMN).to_numpy()
            found = Fingerprints(
                values.astype(np.uint32, casting="equiv", copy=False),
                str(facts["data_sha256"]),
                bool(facts["split_given"]),
                bool(facts["complete"]),
            )
        except (ValueError, KeyError, TypeError, pa.ArrowException):
            fix = "run `verify` on this version, or register the run again"
            raise BadDataError("not a record of the rows of a run", where=str(path), fix=fix) from None
    return found
