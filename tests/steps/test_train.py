from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING

import pytest

from steps import tables, train
from steps.core.errors import UsageError
from steps.core.options import with_flags
from steps.models import bundle, hyperparameters, matrix, training
from steps.options.train import Hyperparameters
from tests.support import Chain, call

if TYPE_CHECKING:
    from pathlib import Path


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def parameters_of(chain: Chain) -> dict[str, object]:
    found: dict[str, object] = bundle.read(chain["model"]).metadata["parameters"]
    return found


def test_the_same_seed_gives_the_same_bundle_for_any_threads(own_chain: Chain) -> None:
    options = {"rounds": 6, "subsample": 0.7, "colsample_bynode": 0.6, "seed": 3}
    written = []
    for threads in (1, 2, 4):
        own_chain.train(**options, threads=threads)
        written.append((files(own_chain["model"]), own_chain["learning_curve"].read_bytes()))
    assert written[0] == written[1] == written[2]
    own_chain.train(**options | {"seed": 4})
    assert files(own_chain["model"])["model.ubj"] != written[0][0]["model.ubj"]


def test_every_hyperparameter_is_an_option() -> None:
    assert set(hyperparameters.NAMES) <= set(inspect.signature(with_flags(train.main)).parameters)


def test_without_a_search_the_parameters_are_the_preset_s(own_chain: Chain) -> None:
    own_chain.tune(preset="thorough")
    options = {"preset": "thorough", "rounds": 6}
    own_chain.train(**options)
    from_file = files(own_chain["model"])
    own_chain["best_parameters"].unlink()
    own_chain.train(**options)
    assert files(own_chain["model"]) == from_file
    own_chain.train(rounds=6)
    assert files(own_chain["model"]) != from_file


def test_the_command_line_wins_over_the_file(own_chain: Chain) -> None:
    given = {"rounds": 9, "max_depth": 3, "gamma": 0.5}
    own_chain["best_parameters"].write_text(json.dumps({"parameters": given}))
    own_chain.train()
    assert parameters_of(own_chain) == {**Hyperparameters().to_dict(), **given}
    chosen: dict[str, object] = {
        "rounds": 4,
        "learning_rate": 0.25,
        "max_depth": 0,
        "max_leaves": 9,
        "grow_policy": "lossguide",
        "min_child_weight": 0.5,
        "max_delta_step": 1.5,
        "gamma": 0.0,
        "reg_lambda": 0.0,
        "reg_alpha": 0.25,
        "subsample": 0.75,
        "colsample_bytree": 0.5,
        "colsample_bylevel": 0.75,
        "colsample_bynode": 0.25,
        "scale_pos_weight": 2.0,
        "max_bin": 64,
        "early_stopping": 3,
        "evaluate_every": 2,
    }
    assert set(chosen) == set(hyperparameters.NAMES)
    own_chain.train(**chosen)
    assert parameters_of(own_chain) == chosen


def test_the_threshold_and_curve_are_written(chain: Chain) -> None:
    curve = json.loads(chain["learning_curve"].read_text())
    assert curve["rounds"][-1] == 12
    assert len(curve["validation"]["pr_auc"]) == len(curve["rounds"])
    assert curve["train"]["logloss"][-1] < curve["train"]["logloss"][0]
    assert 0 < bundle.read(chain["model"]).threshold < 1


def test_the_line_that_argo_shows_has_rounds_pr_auc_and_threshold(own_chain: Chain, tmp_path: Path) -> None:
    own_chain.train(rounds=12, fit=tmp_path / "fit")
    read = bundle.read(own_chain["model"])
    curve = json.loads(own_chain["learning_curve"].read_text())
    best = curve["validation"]["pr_auc"][curve["rounds"].index(read.metadata["best_rounds"])]
    expected = f"{read.metadata['best_rounds']} rounds, validation PR-AUC {best:.4f}, threshold {read.threshold:.3f}"
    assert (tmp_path / "fit").read_text() == expected


