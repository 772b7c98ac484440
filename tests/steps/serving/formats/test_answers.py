from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps.serving.formats import answers
from steps.serving.scoring import Scored, score_features

if TYPE_CHECKING:
    from steps.serving.versions import ServedModel


def scored(model: ServedModel, table: pa.Table, count: int) -> Scored:
    rows = model.plain.decode(json.dumps(table.slice(0, count).to_pylist()).encode())
    return score_features(model, model.plain.features(rows))


def test_json_has_every_bit_of_a_score(model: ServedModel, table: pa.Table) -> None:
    found = scored(model, table, 200)
    document = json.loads(answers.to_json(found))
    assert (document["model_name"], document["model_version"]) == ("covertype", "first")
    scores = np.array([list(each["scores"].values()) for each in document["predictions"]])
    assert np.array_equal(scores.astype("f4").view("u4"), np.ascontiguousarray(found.scores.T).view("u4"))
    assert np.array_equal(scores.astype("f4").astype("f8"), scores)
    assert list(document["predictions"][0]["scores"]) == ["spruce-fir", "lodgepole-pine", "krummholz"]


def test_tables_have_the_columns_of_predict(model: ServedModel, table: pa.Table) -> None:
    found = scored(model, table, 3)
    stream = pa.ipc.open_stream(answers.to_arrow(found)).read_all()
    assert stream.column_names[0] == "row"
    assert stream.column_names[-2:] == ["cover_type", "probability"]
    assert stream.schema.metadata == {b"covertype.models": b"first"}
    assert answers.to_csv(found).decode().splitlines()[0].replace('"', "").split(",") == stream.column_names
