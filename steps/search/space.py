"""Search spaces: which hyperparameters a search may change, and how far. ``space_file`` reads them from a file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.options.train import Hyperparameters

    Value = float | int | str


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A hyperparameter that is searched: a range (``low`` and ``high`` are both in it) or, where given, ``choices``.

    It is searched where the parameters named in ``when`` have the values given there, else it is ``otherwise``.
    """

    name: str
    whole: bool = False
    low: float = 0
    high: float = 0
    log: bool = False
    choices: tuple[Value, ...] = ()
    when: Mapping[str, Value] = field(default_factory=dict)
    otherwise: Value | None = None

    def holds(self, value: Value) -> bool:
        """Whether a value is one that a search may try."""
        if self.choices:
            return value in self.choices
        return not isinstance(value, str) and self.low <= value <= self.high

    def is_searched(self, values: Mapping[str, Value]) -> bool:
        """Whether it is searched, beside these values of the dimensions before it."""
        return all(values.get(name) == value for name, value in self.when.items())


@dataclass(frozen=True)
class Space:
    """The dimensions, in the order of the file, and how a trial is watched.

    Validation rows are looked at every ``evaluate_every`` rounds; after ``early_stopping`` rounds without a better
    value (0: never) the trial ends.
    """

    dimensions: tuple[Dimension, ...]
    evaluate_every: int = 10
    early_stopping: int = 0

    @property
    def sha256(self) -> str:
        """What tells two spaces apart: the digest of their contents, comments and layout left out."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def apply(self, start: Hyperparameters, values: Mapping[str, Value]) -> Hyperparameters:
        """Return ``start`` with the searched ``values``, and with ``otherwise`` for what is not searched beside them.

        A dimension that is searched and has no value here stays as in ``start``.
        """
        given = {
            dimension.name: values.get(dimension.name) if dimension.is_searched(values) else dimension.otherwise
            for dimension in self.dimensions
        }
        return start.with_values(given)

    def locate(self, point: Hyperparameters) -> tuple[dict[str, Any], bool]:
        """Return a point's searched values that are in range, and whether the whole point is one of this space."""
        have, values, inside = point.to_dict(), {}, True
        for dimension in self.dimensions:
            value = have[dimension.name]
            if not dimension.is_searched(have):
                inside &= value == dimension.otherwise
            elif dimension.holds(value):
                values[dimension.name] = value
            else:
                inside = False
        return values, inside
