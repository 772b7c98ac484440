from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steps.comparison.score_table import NoCommonRowsError, common_rows
from steps.core.errors import BadDataError
from tests.steps.comparison.simulated import SLUGS, simulated


def test_the_digest_is_that_of_the_rows_and_the_data() -> None:
    scores = simulated()
    assert scores.test_rows_sha256 == simulated(seed=9).test_rows_sha256
    assert scores.test_rows_sha256 != scores.take(np.arange(599), SLUGS).test_rows_sha256
    assert scores.test_rows_sha256 != replace(scores, data_sha256="e" * 64).test_rows_sha256


def test_rows_and_models_are_taken_together() -> None:
    scores = simulated()
    taken = scores.take(np.array([1, 4, 9]), ["cedar", "ash"])
    assert taken.rows.tolist() == [5, 20, 45]
    assert np.array_equal(taken.scores, scores.scores[[2, 0]][:, [1, 4, 9]])
    for new, old in zip(taken.truth, scores.truth[[1, 4, 9]], strict=True):
        assert new == {2: 0, 0: 1, 1: 2}[int(old)]
    assert (taken.thresholds, taken.calibrations[0]) == ((0.3, 0.5), (1.2, -0.1))
    assert taken.slices["Region"].codes.tolist() == [1, 0, 1]
    assert scores.complete
    assert not scores.take(np.arange(600), ["cedar", "ash"]).complete


def test_common_rows_are_those_of_both_in_the_same_order() -> None:
    first, second = simulated(), simulated(seed=1)
    same = common_rows(first, second)
    assert same == (first, second)
    one, other = common_rows(first.take(np.arange(0, 400), SLUGS), second.take(np.arange(300, 600), SLUGS[1:]))
    assert one.rows.tolist() == other.rows.tolist() == list(range(1500, 2000, 5))
    assert one.slugs == other.slugs == SLUGS[1:]
    assert np.array_equal(one.truth, other.truth)
    assert np.array_equal(other.scores, second.scores[1:, 300:400])


def test_without_common_rows_the_reason_is_stated() -> None:
    first = simulated()
    with pytest.raises(NoCommonRowsError, match=r"the data differ \(data_sha256 d{12} and e{12}\)") as found:
        common_rows(first, replace(first, data_sha256="e" * 64))
    assert found.value.exit_code == 65
    with pytest.raises(NoCommonRowsError, match=r"the splits differ \(seeds 3 and 4\)"):
        common_rows(first, replace(first, rows=first.rows + 1, seed=4))
    with pytest.raises(NoCommonRowsError, match="no cover type in common"):
        common_rows(first, replace(first, slugs=("oak", "pine", "yew")))


def test_a_row_with_two_cover_types_is_refused() -> None:
    first = simulated()
    truth = first.truth.copy()
    truth[7] = (truth[7] + 1) % 3
    with pytest.raises(BadDataError, match="row 35 has another cover type in each version"):
        common_rows(first, replace(first, truth=truth))
