"""Write scores as parquet or CSV: row, copied columns, a score for each model, the cover type and its probability."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from steps.core import storage
from steps.core.errors import UsageError
from steps.models.metrics import calibrate
from steps.prediction.models import names_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steps.prediction.models import Ensemble
    from steps.prediction.reading import Rows

ROW, COVER_TYPE, PROBABILITY = "row", "cover_type", "probability"


class Writer(Protocol):
    """A writer of pyarrow, which the block that opened its file closes."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Append rows."""


def check_names(ensemble: Ensemble, kept: Sequence[str]) -> None:
    """Raise UsageError if a copied column has the name of another column of the output."""
    for name in kept:
        if name in {ROW, COVER_TYPE, PROBABILITY, *names_of(ensemble)}:
            raise UsageError(f"the output has a column {name!r} already", where="--keep", fix="rename it in the input")


def find_best(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the position of the highest score of each row, the first one of equal scores (int64, shape (rows,)).

    Args:
        scores: The scores, float32, shape (models, rows).
    """
    return np.asarray(scores.argmax(axis=0)) if scores.shape[1] else np.zeros(0, np.int64)


def find_probability(ensemble: Ensemble, scores: NDArray[np.float32], best: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the calibrated probability of the best cover type of each row, which does not depend on other rows.

    Args:
        ensemble: The models.
        scores: The scores, float32, shape (models, rows).
        best: The result of :func:`find_best`.

    Returns:
        float32, shape (rows,).
    """
    probabilities = calibrate(scores, ensemble.calibrations)
    return probabilities[best, np.arange(len(best))].astype(np.float32)


def to_batch(
    ensemble: Ensemble, rows: Rows, kept: Sequence[str], scores: NDArray[np.float32], best: NDArray[np.int64]
) -> pa.RecordBatch:
    """Return the rows of the output.

    The cover type is that of the highest score, and its probability is calibrated.

    Args:
        ensemble: The models.
        rows: The rows that were scored.
        kept: The names of the copied columns.
        scores: The scores, float32, shape (models, rows).
        best: The result of :func:`find_best`.
    """
    probability = find_probability(ensemble, scores, best)
    labels = pa.array([cover_type.label for cover_type in ensemble.cover_types])
    columns: dict[str, pa.Array] = {
        ROW: pa.array(rows.positions),
        **dict(zip(kept, map(_plain, rows.kept), strict=True)),
        **{name: pa.array(values) for name, values in zip(names_of(ensemble), scores, strict=True)},
        COVER_TYPE: labels.take(pa.array(best)),
        PROBABILITY: pa.array(probability),
    }
    return pa.RecordBatch.from_pydict(columns)


def _plain(values: pa.Array) -> pa.Array:
    """Return text as strings: a CSV file is read as dictionaries, which differ from batch to batch."""
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


@contextmanager
def open_output(path: Path, first: pa.RecordBatch, facts: dict[str, str]) -> Iterator[Writer]:
    """Open a file for scores; it gets its name when the block ends without an error.

    Args:
        path: The file. Its name tells its kind.
        first: Rows with the columns of the file.
        facts: Metadata of a parquet file.
    """
    with storage.atomic_path(path) as temporary:
        if path.name.lower().endswith(".parquet"):
            with pq.ParquetWriter(temporary, first.schema.with_metadata(facts)) as writer:
                yield _Parquet(writer)
            return
        compression = "gzip" if path.name.lower().endswith(".gz") else None
        with (
            pa.output_stream(str(temporary), compression=compression) as file,
            pyarrow.csv.CSVWriter(file, first.schema) as csv_writer,
        ):
            yield csv_writer


class _Parquet:
    def __init__(self, writer: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        self._writer = writer

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Append rows; an empty batch would be an empty row group."""
        if batch.num_rows:
            self._writer.write_batch(batch)
