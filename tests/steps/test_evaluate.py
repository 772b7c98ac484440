from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from steps import evaluate, tables
from steps.core.errors import BadDataError
from steps.models import bundle, evaluation, matrix
from tests.support import Chain, call

if TYPE_CHECKING:
    from pathlib import Path


def metrics_of(chain: Chain) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chain["metrics"].read_text())
    return found


def test_scores_line_up_with_the_test_rows(chain: Chain) -> None:
    scores, rows = pq.read_table(chain["scores"]), pq.read_table(chain["test"])
    assert scores.column_names == ["row", "label", "score"]
    assert scores.column("row").equals(rows.column("row"))
    assert scores.column("label").equals(rows.column("label"))


def test_scores_are_the_model_s(chain: Chain) -> None:
    model = bundle.read(chain["model"])
    features = tables.read_metadata(chain["test_features"]).features
    table = pq.read_table(chain["test_features"])
    rows = np.column_stack([table.column(name).to_numpy().astype(np.float32) for name in features])
    expected = model.booster.predict(xgboost.DMatrix(rows, feature_names=list(features)))
    np.testing.assert_array_equal(pq.read_table(chain["scores"]).column("score").to_numpy(), expected)


def test_the_bundle_scores_raw_rows_alike(chain: Chain) -> None:
    # What predict does: canonical columns through the bundle's own transformer.
    model = bundle.read(chain["model"])
    frame = model.transformer.transform(pq.read_table(chain["test"]).to_pandas())
    scores = model.booster.inplace_predict(frame.to_numpy(np.float32))
    np.testing.assert_array_equal(pq.read_table(chain["scores"]).column("score").to_numpy(), scores)


def test_metrics_are_about_those_rows(chain: Chain) -> None:
    found, scores = metrics_of(chain), pq.read_table(chain["scores"])
    assert found["rows"] == len(scores) == sum(found["confusion"].values())
    assert found["support"] == scores.column("label").to_numpy().sum()
    assert (found["cover_type"], found["label"]) == ("lodgepole-pine", 2)
    predicted = scores.column("score").to_numpy().astype(float) >= found["threshold"]
    assert found["metrics"]["accuracy"]["value"] == (predicted == scores.column("label").to_numpy()).mean()
    assert found["metrics"]["f1"]["value"] > 0.6  # twelve rounds on 1,900 rows have learnt something
    assert sum(found["importances"].values()) == pytest.approx(1, abs=1e-4)
    assert set(found["importances"]) <= set(tables.read_metadata(chain["test_features"]).features)
    assert chain["summary"].read_text().startswith("F1 0.")


def test_threads_do_not_change_the_scores(chain: Chain, tmp_path: Path) -> None:
    model = bundle.read(chain["model"])
    for threads in (1, 2, 3):
        evaluation.score(model, chain["test_features"], tmp_path / f"{threads}.parquet", threads=threads)
    written = {(tmp_path / f"{threads}.parquet").read_bytes() for threads in (1, 2, 3)}
    assert written == {chain["scores"].read_bytes()}


def test_other_features_are_refused(own_chain: Chain) -> None:
    own_chain.preprocess(feature_set="plain")
    before = own_chain["scores"].read_bytes()
    model = bundle.read(own_chain["model"])
    with pytest.raises(BadDataError, match="the features are not the ones the model was trained on"):
        evaluation.score(model, own_chain["test_features"], own_chain["scores"], threads=1)
    assert own_chain["scores"].read_bytes() == before


def test_a_missing_bundle_is_no_input(chain: Chain, tmp_path: Path) -> None:
    shutil.copytree(chain["model"], tmp_path / "model")
    (tmp_path / "model" / "model.ubj").unlink()
    options = ["--model", tmp_path / "model", "--test-features", chain["test_features"]]
    outputs = ["--scores", tmp_path / "s", "--metrics", tmp_path / "m"]
    result = call(evaluate.main, *options, *outputs)
    assert result.code == 66
    assert result.errors == [f"error: no model.ubj, in {tmp_path}/model: give the folder of a model bundle"]


SCORED = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=50)


@given(SCORED.filter(lambda rows: any(label for label, _ in rows)))
def test_points_of_the_curve_are_scikit_learn_s(rows: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in rows], np.uint8)
    scores = np.array([score / 6 for _, score in rows], np.float32)
    curve = evaluation.pr_curve(labels, scores)
    precision, recall, _ = precision_recall_curve(labels, scores)
    expected = {(round(float(r), 5), round(float(p), 5)) for p, r in zip(precision, recall, strict=True)}
    points = list(zip(curve["recall"], curve["precision"], strict=True))
    assert set(points) <= expected
    assert points == sorted(set(points))
    assert points[-1][0] == 1


def test_the_curve_has_a_limited_number_of_points() -> None:
    labels = (np.arange(5000) % 3 == 0).astype(np.uint8)
    scores = np.random.default_rng(0).random(5000, np.float32)
    assert len(evaluation.pr_curve(labels, scores)["recall"]) == evaluation.CURVE_POINTS


def test_an_array_of_features_is_float32_row_by_row(chain: Chain) -> None:
    batch = next(tables.read_batches(chain["test_features"]))
    array = matrix.to_array(batch, ["Slope", "Elevation"])
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert array[:, 1].tolist() == batch.column("Elevation").to_pylist()
