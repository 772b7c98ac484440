"""Settings that are accepted alone but not together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps.core.errors import BadConfigurationError, UsageError
from workflows.settings import Settings, combinations

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"set": {"split.train_fraction": 0.7}},
            "the fractions 0.7 + 0.16 + 0.2 do not sum to 1, in --set split.train_fraction: give all three",
        ),
        (
            {"set": {"split.aspen.train_fraction": 0.7, "split.test_fraction": 0.14}},
            "in --set split.test_fraction",
        ),
        (
            {"set": {"split.aspen.train_fraction": 0.7}},
            "in --set split.aspen.train_fraction",
        ),
        ({"snapshot_time": "2026-11-21T09:30:00Z"}, "--snapshot-time is for BigQuery, the source is builtin:"),
        ({"source": "bq://project"}, "bq://project is not a table, in --source: write bq://PROJECT.DATASET.TABLE"),
        ({"source": "bq://a.b.c", "query": "query.sql"}, "bq://a.b.c is not a project, in --source"),
        ({"query": "query.sql", "source": "gs://bucket/a.csv"}, "--query is for BigQuery"),
    ],
)
def test_refused_together(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        combinations.check(Settings.model_validate(given))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"set": {"split.train_fraction": 0.7, "split.test_fraction": "0.14", "train.max_leaves": 4}},
        {"set": {"split.aspen.train-fraction": 0.7, "split.aspen.test-fraction": 0.14}},
        {"source": "bq://project", "query": "query.sql"},
        {"snapshot_time": "2026-11-21T09:30:00Z", "source": "bq://project.dataset.table"},
    ],
)
def test_accepted_together(given: dict[str, Any]) -> None:
    combinations.check(Settings.model_validate(given))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[floors.cover_types.oak]\nf1 = 0.1",
            "there is no cover type 'oak', in cover_types: use some of aspen, krumm",
        ),
        ("[margins.cover_types.spruce-fir]\nf1 = 0.1", "there is no cover type 'spruce-fir'"),  # it is not trained
        ('[slices]\nnames = ["Soil"]', "there is no slice 'Soil', in slices.names: use some of Wilderness_Area, Clim"),
    ],
)
def test_a_policy_for_other_models_is_refused_before_anything_runs(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "policy.toml").write_text(text)
    settings = {"registry": "registry", "policy": str(tmp_path / "policy.toml"), "cover_types": ["5", "krummholz"]}
    with pytest.raises(BadConfigurationError, match=message):
        combinations.check(Settings.model_validate(settings))


def test_a_policy_for_these_models_is_accepted(tmp_path: Path) -> None:
    text = '[slices]\nnames = ["Climatic_Zone"]\n[floors.cover_types.aspen]\nf1 = 0.1'
    (tmp_path / "policy.toml").write_text(text)
    settings = {"registry": "registry", "policy": str(tmp_path / "policy.toml")}
    combinations.check(Settings.model_validate(settings))


@pytest.mark.parametrize(
    "given",
    [
        {"set": {"train.device": "cuda"}},
        {"set": {"train.aspen.device": "cuda"}, "preset": "fast"},
        {"steps": {"train": {"gpu": 1}}},
        {"set": {"train.device": "cuda", "train.grow_policy": "lossguide"}, "preset": "gpu"},
    ],
)
def test_best_first_growth_on_a_gpu_is_refused_before_anything_runs(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="best-first growth"):
        combinations.check(Settings(**given))


@pytest.mark.parametrize(
    "given",
    [
        {"set": {"train.device": "cuda"}, "preset": "gpu"},
        {"set": {"train.device": "cuda", "train.grow_policy": "depthwise"}},
        {"set": {"train.device": "cpu"}, "steps": {"train": {"gpu": 1}}},
    ],
)
def test_level_wise_growth_on_a_gpu_is_not(given: dict[str, Any]) -> None:
    combinations.check(Settings(**given))
