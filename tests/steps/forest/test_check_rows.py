from __future__ import annotations

import numpy as np

from steps.forest import check_rows
from tests.steps.forest.test_packing import packed_trees


def test_the_rows_have_thresholds_their_neighbours_and_missing_values() -> None:
    found = packed_trees(1, rounds=5)
    rows = check_rows.make(found)
    assert rows.shape == (check_rows.COUNT, 4)
    assert rows.dtype == np.float32
    thresholds = found.thresholds[~np.isnan(found.thresholds)]
    assert np.isin(rows, thresholds).mean() > 0.3
    assert np.isin(rows, np.nextafter(thresholds, np.float32(-np.inf))).mean() > 0.3
    assert np.isnan(rows).any(axis=0).all()
    np.testing.assert_array_equal(rows, check_rows.make(found))


def test_features_without_a_threshold_have_special_numbers() -> None:
    rows = check_rows.make(packed_trees(1, gamma=1e9))
    assert rows.shape == (check_rows.COUNT, 4)
    assert np.isnan(rows).any()
