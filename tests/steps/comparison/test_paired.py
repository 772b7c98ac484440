from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from steps.comparison import measures, paired
from steps.comparison.scores import NoCommonRowsError
from tests.steps.comparison.simulated import SLUGS, simulated, worsened


def ends(found: paired.Comparison) -> np.ndarray:
    return np.array([(each.low, each.high, each.family_low, each.family_high) for each in found.differences])


def test_differences_are_those_of_the_metrics() -> None:
    first, second = simulated(seed=1), simulated(seed=2)
    found = paired.compare(first, second)
    values = zip(found.differences, measures.measure(first), measures.measure(second), strict=True)
    for each, one, other in values:
        sign = -1 if each.metric == "log_loss" else 1
        assert (each.challenger, each.champion, each.cover_type) == (one.value, other.value, one.cover_type)
        assert each.gain == pytest.approx(sign * (one.value - other.value))
        assert each.family_low <= each.low <= each.gain <= each.high <= each.family_high
    assert (found.rows, found.groups, found.method) == (600, 600, "bootstrap")
    assert json.loads(json.dumps(found.to_dict()))["differences"][0]["metric"] == "f1"


def test_a_comparison_is_repeatable_and_antisymmetric() -> None:
    first, second = simulated(seed=1), simulated(seed=2)
    found, reverse = paired.compare(first, second), paired.compare(second, first)
    assert found == paired.compare(first, second)
    np.testing.assert_allclose(ends(found), -ends(reverse)[:, [1, 0, 3, 2]], atol=1e-12)


def test_equal_versions_differ_by_nothing() -> None:
    found = paired.compare(simulated(), simulated())
    assert not ends(found).any()
    assert found.multiple == 0


def test_the_two_methods_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = simulated(1500, seed=1), simulated(1500, seed=2)
    drawn = paired.compare(first, second)
    monkeypatch.setattr(paired, "MOST_RESAMPLED", 0)
    found = paired.compare(first, second)
    assert (drawn.method, found.method) == ("bootstrap", "influence")
    lengths = [each[:, 1] - each[:, 0] for each in (ends(drawn), ends(found))]
    np.testing.assert_allclose(lengths[1], lengths[0], rtol=0.15)
    assert found.multiple == pytest.approx(drawn.multiple, rel=0.1)


@pytest.mark.parametrize("most", [0, 10_000])
def test_equal_rows_are_resampled_together(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(paired, "MOST_RESAMPLED", most)
    monkeypatch.setattr(paired, "RESAMPLES", 800)
    first, second = simulated(600, seed=1), simulated(600, seed=2)
    once = paired.compare(first, second)
    four = [each.take(np.repeat(np.arange(600), 4), SLUGS) for each in (first, second)]
    rows = np.arange(2400)
    together = paired.compare(*(replace(each, rows=rows) for each in four))
    apart = paired.compare(*(replace(each, rows=rows, groups=rows) for each in four))
    assert (together.groups, apart.groups) == (600, 2400)
    lengths = [each[:, 1] - each[:, 0] for each in (ends(once), ends(together), ends(apart))]
    np.testing.assert_allclose(lengths[1], lengths[0], rtol=0.1)
    np.testing.assert_allclose(lengths[2], lengths[0] / 2, rtol=0.15)


def test_a_cover_type_with_few_positive_rows_is_resampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired, "RESAMPLES", 100)
    first, second = simulated(2600, seed=1), simulated(2600, seed=2)
    index = np.sort(np.concatenate([np.flatnonzero(first.truth != 2), np.flatnonzero(first.truth == 2)[:49]]))
    assert len(index) > paired.MOST_RESAMPLED
    rare, other = (each.take(index, SLUGS) for each in (first, second))
    assert paired.compare(first, second).method == "influence"
    assert paired.compare(rare, other).method == "bootstrap"


def test_influences_of_many_rows_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired, "MOST_RESAMPLED", 0)
    first, second = simulated(4000, seed=1), simulated(4000, seed=2)
    whole = paired.compare(first, second)
    monkeypatch.setattr(paired, "_MOST_SUMS", 1000)
    few = paired.compare(first, second)
    lengths = [each[:, 1] - each[:, 0] for each in (ends(whole), ends(few))]
    np.testing.assert_allclose(lengths[1], lengths[0], rtol=0.15)


def test_intervals_of_all_metrics_hold_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw samples of a population with a known gain, and count how often an interval misses it."""
    monkeypatch.setattr(paired, "_NORMAL_DRAWS", 2000)
    first, second = simulated(20_000, seed=1, skill=1.2), simulated(20_000, seed=2, skill=1.1)
    pairs = zip(measures.measure(first), measures.measure(second), strict=True)
    true = np.array([(1 if one.metric != "log_loss" else -1) * (one.value - other.value) for one, other in pairs])
    random, rows, missed, missed_one = np.random.default_rng(0), np.arange(2500), 0, 0
    for _ in range(100):
        index = random.integers(0, 20_000, 2500)
        one, other = (replace(each.take(index, SLUGS), rows=rows, groups=rows) for each in (first, second))
        low, high, family_low, family_high = ends(paired.compare(one, other)).T
        missed += bool(((true < family_low) | (true > family_high)).any())
        missed_one += int(((true < low) | (true > high)).sum())
    assert missed <= 11  # 5% of 100 are 5, and 11 is the 99% quantile
    assert 0.03 < missed_one / (100 * len(true)) < 0.07


def test_a_worse_version_has_negative_gains() -> None:
    scores = simulated(3000)
    found = paired.compare(worsened(scores, 0.1), scores)
    assert all(each.family_high < 0 for each in found.differences)


def test_versions_of_other_data_are_not_compared() -> None:
    scores = simulated()
    with pytest.raises(NoCommonRowsError):
        paired.compare(scores, replace(scores, data_sha256="e" * 64))


def test_a_name_has_the_cover_type() -> None:
    names = [each.name for each in paired.compare(simulated(), simulated(seed=1)).differences]
    assert names[0] == "f1 of ash"
    assert "accuracy" in names


@pytest.mark.parametrize("most", [0, 10_000])
def test_one_model_without_a_positive_row_has_no_differences(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(paired, "MOST_RESAMPLED", most)
    whole = simulated(600)
    rare = whole.take(np.flatnonzero(whole.truth != 0), SLUGS[:1])
    found = paired.compare(rare, rare)
    assert (found.differences, found.multiple, found.rows) == ((), 0, len(rare.rows))
