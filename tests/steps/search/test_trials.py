from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from steps.models import intervals, matrix, training
from steps.options.train import Hyperparameters
from steps.options.tune import Objective, Pruner, Sampler
from steps.search import study, trial_table
from steps.search import trials as search_trials
from steps.search.space import Dimension, Space
from tests.steps.search.searching import SPACE, START, job, searched

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain


def test_every_matrix_is_made_once(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    made, quantise = [], matrix.quantise

    def counted(path: Path, **options: Any) -> Any:
        made.append((path.name, options["max_bin"]))
        return quantise(path, **options)

    monkeypatch.setattr(matrix, "quantise", counted)
    _, trials = searched(chain, 10)
    bins = {trial.parameters["max_bin"] for trial in trials}
    assert bins == {32, 256}
    assert sorted(made) == sorted((f"{part}_features.parquet", n) for part in ("train", "validation") for n in bins)


def test_nothing_is_trained_twice(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, train = [], training.train

    def counted(*arguments: Any, **options: Any) -> Any:
        made.append(arguments)
        return train(*arguments, **options)

    monkeypatch.setattr(training, "train", counted)
    slow = replace(START, learning_rate=0.01)  # so that another trial is the best
    result, _ = searched(chain, 6, tmp_path / "study.jsonl", start=slow)
    assert len(made) == 6
    made.clear()
    assert searched(chain, 6, tmp_path / "study.jsonl", start=slow)[0] == result
    assert len(made) == 2  # the preset and the best, to compare them


def test_known_points_come_first_once_and_only_from_the_space(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = replace(START, learning_rate=0.5, gamma=3.0)  # gamma is not searched: it stays as the preset has it
    points = [
        ("a", inside),
        ("again", inside),
        ("same", START),
        ("outside", replace(START, learning_rate=0.9, rounds=3)),
    ]
    path = tmp_path / "study.jsonl"
    _, trials = searched(chain, 3, path, points=points)
    assert [trial.origin for trial in trials] == ["preset", "a", "tpe"]
    assert "outside the search space, so not tried: outside\n" in capsys.readouterr().err
    assert trials[1].parameters == replace(START, learning_rate=0.5).to_dict()
    _, more = searched(chain, 5, path, points=[*points, ("late", replace(START, learning_rate=0.6))])
    assert [trial.origin for trial in more[3:]] == ["late", "tpe"]


def test_a_preset_outside_the_space_is_tried_as_it_is(chain: Chain) -> None:
    start = replace(START, rounds=30, max_depth=5)
    result, trials = searched(chain, 12, start=start)
    assert trials[0].parameters == start.to_dict()
    assert "rounds" not in trials[0].values
    assert result["value"] >= trials[0].value


def test_the_best_trial_trained_again_has_its_value(chain: Chain) -> None:
    for objective in Objective:
        made = search_trials.TrialRunner(job(chain, objective=objective, start=replace(START, learning_rate=0.01)))
        result, trials = searched(chain, 6, objective=objective, start=replace(START, learning_rate=0.01))
        sign = objective.sign
        assert sign * result["value"] == max(sign * trial.value for trial in trials if trial.state == study.COMPLETE)
        final = Hyperparameters(**result["parameters"])
        watching = training.EvaluationPlan(objective.value, rows=made._halves.selection)
        booster, curve = made._train(final, watching)
        assert curve.validation_values[-1] == result["value"]
        gain = made.gain(trial_table.best_trial(trials, objective))
        labels, scores = (
            made._halves.parts(values)
            for values in (made._halves.labels, booster.predict(made._matrices_of(final.max_bin).validation))
        )
        threshold = training.best_threshold(labels.selection, scores.selection)
        found, _ = intervals.binary_metrics(labels.held_out, scores.held_out, threshold)
        assert gain.best == pytest.approx(found[objective.value.replace("logloss", "log_loss")].value)


def test_the_pruner_gives_bad_trials_up(chain: Chain) -> None:
    rates = Dimension(name="learning_rate", low=0.02, high=0.8, log=True)
    space = replace(SPACE, dimensions=(rates, Dimension(name="max_depth", whole=True, low=1, high=9)))
    changes: dict[str, Any] = {"space": space, "sampler": Sampler.RANDOM, "start": replace(START, rounds=20)}
    _, all_of_them = searched(chain, 16, pruner=Pruner.NONE, **changes)
    assert {trial.state for trial in all_of_them} == {study.COMPLETE}
    assert all(sorted(map(int, trial.curve)) == list(range(1, 11)) for trial in all_of_them)
    _, pruned = searched(chain, 16, **changes)
    given_up = [trial for trial in pruned if trial.state == study.PRUNED]
    assert given_up
    assert min(trial.number for trial in given_up) > 5
    assert [trial.parameters for trial in pruned] == [trial.parameters for trial in all_of_them]
    for trial in given_up:
        assert 3 <= len(trial.curve) < 10
        whole = all_of_them[trial.number - 1]
        assert whole.value < max(other.value for other in all_of_them[: trial.number])


def test_a_trial_stops_early_but_the_preset_does_not(chain: Chain) -> None:
    # Steps this large overfit within a few rounds.
    fast = replace(START, learning_rate=1.0, max_depth=9, rounds=40, min_child_weight=0.0)
    points = [("deep", replace(fast, max_leaves=0, rounds=60))]
    space = Space((Dimension(name="rounds", whole=True, low=2, high=60),), evaluate_every=2, early_stopping=4)
    made = search_trials.TrialRunner(job(chain, start=fast, space=space, points=points))
    looked: list[int] = []
    train = made._train

    def watched(parameters: Hyperparameters, plan: Any) -> Any:
        booster, curve = train(parameters, plan)
        looked.append(curve.rounds[-1])
        return booster, curve

    made._train = watched  # type: ignore[method-assign]
    first = made.run_next([])
    second = made.run_next([first])
    assert looked[0] == 40
    assert looked[1] == second.best_rounds + 4 < 60
