"""Search spaces: the hyperparameters that a search may change, and their ranges.

``space_file`` reads a search space from a file.
"""

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
    """A hyperparameter that is searched.

    Attributes:
        name: The name of the hyperparameter.
        whole: Whether its values are whole numbers.
        low: The lower end of its range, which is in the range.
        high: The upper end of its range, which is in the range.
        log: Whether the range is searched on a logarithmic scale.
        choices: Its values instead of a range.
        when: The values of other hyperparameters with which it is searched.
        otherwise: Its value with any other values of those.
    """

    name: str
    whole: bool = False
    low: float = 0
    high: float = 0
    log: bool = False
    choices: tuple[Value, ...] = ()
    when: Mapping[str, Value] = field(default_factory=dict)
    otherwise: Value | None = None

    def contains(self, value: Value) -> bool:
        """Return whether a value is one of the choices or in the range."""
        if self.choices:
            return value in self.choices
        return not isinstance(value, str) and self.low <= value <= self.high

    def is_searched(self, values: Mapping[str, Value]) -> bool:
        """Return whether the hyperparameter is searched together with these values of earlier dimensions."""
        return all(values.get(name) == value for name, value in self.when.items())


@dataclass(frozen=True)
class Space:
    """A search space.

    Attributes:
        dimensions: The dimensions in the order of the file.
        evaluate_every: The number of rounds between two evaluations of a trial.
        early_stopping: The number of rounds without a better value after which a trial ends; 0 for never.
    """

    dimensions: tuple[Dimension, ...]
    evaluate_every: int = 10
    early_stopping: int = 0

    @property
    def sha256(self) -> str:
        """The digest of the content. Comments and formatting of the file do not change it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def apply(self, start: Hyperparameters, values: Mapping[str, Value]) -> Hyperparameters:
        """Return a point of the space.

        Args:
            start: The hyperparameters that are not dimensions, or are searched but have no value in ``values``.
            values: Values of searched hyperparameters. Those that are not searched get their ``otherwise`` value.
        """
        given = {
            dimension.name: values.get(dimension.name) if dimension.is_searched(values) else dimension.otherwise
            for dimension in self.dimensions
        }
        return start.with_values(given)

    def locate(self, point: Hyperparameters) -> tuple[dict[str, Any], bool]:
        """Return the searched values of a point that are in range, and whether the point is in the space."""
        have, values, inside = point.to_dict(), {}, True
        for dimension in self.dimensions:
            value = have[dimension.name]
            if not dimension.is_searched(have):
                inside &= value == dimension.otherwise
            elif dimension.contains(value):
                values[dimension.name] = value
            else:
                inside = False
        return values, inside
