"""Contributions are those of XGBoost, and add up to the score."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.serving.formats import decoding
from steps.serving.scoring import score_features

if TYPE_CHECKING:
    import pyarrow as pa

    from steps.serving.versions import ServedModel

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def boosters(folder: Path, model: ServedModel) -> list[xgboost.Booster]:
    slugs = [cover_type.slug for cover_type in model.ensemble.cover_types]
    return [xgboost.Booster(model_file=folder / slug / "model.ubj") for slug in slugs]


@settings(max_examples=25)
@given(start=st.integers(0, 900), count=st.integers(1, 20), missing=st.sets(st.integers(0, 11)))
def test_contributions_are_those_of_xgboost_and_add_up_to_the_score(  # noqa: PLR0913, PLR0917 - fixtures
    explained: ServedModel,
    table: pa.Table,
    boosters: list[xgboost.Booster],
    start: int,
    count: int,
    missing: set[int],
) -> None:
    rows = table.slice(start, count).to_pylist()
    for at in missing:
        rows[0][table.column_names[at]] = None
    batch = decoding.read_json(explained.schema, json.dumps(rows).encode(), 99)
    (features,) = explained.ensemble.features(decoding.canonical_rows(explained.schema, batch))
    scored = score_features(explained, [features])
    explainer = explained.explainer
    assert explainer is not None
    for at, booster in enumerate(boosters):
        expected = booster.predict(xgboost.DMatrix(features), pred_contribs=True, validate_features=False)
        found = np.stack([explainer.contributions([features], at, row) for row in range(count)])
        assert np.array_equal(found, expected)
        assert list(explainer.features[at]) == booster.feature_names
        score = scored.scores[at].astype(np.float64)
        assert found.sum(axis=1, dtype=np.float64) == pytest.approx(np.log(score) - np.log1p(-score), abs=1e-4)


def test_contributions_end_with_the_time_of_their_request(explained: ServedModel, table: pa.Table) -> None:
    explainer = explained.explainer
    assert explainer is not None
    batch = decoding.canonical_rows(explained.schema, table.slice(0, 2).combine_chunks().to_batches()[0])
    features = explained.ensemble.features(batch)
    with pytest.raises(TimeoutError):
        explainer.run_until(time.monotonic() - 1, explainer.contributions, features, 0, 0)
    assert explainer.contributions(features, 0, 0).shape == (len(explainer.features[0]) + 1,)


def test_a_server_without_explanations_needs_no_xgboost(folder: Path, model: ServedModel) -> None:
    assert model.explainer is None  # and the prepared forest is beside the models
    code = (
        "import sys, pathlib; from steps.serving import app, server, versions\n"
        f"versions.load_folder(pathlib.Path({str(folder)!r}), 'x')\n"
        "assert 'xgboost' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
