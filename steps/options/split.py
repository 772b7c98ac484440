"""Options of ``split``: the seed of its hash, and how large the parts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from steps.core.options import Option, Scope
from steps.options.shared import Seed


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """Options of ``split``; the fractions sum to 1."""

    seed: Seed = 0
    train_fraction: Annotated[float, Option("Share of the training rows.", Scope.SET)] = 0.64
    validation_fraction: Annotated[float, Option("Share of the validation rows.", Scope.SET)] = 0.16
    test_fraction: Annotated[float, Option("Share of the test rows.", Scope.SET)] = 0.20