def test_early_stopping_on_the_command_line(own_chain: Chain) -> None:
    own_chain.train(rounds=300, learning_rate=1, min_child_weight=0, early_stopping=4, evaluate_every=2)
    read = bundle.read(own_chain["model"])
    assert read.booster.num_boosted_rounds() == read.metadata["best_rounds"] < 300


def test_refit_is_trained_on_both_tables_with_the_first_fit_s_rounds_and_threshold(own_chain: Chain) -> None:
    options = {"rounds": 40, "learning_rate": 1, "min_child_weight": 0, "early_stopping": 4, "evaluate_every": 2}
    own_chain.train(**options)
    first, curve = bundle.read(own_chain["model"]), own_chain["learning_curve"].read_bytes()
    own_chain.train(**options, refit="validation")
    again = bundle.read(own_chain["model"])
    assert (first.metadata["refit"], again.metadata["refit"]) == ("none", "validation")
    assert again.threshold == first.threshold
    assert own_chain["learning_curve"].read_bytes() == curve
    best = again.metadata["best_rounds"]
    assert again.booster.num_boosted_rounds() == best == first.metadata["best_rounds"] < 40
    both = matrix.quantise(own_chain["train_features"], own_chain["validation_features"], max_bin=256, threads=1)
    parameters = Hyperparameters(**again.metadata["parameters"] | {"rounds": best, "early_stopping": 0})
    alone, _ = training.train(training.Matrices(both, both), parameters, seed=0, threads=1)
    assert alone.save_raw("ubj") == again.booster.save_raw("ubj") != first.booster.save_raw("ubj")


def test_refit_in_batches_gives_the_same_model(own_chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    own_chain.train(rounds=4, refit="validation")
    whole = files(own_chain["model"])
    monkeypatch.setattr(matrix, "PIECE_ROWS", 0)
    monkeypatch.setattr(tables.read_batches, "__defaults__", (None, 137))
    own_chain.train(rounds=4, refit="validation")
    assert files(own_chain["model"]) == whole


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--refit", "all"], "error: Invalid value for '--refit'"),
        (["--gamma", "-1"], "error: Invalid value for '--gamma'"),
        (["--rounds", "0"], "error: Invalid value for '--rounds'"),
        (["--grow-policy", "best"], "error: Invalid value for '--grow-policy'"),
        (["--max-bin", "1"], "error: Invalid value for '--max-bin'"),
        (["--max-bin", str(2**31)], "error: Invalid value for '--max-bin'"),
        (["--rounds", str(2**31)], "error: Invalid value for '--rounds'"),
        (["--seed", str(2**63)], "error: Invalid value for '--seed'"),
    ],
)
def test_hyperparameters_out_of_range(own_chain: Chain, options: list[str], message: str) -> None:
    names = ("train_features", "validation_features", "preprocessor", "learning_curve")
    paths = {**own_chain.options(*names), "parameters": own_chain["best_parameters"], "model": own_chain["model"]}
    given = [word for name, path in paths.items() for word in (f"--{name.replace('_', '-')}", path)]
    result = call(train.main, *given, *options)
    assert result.code == 2
    assert result.errors[0].startswith(message)


def test_best_first_growth_on_a_gpu_is_refused_with_advice(own_chain: Chain) -> None:
    names = ("train_features", "validation_features", "preprocessor", "model", "learning_curve")
    words = [word for name, path in own_chain.options(*names).items() for word in (f"--{name.replace('_', '-')}", path)]
    refused = call(train.main, *words, "--device=cuda", "--preset=fast")
    assert refused.code == UsageError.exit_code
    assert "best-first growth (lossguide) is slower on a GPU, in device=cuda: take --preset gpu" in refused.log
    assert "lossguide" not in call(train.main, *words, "--device=cuda", "--preset=gpu", "--rounds=2").log


def test_the_log_says_that_there_was_no_search(own_chain: Chain) -> None:
    names = ("train_features", "validation_features", "preprocessor", "model", "learning_curve")
    words = [word for name, path in own_chain.options(*names).items() for word in (f"--{name.replace('_', '-')}", path)]
    ended = call(train.main, *words, "--preset=fast", "--rounds=2")
    assert ended.log.splitlines()[0] == "no search: hyperparameters of preset fast"
