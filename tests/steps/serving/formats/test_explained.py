from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from steps.serving.formats import decoding
from tests.steps.serving.test_service import INFER, as_inference, read_inference

if TYPE_CHECKING:
    import pyarrow as pa

    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running


def test_all_models_are_explained_beside_the_plain_answer(
    explaining: Running, explained: ServedModel, table: pa.Table
) -> None:
    rows = table.slice(0, 3)
    found = explaining.post("/predict?explain=all", rows.to_pylist()).json()["predictions"]
    plain = explaining.post("/predict", rows.to_pylist()).json()["predictions"]
    assert [{key: each[key] for key in plain[0]} for each in found] == plain
    explainer = explained.explainer
    assert explainer is not None
    batch = decoding.canonical_rows(explained.schema, rows.combine_chunks().to_batches()[0])
    features = explained.ensemble.features(batch)
    for row, prediction in enumerate(found):
        assert list(prediction["explanations"]) == [each.slug for each in explained.ensemble.cover_types]
        for at, explanation in enumerate(prediction["explanations"].values()):
            assert list(explanation["contributions"]) == list(explainer.features[at])
            values = [*explanation["contributions"].values(), explanation["base"]]
            assert np.array_equal(np.array(values, np.float32), explainer.contributions(features, at, row))


def test_the_model_of_the_predicted_cover_type_or_of_one_that_is_named_is_explained(
    explaining: Running, explained: ServedModel, table: pa.Table
) -> None:
    slug_of = {each.label: each.slug for each in explained.ensemble.cover_types}
    rows = table.slice(0, 20).to_pylist()
    for query in ("explain=true", "explain=predicted"):
        for each in explaining.post(f"/predict?{query}", rows).json()["predictions"]:
            assert list(each["explanations"]) == [slug_of[each["cover_type"]]]
    for each in explaining.post("/predict?explain=krummholz", rows).json()["predictions"]:
        assert list(each["explanations"]) == ["krummholz"]
    for query in ("", "explain=false"):
        assert "explanations" not in explaining.post(f"/predict?{query}", rows).json()["predictions"][0]


@pytest.mark.parametrize("binary", [False, True])
def test_the_inference_protocol_has_an_output_with_contributions(
    explaining: Running, table: pa.Table, *, binary: bool
) -> None:
    rows = table.slice(0, 7)
    document = json.loads(as_inference(rows, binary=False)[0])
    document["outputs"] = [{"name": "cover_type"}, {"name": "contributions", "parameters": {"binary_data": binary}}]
    found = read_inference_of(explaining.post(INFER, document), binary=binary)
    described = explaining.get("/v2/models/covertype").json()
    names = described["parameters"]["contributions"]
    assert {"name": "contributions", "datatype": "FP32", "shape": [-1, len(names)]} in described["outputs"]
    for values, each in zip(
        found, explaining.post("/predict?explain=true", rows.to_pylist()).json()["predictions"], strict=True
    ):
        (explanation,) = each["explanations"].values()
        expected = {**explanation["contributions"], "base": explanation["base"]}
        assert dict(zip(names, values.tolist(), strict=True)) == expected


def read_inference_of(response: Any, *, binary: bool) -> np.ndarray:
    if not binary:
        return read_inference(response)["contributions"]
    size = int(response.headers["inference-header-content-length"])
    output = json.loads(response.content[:size])["outputs"][1]
    return np.frombuffer(response.content[size:], "<f4").reshape(output["shape"])
