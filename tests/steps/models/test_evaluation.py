from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from steps.core.errors import BadDataError
from steps.models import bundle, evaluation, matrix

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain


def test_threads_do_not_change_the_scores(chain: Chain, tmp_path: Path) -> None:
    model = bundle.read(chain["model"])
    for threads in (1, 2, 3):
        evaluation.score_rows(model, chain["test_features"], tmp_path / f"{threads}.parquet", threads=threads)
    written = {(tmp_path / f"{threads}.parquet").read_bytes() for threads in (1, 2, 3)}
    assert written == {chain["scores"].read_bytes()}


def test_other_features_are_refused(own_chain: Chain) -> None:
    own_chain.preprocess(feature_set="plain")
    before = own_chain["scores"].read_bytes()
    model = bundle.read(own_chain["model"])
    with pytest.raises(BadDataError, match="the features are not the ones the model was trained on"):
        evaluation.score_rows(model, own_chain["test_features"], own_chain["scores"], threads=1)
    assert own_chain["scores"].read_bytes() == before


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


def model_of(features: list[str]) -> Any:
    """Return a bundle of a model that splits on its first feature alone."""
    rows = np.random.default_rng(0).random((200, len(features)), np.float32)
    names = matrix.booster_names(features)
    training = xgboost.QuantileDMatrix(rows, label=rows[:, 0] > 0.5, feature_names=names)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, "max_depth": 1}, training, 3)
    return SimpleNamespace(
        booster=booster, threshold=0.5, metadata={"features": features, "cover_type": "aspen", "label": 5}
    )


@pytest.mark.parametrize("features", [["a", "b"], ["a [m]", "b"]])
def test_importances_have_the_names_of_the_features(features: list[str]) -> None:
    assert evaluation.importances(model_of(features)) == {features[0]: 1.0}


def test_the_content_of_metrics_json() -> None:
    scored = pa.table(
        {
            "row": pa.array(range(4), pa.int64()),
            "label": pa.array([1, 1, 0, 0], pa.uint8()),
            "score": pa.array([0.9, 0.4, 0.5, 0.1], pa.float32()),
        }
    )
    found = evaluation.compute_metrics(model_of(["a", "b"]), scored)
    assert (found["cover_type"], found["label"], found["rows"], found["support"]) == ("aspen", 5, 4, 2)
    assert found["confusion"] == {"tp": 1, "fp": 1, "fn": 1, "tn": 1}
    assert found["metrics"]["accuracy"]["value"] == 0.5
    assert found["importances"] == {"a": 1.0}
