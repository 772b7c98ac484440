from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from steps import hyperparameters, presets, search, training
from steps.hyperparameters import Hyperparameters
from tests.test_training import matrices_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support import Chain

START = Hyperparameters(rounds=6, max_depth=4, evaluate_every=2)


def searched(chain: Chain, trials: int = 3, seed: int = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    features = chain.options("train_features", "validation_features")
    by_part = {name.removesuffix("_features"): path for name, path in features.items()}
    return search.search(by_part, START, search.Limits(trials), seed=seed, threads=1)


def test_three_trials_are_deterministic(chain: Chain) -> None:
    assert searched(chain) == searched(chain)


def test_the_seed_changes_the_trials(chain: Chain) -> None:
    tables = [searched(chain, seed=seed)[1] for seed in (1, 2)]
    assert tables[0][0]["parameters"] == tables[1][0]["parameters"] == START.to_dict()
    assert tables[0][1]["parameters"] != tables[1][1]["parameters"]


def test_the_best_trial_is_chosen_and_no_worse_than_the_start(chain: Chain) -> None:
    result, table = searched(chain, trials=4)
    assert [row["trial"] for row in table] == [0, 1, 2, 3]
    scores = [row["pr_auc"] for row in table]
    assert result["pr_auc"] == max(scores) >= scores[0]
    best = table[scores.index(max(scores))]
    assert result["parameters"] == {**best["parameters"], "rounds": best["rounds"]}
    assert result["origin"] == f"trial {best['trial']} of 4"


def test_the_rounds_are_the_best_trial_s_best(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    # Steps this large overfit within a few rounds.
    monkeypatch.setitem(globals(), "START", Hyperparameters(rounds=80, learning_rate=1, max_depth=10, evaluate_every=2))
    result, table = searched(chain, trials=1)
    assert result["parameters"]["rounds"] == table[0]["rounds"] < 80
    chosen = Hyperparameters(**result["parameters"])
    _, curve = training.train(matrices_of(chain), chosen, seed=0, threads=1)
    assert curve.values["validation"]["aucpr"][-1] == result["pr_auc"]


def test_without_trials_the_preset_is_passed_on(own_chain: Chain) -> None:
    for preset in presets.Preset:
        own_chain.tune(preset=preset.value)
        written = json.loads(own_chain["best_parameters"].read_text())
        assert written["origin"] == f"preset {preset.value}"
        chosen = hyperparameters.read(own_chain["best_parameters"])
        assert chosen == Hyperparameters(**presets.load(preset).parameters)
        assert json.loads(own_chain["trial_table"].read_text()) == []


def test_trials_on_the_command_line(own_chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(_preset: presets.Preset) -> presets.Defaults:
        return presets.Defaults("derived", {"rounds": 4, "max_depth": 3, "evaluate_every": 4})

    monkeypatch.setattr(presets, "load", small)  # the real presets take seconds a trial
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(tmp_path / "progress"))
    own_chain.tune(trials=2, seed=1, usage=tmp_path / "usage.json")
    assert len(json.loads(own_chain["trial_table"].read_text())) == 2
    assert (tmp_path / "progress").read_text() == "2/2\n"
    assert hyperparameters.read(own_chain["best_parameters"]).rounds == 4
    own_chain.train()


def test_a_timeout_ends_after_the_trial_that_runs(chain: Chain) -> None:
    features = {part: chain[f"{part}_features"] for part in ("train", "validation")}
    result, table = search.search(features, START, search.Limits(1000, timeout=1e-9), seed=0, threads=1)
    assert len(table) == 1
    assert result["parameters"]["max_depth"] == 4
