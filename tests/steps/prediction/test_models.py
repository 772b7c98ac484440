from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from steps.bundles.folder import prepared_name
from steps.core.errors import BadDataError, NoInputError
from steps.prediction.models import read_ensemble
from steps.tables import read_batches
from tests.support import Chain

if TYPE_CHECKING:
    from pathlib import Path


def scores_of(folder: Path, chain: Chain, threads: int = 1) -> np.ndarray:
    """Return the scores of the test rows of a chain."""
    ensemble = read_ensemble(folder)
    names = [column.name for column in ensemble.schema.columns]
    return np.concatenate(
        [ensemble.scores(batch.select(names), threads) for batch in read_batches(chain["test"])], axis=1
    )


def test_scores_are_those_of_evaluate_bit_for_bit(models: Path, chains: dict[str, Chain]) -> None:
    for threads in (1, 3):
        for row, chain in zip(scores_of(models, chains["krummholz"], threads), chains.values(), strict=True):
            expected = pq.read_table(chain["scores"]).column("score").to_numpy()
            assert np.array_equal(row.view("u4"), expected.view("u4"))


def test_the_prepared_forest_gives_the_same(models: Path, chains: dict[str, Chain]) -> None:
    first = scores_of(models, chains["krummholz"])
    assert (models / prepared_name(0)).stat().st_size
    assert np.array_equal(scores_of(models, chains["krummholz"]), first)


def test_models_with_other_features_are_scored_too(models: Path, tmp_path: Path, chains: dict[str, Chain]) -> None:
    shutil.copytree(chains["krummholz"].folder, tmp_path / "own")
    own = Chain(tmp_path / "own")
    own.preprocess(feature_set="plain")
    own.train(rounds=8, max_leaves=32)
    own.evaluate()
    shutil.rmtree(models / "krummholz")
    shutil.copytree(own["model"], models / "krummholz")
    expected = pq.read_table(own["scores"]).column("score").to_numpy()
    found = scores_of(models, own)
    assert np.array_equal(found[2].view("u4"), expected.view("u4"))
    others = pq.read_table(chains["spruce-fir"]["scores"]).column("score").to_numpy()
    assert np.array_equal(found[0].view("u4"), others.view("u4"))


def test_a_damaged_model_is_refused(models: Path) -> None:
    data = bytearray((models / "krummholz" / "model.ubj").read_bytes())
    data[-20] ^= 1
    (models / "krummholz" / "model.ubj").write_bytes(data)
    with pytest.raises(BadDataError, match=r"checksum does not match the metadata, in .*krummholz/model.ubj"):
        read_ensemble(models)


def test_models_of_two_runs_are_refused(models: Path) -> None:
    path = models / "krummholz" / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "data_sha256": "other"}))
    with pytest.raises(BadDataError, match="the models were trained on different tables"):
        read_ensemble(models)


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no such folder of models"):
        read_ensemble(tmp_path / "none")
    with pytest.raises(NoInputError, match="there is no model in this folder"):
        read_ensemble(tmp_path)
