"""Options of ``split``: the seed of its hash, and how large the parts are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from steps.core.errors import UsageError
from steps.core.options import Option, Scope
from steps.options.shared import Seed

# The largest rounding error of the sum of three decimal fractions.
_ROUNDING_ERROR = 1e-9


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """Options of ``split``; the fractions sum to 1."""

    seed: Seed = 0
    train_fraction: Annotated[float, Option("Share of the training rows.", Scope.SET, above=0, maximum=1)] = 0.64
    validation_fraction: Annotated[float, Option("Share of the validation rows.", Scope.SET, above=0, maximum=1)] = 0.16
    test_fraction: Annotated[float, Option("Share of the test rows.", Scope.SET, above=0, maximum=1)] = 0.20

    @property
    def fractions(self) -> tuple[float, float, float]:
        """The shares of train, validation and test."""
        return self.train_fraction, self.validation_fraction, self.test_fraction

    def __post_init__(self) -> None:
        """Raise UsageError if the fractions do not sum to 1."""
        if not math.isclose(sum(self.fractions), 1, abs_tol=_ROUNDING_ERROR):
            shares = " + ".join(f"{fraction:g}" for fraction in self.fractions)
            where = "--train-fraction, --validation-fraction and --test-fraction"
            raise UsageError(f"the fractions {shares} do not sum to 1", where=where, fix="give all three")
