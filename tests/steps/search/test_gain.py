from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.search_false_positives import Design, simulate
from steps.models import intervals, metrics, training
from steps.options.tune import Objective
from steps.search import gain as search_gain
from steps.search import trial_table
from steps.search.holdout import Parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 600


def scored(noise: float, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return labels and a classifier's scores of them: the more noise, the worse."""
    labels = (np.arange(ROWS) % 3 == 0).astype(np.uint8)
    random = np.random.default_rng(seed)
    return labels, (1 / (1 + np.exp(2 - 4.0 * labels - noise * random.normal(size=ROWS)))).astype(np.float32)


def halves(values: NDArray[Any]) -> Parts:
    """Return alternate rows as selection and held-out rows."""
    return Parts(values[::2], values[1::2])


@pytest.mark.parametrize("objective", Objective)
def test_a_better_model_is_significant_and_the_same_is_not(objective: Objective) -> None:
    labels, good = (halves(values) for values in scored(1.0))
    bad = halves(scored(4.0, seed=1)[1])
    gain = search_gain.compare(labels, bad, good, objective)
    assert gain.significant
    assert (gain.rows, gain.positive_rows) == (ROWS / 2, ROWS / 6)
    assert gain.low is not None
    assert gain.gain is not None
    assert gain.high is not None
    assert 0 < gain.low < gain.gain < gain.high
    worse = search_gain.compare(labels, good, bad, objective)
    assert (worse.gain, worse.significant) == (-gain.gain, False)
    same = search_gain.compare(labels, good, good, objective)
    assert (same.gain, same.low, same.high, same.significant) == (0, 0, 0, False)
    assert search_gain.compare(labels, bad, good, objective) == gain


def test_the_blocks_of_samples_do_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, good = (halves(values) for values in scored(1.0))
    bad = halves(scored(4.0, seed=1)[1])
    whole = search_gain.compare(labels, bad, good, Objective.PR_AUC)
    monkeypatch.setattr(search_gain, "_BLOCK", 7 * ROWS)
    assert search_gain.compare(labels, bad, good, Objective.PR_AUC) == whole


@pytest.mark.parametrize("objective", Objective)
def test_the_rows_that_chose_do_not_judge(objective: Objective) -> None:
    labels, good = (halves(values) for values in scored(1.0))
    bad = halves(scored(4.0, seed=1)[1])
    gain = search_gain.compare(labels, bad, good, objective)
    # As if the preset were perfect on the rows that chose: only F1 has a threshold from there.
    perfect = bad._replace(selection=np.where(labels.selection == 1, np.max(bad.held_out), np.min(bad.held_out)))
    other = search_gain.compare(labels, perfect, good, objective)
    assert (other == gain) == (objective is not Objective.F1)
    assert (other.best, other.rows) == (gain.best, gain.rows)


@pytest.mark.parametrize("value", [0, 1])
def test_held_out_rows_of_one_kind_test_nothing(value: int) -> None:
    labels, scores = (halves(values) for values in scored(1.0))
    labels = labels._replace(held_out=np.full(len(labels.held_out), value, np.uint8))
    gain = search_gain.compare(labels, scores, scores, Objective.PR_AUC).to_dict()
    assert [gain[name] for name in ("preset", "best", "gain", "low", "high", "significant")] == [None] * 5 + [False]
    assert trial_table.verdict(gain) == "not tested: the 300 held-out validation rows are all of one class"


@pytest.mark.parametrize("trials", [2, 10, 40])
def test_searches_between_equal_models_rarely_find_a_gain(trials: int) -> None:
    design = Design(rows=300, trials=trials, searches=80)
    found = simulate(design, rules=("same rows", "held-out half"))
    assert np.mean([search.found for search in found["held-out half"]]) <= 0.05
    if trials > 2:  # what the simulation is about: the best of many, judged on the rows that chose it
        assert np.mean([search.found for search in found["same rows"]]) > 0.08


SCORED = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=30)


@given(SCORED.filter(lambda rows: len({label for label, _ in rows}) == 2), st.data())
def test_weights_are_repeated_rows(rows: list[tuple[bool, int]], data: st.DataObject) -> None:
    labels = np.array([label for label, _ in rows], np.uint8)
    scores = np.array([score / 8 for _, score in rows], np.float32)
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))))
    repeated = np.repeat(labels, weights), np.repeat(scores, weights)
    if not repeated[0].any():
        weights, repeated = np.ones(len(rows), int), (labels, scores)
    truth, scored_ = Parts(labels, labels), Parts(scores, scores)
    measure = {each: search_gain._measure(truth, scored_, each)(weights[np.newaxis])[0] for each in Objective}
    assert measure[Objective.PR_AUC] == pytest.approx(intervals.pr_auc(*repeated).value)
    assert measure[Objective.LOGLOSS] == pytest.approx(metrics.log_losses(*repeated).mean(), abs=1e-6)
    confusion = intervals.Confusion.of(
        repeated[0], repeated[1].astype(np.float64) >= training.best_threshold(labels, scores)
    )
    expected = 2 * confusion.tp / max(1, 2 * confusion.tp + confusion.fp + confusion.fn)
    assert measure[Objective.F1] == pytest.approx(expected)


def test_as_json() -> None:
    gain = search_gain.Gain(0.5, 0.75, 0.25, 0.125, 0.5, 90, 9)
    values = {"preset": 0.5, "best": 0.75, "gain": 0.25, "low": 0.125, "high": 0.5}
    assert gain.to_dict() == {**values, "rows": 90, "positive_rows": 9, "significant": True}
    assert trial_table.verdict(gain.to_dict()) == "statistically significant"
    assert trial_table.verdict({**gain.to_dict(), "significant": False}) == "not statistically significant"
