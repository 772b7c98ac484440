"""Hyperparameters of one model: XGBoost's names, checked once, with a source for every value."""

from __future__ import annotations

import enum
import sys
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


# Integers of XGBoost's have 32 bits, its seed 64.
LARGEST, LARGEST_SEED = 2**31 - 1, 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What shapes a booster; names, meanings and defaults are XGBoost's (``rounds`` is ``num_boost_round``).

    ``early_stopping`` is the number of rounds without a better PR-AUC on the validation rows after which training
    stops (0: never), looked at every ``evaluate_every`` rounds.
    """

    rounds: int = 100
    learning_rate: float = 0.3
    max_depth: int = 6
    max_leaves: int = 0
    grow_policy: str = "depthwise"
    min_child_weight: float = 1.0
    max_delta_step: float = 0.0
    gamma: float = 0.0
    reg_lambda: float = 1.0
    reg_alpha: float = 0.0
    subsample: float = 1.0
    colsample_bytree: float = 1.0
    colsample_bylevel: float = 1.0
    colsample_bynode: float = 1.0
    scale_pos_weight: float = 1.0
    max_bin: int = 256
    early_stopping: int = 0
    evaluate_every: int = 10

    def with_values(self, values: Mapping[str, Any]) -> Hyperparameters:
        """Return a copy with the values that are not None."""
        return replace(self, **{name: value for name, value in values.items() if value is not None})

    def for_xgboost(self) -> dict[str, Any]:
        """Return the parameters of ``xgboost.train``, without the number of rounds and what is about evaluation."""
        parameters = asdict(self)
        for name in ("rounds", "early_stopping", "evaluate_every"):
            del parameters[name]
        return parameters

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return asdict(self)


NAMES = tuple(field.name for field in fields(Hyperparameters))


def read(path: Path) -> Hyperparameters:
    """Read the ``parameters`` of a file that ``tune`` wrote; BadDataError names an unknown key or a wrong value."""
    try:
        document = storage.read_json(path)
    except ValueError as error:
        raise BadDataError(f"not JSON ({error})", where=str(path), fix="tune again") from None
    values = document.get("parameters") if isinstance(document, dict) else None
    if not isinstance(values, dict):
        raise BadDataError("there are no 'parameters'", where=str(path), fix="give a file that tune wrote")
    return checked(values, path)


def checked(values: Mapping[str, Any], path: Path) -> Hyperparameters:
    """Return the hyperparameters that a file names; BadDataError names an unknown key or a wrong value."""
    for name, value in values.items():
        if name not in NAMES:
            raise BadDataError(f"unknown hyperparameter {name!r}", where=str(path), fix=f"use {', '.join(NAMES)}")
        if not _fits(name, value):
            raise BadDataError(f"{name} cannot be {value!r}", where=str(path), fix="correct the value")
    return Hyperparameters(**values)


def _fits(name: str, value: object) -> bool:
    """Whether a value has the type of its default; the numbers that count rounds must be above 0 too."""
    default = getattr(Hyperparameters(), name)
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if isinstance(default, int):
        least = 1 if name in {"rounds", "evaluate_every"} else 0
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST
    return isinstance(value, str)


class GrowPolicy(enum.StrEnum):
    """Which node a tree grows at next."""

    DEPTHWISE = "depthwise"
    LOSSGUIDE = "lossguide"


class Device(enum.StrEnum):
    """Where XGBoost trains."""

    CPU = "cpu"
    CUDA = "cuda"
