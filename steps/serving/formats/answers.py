"""Write the scores of a request as JSON, CSV or Arrow."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv

from steps.prediction import output
from steps.prediction.models import names_of

if TYPE_CHECKING:
    from steps.schema import CoverType
    from steps.serving.scoring import Scored

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
VERSION_HEADER = b"x-model-version"
_encoder = msgspec.json.Encoder()


def encode_json(content: Any) -> bytes:  # noqa: ANN401 - whatever JSON has
    """Return plain values as JSON."""
    return _encoder.encode(content)


def to_json(scored: Scored) -> bytes:
    """Return scores as JSON. A number is written so that reading it as float64 gives the float32 exactly."""
    labels, prediction, scores = _types(scored.model.ensemble.cover_types)
    predictions = map(
        prediction,
        map(labels.__getitem__, scored.best.tolist()),
        scored.probability.tolist(),
        map(scores, *scored.scores.tolist()),
    )
    answer = {"model_name": scored.model.name, "model_version": scored.model.version}
    return encode_json({**answer, "predictions": list(predictions)})


@cache
def _types(cover_types: tuple[CoverType, ...]) -> tuple[list[int | str], type, type]:
    """Return labels and the types of a prediction and its scores: msgspec writes them faster than dictionaries."""
    fields: list[Any] = [(f"s{i}", float, msgspec.field(name=each.slug)) for i, each in enumerate(cover_types)]
    scores = msgspec.defstruct("Scores", fields, gc=False)
    fields = [("cover_type", int | str), ("probability", float), ("scores", scores)]
    return [each.label for each in cover_types], msgspec.defstruct("Prediction", fields, gc=False), scores


def to_table(scored: Scored) -> pa.RecordBatch:
    """Return scores with the columns of the output of ``predict``."""
    ensemble = scored.model.ensemble
    labels = pa.array([cover_type.label for cover_type in ensemble.cover_types])
    columns = {
        output.ROW: np.arange(len(scored.best), dtype=np.int64),
        **dict(zip(names_of(ensemble), np.ascontiguousarray(scored.scores), strict=True)),
        output.COVER_TYPE: labels.take(pa.array(scored.best)),
        output.PROBABILITY: scored.probability,
    }
    return pa.RecordBatch.from_arrays(list(map(pa.array, columns.values())), names=list(columns))


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
