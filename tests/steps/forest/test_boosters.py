from __future__ import annotations

import numpy as np
import pytest

from steps.core.errors import BadDataError
from steps.forest.boosters import Boosters
from tests.steps.forest.random_models import named, rows_for, train


def test_scores_and_margins_are_those_of_each_booster() -> None:
    boosters = [train(1), train(2)]
    found, rows = Boosters(named(*boosters)), rows_for(boosters[0], 20)
    assert (found.models, found.features) == (2, 4)
    for threads in (1, 2):
        np.testing.assert_array_equal(found.scores(rows, threads), [b.inplace_predict(rows) for b in boosters])
        margins = [b.inplace_predict(rows, predict_type="margin") for b in boosters]
        np.testing.assert_array_equal(found.margins(rows, threads), margins)


def test_no_rows_have_no_scores() -> None:
    assert Boosters(named(train(), train())).scores(np.zeros((0, 4), "f4")).shape == (2, 0)


def test_a_damaged_model_is_refused_by_name() -> None:
    with pytest.raises(BadDataError, match=r"not an XGBoost model, in m\.ubj: train or fetch again"):
        Boosters([("m.ubj", b"{}")])
