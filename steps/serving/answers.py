"""Write the scores of a request as JSON, CSV or Arrow."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv

from steps.prediction import output
from steps.prediction.reading import Rows

if TYPE_CHECKING:
    from steps.prediction.models import Ensemble
    from steps.serving.scoring import Scored

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
VERSION_HEADER = b"x-model-version"
_encoder = msgspec.json.Encoder()


def encode_json(content: Any) -> bytes:  # noqa: ANN401 - whatever JSON has
    """Return plain values as JSON."""
    return _encoder.encode(content)


def to_json(scored: Scored) -> bytes:
    """Return scores as JSON. A number is written so that reading it as float64 gives the float32 exactly."""
    ensemble = scored.model.ensemble
    labels, slugs = _names(ensemble)
    columns = zip(scored.best.tolist(), scored.probability.tolist(), scored.scores.T.tolist(), strict=True)
    predictions = [
        {"cover_type": labels[best], "probability": probability, "scores": dict(zip(slugs, scores, strict=True))}
        for best, probability, scores in columns
    ]
    return encode_json(
        {"model_name": scored.model.name, "model_version": scored.model.version, "predictions": predictions}
    )


@cache
def _names_of_cover_types(cover_types: tuple[Any, ...]) -> tuple[list[int | str], list[str]]:
    return [each.label for each in cover_types], [each.slug for each in cover_types]


def _names(ensemble: Ensemble) -> tuple[list[int | str], list[str]]:
    return _names_of_cover_types(ensemble.cover_types)


def to_table(scored: Scored) -> pa.RecordBatch:
    """Return scores with the columns of the output of ``predict``."""
    count = len(scored.best)
    rows = Rows(pa.RecordBatch.from_pydict({}), np.arange(count, dtype=np.int64), [], None)
    return output.to_batch(scored.model.ensemble, rows, [], scored.scores, scored.best)


def to_csv(scored: Scored) -> bytes:
    """Return scores as the CSV file that ``predict`` writes."""
    sink, table = pa.BufferOutputStream(), to_table(scored)
    with pa.csv.CSVWriter(sink, table.schema) as writer:
        writer.write_batch(table)
    return bytes(sink.getvalue())


def to_arrow(scored: Scored) -> bytes:
    """Return scores as a stream of Arrow, with the version in the metadata of the schema."""
    table = to_table(scored).replace_schema_metadata({"covertype.models": scored.model.version})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_batch(table)
    return bytes(sink.getvalue())


WRITERS = {JSON: to_json, CSV: to_csv, ARROW: to_arrow}
