from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xgboost

from steps import evaluate, tables
from steps.models import bundle
from tests.support import FEATURES, Chain, call

if TYPE_CHECKING:
    from pathlib import Path


def metrics_of(chain: Chain) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chain["metrics"].read_text())
    return found


def test_scores_line_up_with_the_test_rows(chain: Chain) -> None:
    scores, rows = pq.read_table(chain["scores"]), pq.read_table(chain["test"])
    assert scores.column_names == ["row", "label", "score", "group", "Wilderness_Area", "Climatic_Zone"]
    areas = rows.column("Wilderness_Area").combine_chunks().cast("string")
    assert scores.column("Wilderness_Area").combine_chunks().cast("string").equals(areas)
    zones = [soil[:2] for soil in rows.column("Soil_Type").to_pylist()]
    assert scores.column("Climatic_Zone").to_pylist() == zones
    features = rows.select(FEATURES).to_pandas().astype(str).agg("|".join, axis=1)
    assert scores.column("group").to_pandas().groupby(features).nunique().max() == 1
    assert len(scores.column("group").unique()) == features.nunique()
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


def test_a_missing_bundle_is_no_input(chain: Chain, tmp_path: Path) -> None:
    shutil.copytree(chain["model"], tmp_path / "model")
    (tmp_path / "model" / "model.ubj").unlink()
    options = ["--model", tmp_path / "model", "--test-features", chain["test_features"]]
    outputs = ["--scores", tmp_path / "s", "--metrics", tmp_path / "m"]
    result = call(evaluate.main, *options, *outputs)
    assert result.code == 66
    assert result.errors == [f"error: no model.ubj, in {tmp_path}/model: give the folder of a model bundle"]


def test_metrics_exist_only_if_everything_else_was_written(chain: Chain, tmp_path: Path) -> None:
    """The report takes a cover type for evaluated where this file exists."""
    (tmp_path / "file").touch()
    paths = {"--scores": "scores", "--metrics": "metrics.json", "--summary": "file/below"}
    words = [f"{option}={tmp_path / path}" for option, path in paths.items()]
    ended = call(evaluate.main, f"--model={chain['model']}", f"--test-features={chain['test_features']}", *words)
    assert ended.code != 0
    assert (tmp_path / "scores").exists()
    assert not (tmp_path / "metrics.json").exists()
