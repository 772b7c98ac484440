"""Contributions are those of XGBoost, add up to the score, and never hold up other requests."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from steps import serve
from steps.core import runtime
from steps.serving.explainer import Explainer
from steps.serving.formats import decoding
from steps.serving.scoring import score_features
from steps.serving.versions import load_folder
from tests.steps.serving.conftest import running
from tests.steps.serving.test_service import INFER, as_inference, read_inference

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def explained(folder: Path, model: ServedModel) -> ServedModel:
    assert model.explainer is None
    return load_folder(folder, "first", 20)


@pytest.fixture(scope="module")
def explaining(explained: ServedModel) -> Iterator[Running]:
    with running(explained, explain=True) as made:
        yield made


@pytest.fixture(scope="module")
def boosters(folder: Path, model: ServedModel) -> dict[str, xgboost.Booster]:
    slugs = [cover_type.slug for cover_type in model.ensemble.cover_types]
    return {slug: xgboost.Booster(model_file=folder / slug / "model.ubj") for slug in slugs}


def logit(score: float) -> float:
    return float(np.log(score) - np.log1p(-score))


@settings(max_examples=15)
@given(start=st.integers(0, 900), count=st.integers(1, 20), missing=st.sets(st.integers(0, 11)))
def test_contributions_are_those_of_xgboost_and_add_up_to_the_score(  # noqa: PLR0913, PLR0917 - fixtures
    explaining: Running,
    explained: ServedModel,
    table: pa.Table,
    boosters: dict[str, xgboost.Booster],
    start: int,
    count: int,
    missing: set[int],
) -> None:
    rows = table.slice(start, count).to_pylist()
    for at in missing:
        rows[0][table.column_names[at]] = None
    batch = decoding.canonical_rows(
        explained.schema, decoding.read_json(explained.schema, json.dumps(rows).encode(), 99)
    )
    (features,) = explained.ensemble.features(batch)
    found = explaining.post("/predict?explain=all", rows).json()["predictions"]
    plain = explaining.post("/predict", rows).json()["predictions"]
    assert [{key: each[key] for key in plain[0]} for each in found] == plain
    for slug, booster in boosters.items():
        expected = booster.predict(xgboost.DMatrix(features), pred_contribs=True, validate_features=False)
        for prediction, contributions in zip(found, expected, strict=True):
            explanation = prediction["explanations"][slug]
            assert list(explanation["contributions"]) == booster.feature_names
            values = [*explanation["contributions"].values(), explanation["base"]]
            assert np.array_equal(np.array(values, np.float32), contributions)
            assert sum(values) == pytest.approx(logit(prediction["scores"][slug]), abs=1e-4)


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
    for query in ("", "explain=false", "other=1"):
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


def test_what_cannot_be_explained_is_refused(explaining: Running, service: Running, row: dict[str, Any]) -> None:
    off = service.post("/predict?explain=true", row)
    assert (off.status_code, "start the server with --explain" in off.json()["error"]) == (400, True)
    for query in ("explain=pine", "explain=true&explain=all", "", "explain=%ff", "&".join(["a=1"] * 2_000)):
        assert explaining.post(f"/predict?{query}&explain=x", row).status_code == 400, query[:20]
    assert explaining.post("/predict?explain=true", row, accept="text/csv").status_code == 406
    many = explaining.post("/predict?explain=true", [row] * 21)
    assert (many.status_code, many.json()["error"]) == (413, "21 rows, 20 are explained in a request: send several")
    assert explaining.post("/predict?explain=true", {**row, "Slope": "x"}).status_code == 422
    for server, rows, status in ((service, 1, 400), (explaining, 21, 413), (explaining, 1, 200)):
        document = {
            "inputs": [
                {
                    "name": name,
                    "datatype": "BYTES" if isinstance(value, str) else "INT16",
                    "shape": [rows],
                    "data": [value] * rows,
                }
                for name, value in row.items()
            ],
            "outputs": [{"name": "contributions"}],
        }
        assert server.post(INFER, document).status_code == status


def test_explanations_wait_in_a_short_queue_and_stop_nobody(
    explained: ServedModel, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, computed = threading.Event(), Explainer.contributions

    def wait(self: Explainer, *arguments: Any) -> Any:
        ended.wait(20)
        return computed(self, *arguments)

    monkeypatch.setattr(Explainer, "contributions", wait)
    with running(explained, explain=True, timeout=30) as service, ThreadPoolExecutor(5) as clients:
        asked = [clients.submit(ask_alone, service, row) for _ in range(5)]
        deadline = time.monotonic() + 20
        while not any(each.done() for each in asked):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert service.post("/predict", row).status_code == 200
        assert service.post("/predict", [row] * 100).status_code == 200
        ended.set()
        assert sorted(each.result() for each in asked) == [200, 200, 200, 200, 429]


def ask_alone(service: Running, row: dict[str, Any]) -> int:
    import requests

    return requests.post(service.url("/predict?explain=true"), json=row, timeout=30).status_code


def test_an_explanation_ends_with_the_time_of_its_request(
    explained: ServedModel, table: pa.Table, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert explained.explainer is not None
    batch = decoding.canonical_rows(explained.schema, table.slice(0, 2).combine_chunks().to_batches()[0])
    scored = score_features(explained, explained.ensemble.features(batch))
    with pytest.raises(TimeoutError):
        explained.explainer.run_until(time.monotonic() - 1, explained.explainer.contributions, scored, 0, 0)
    assert explained.explainer.contributions(scored.features, 0, 0).shape == (len(explained.explainer.features[0]) + 1,)
    run_until = Explainer.run_until
    monkeypatch.setattr(Explainer, "run_until", lambda self, _, *rest: run_until(self, time.monotonic() - 1, *rest))
    with running(explained, explain=True) as service:
        assert service.post("/predict?explain=true", row).status_code == 503
        assert service.post("/predict", row).status_code == 200


def test_a_server_without_explanations_needs_no_xgboost(folder: Path, model: ServedModel) -> None:
    assert model.explainer is None  # and the prepared forest is beside the models
    code = (
        "import sys, pathlib; from steps.serving import app, server, versions\n"
        f"versions.load_folder(pathlib.Path({str(folder)!r}), 'x')\n"
        "assert 'xgboost' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_xgboost_that_is_missing_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "_EXPLAINS", "no_such_library")
    assert runtime.run(serve.main, [f"--models={folder}", "--port=0", "--explain"]) == 69
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --explain needs no_such_library")
