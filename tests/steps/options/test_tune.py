from __future__ import annotations

import pytest

from steps.models import training
from steps.options.tune import Objective


@pytest.mark.parametrize(
    ("objective", "value", "than", "expected"),
    [
        (Objective.PR_AUC, 0.8, 0.7, True),
        (Objective.F1, 0.7, 0.8, False),
        (Objective.LOGLOSS, 0.2, 0.3, True),
        (Objective.LOGLOSS, 0.3, 0.2, False),
        (Objective.PR_AUC, 0.7, 0.7, False),
        (Objective.LOGLOSS, 0.7, 0.7, False),
    ],
)
def test_a_smaller_log_loss_is_better(objective: Objective, value: float, than: float, *, expected: bool) -> None:
    assert objective.is_better(value, than) is expected


def test_every_objective_is_a_metric_of_training() -> None:
    assert {each.value for each in Objective} == set(training._MEASURES)
