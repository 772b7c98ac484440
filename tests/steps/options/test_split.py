"""Options of ``split`` that depend on each other."""

from __future__ import annotations

import pytest

from steps.core.errors import UsageError
from steps.core.options import declared
from steps.options.split import SplitOptions


def test_fractions_that_sum_to_1_but_for_rounding() -> None:
    made = SplitOptions(train_fraction=0.7, validation_fraction=0.2, test_fraction=0.1)
    assert made.fractions == (0.7, 0.2, 0.1)


@pytest.mark.parametrize("fractions", [(0.5, 0.5, 0.5), (0.8, 0.3, -0.1 + 1e-6), (0.3, 0.3, 0.3)])
def test_fractions_that_do_not(fractions: tuple[float, float, float]) -> None:
    train, validation, test = fractions
    with pytest.raises(UsageError, match=r"do not sum to 1, in --train-fraction, --validation-fraction"):
        SplitOptions(train_fraction=train, validation_fraction=validation, test_fraction=test)


def test_no_part_is_empty() -> None:
    for option in declared(SplitOptions):
        if option.kind is float:
            for value in ("0", "-0.1", "nan", "1.1"):
                assert option.problem(value), option.name
