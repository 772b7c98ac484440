"""The policy of the gate: margins, floors and limits, read strictly from a TOML file.

``steps/data/gate_policy.toml`` has the defaults and documents every key. Its values are those of the dataclasses here.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from steps.core import textfile
from steps.core.errors import BadConfigurationError, NoInputError, UsageError
from steps.options.prepare import check_source
from steps.schema import DATA

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

BUNDLED = DATA / "gate_policy.toml"
PROMOTABLE = ("better", "not worse")
# The largest value without a limit of its own: decisions are JSON, which has no infinity, and numbers are printed.
_LARGEST = 1e15
_T = TypeVar("_T")


def _number(low: float, high: float = math.inf, default: float | None = None) -> Any:  # noqa: ANN401 - a field
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True)
class ClassValues:
    """Margins or floors of F1 and PR-AUC of one cover type; None for those of all cover types."""

    f1: float | None = _number(0, 1)
    pr_auc: float | None = _number(0, 1)


@dataclass(frozen=True)
class Margins:
    """How much lower than the champion's a metric may be for "not worse"."""

    f1: float = _number(0, 1, 0.005)
    pr_auc: float = _number(0, 1, 0.005)
    accuracy: float = _number(0, 1, 0.002)
    macro_f1: float = _number(0, 1, 0.01)
    log_loss: float = _number(0, math.inf, 0.005)
    small_class: float = _number(0, math.inf, 1.0)
    cover_types: Mapping[str, ClassValues] = field(default_factory=dict)

    def of(self, metric: str, cover_type: str | None, positive: int | None) -> float:
        """Return the margin of a metric.

        Args:
            metric: The name of the metric.
            cover_type: The slug; None for a metric of all models.
            positive: The number of positive test rows of the cover type.
        """
        own = getattr(self.cover_types.get(cover_type or ""), metric, None)
        if own is not None:
            return float(own)
        margin = float(getattr(self, metric))
        return max(margin, self.small_class / math.sqrt(positive)) if cover_type and positive else margin


@dataclass(frozen=True)
class Floors:
    """The worst values that a new champion may have; None for any."""

    accuracy: float | None = _number(0, 1)
    macro_f1: float | None = _number(0, 1)
    log_loss: float | None = _number(0)
    f1: float | None = _number(0, 1)
    pr_auc: float | None = _number(0, 1)
    cover_types: Mapping[str, ClassValues] = field(default_factory=dict)

    def of(self, metric: str, cover_type: str | None) -> float | None:
        """Return the floor of a metric; arguments as for :meth:`Margins.of`."""
        own = getattr(self.cover_types.get(cover_type or ""), metric, None)
        found: float | None = own if own is not None else getattr(self, metric)
        return found


@dataclass(frozen=True)
class Slices:
    """Limits of the accuracy in slices of the test rows."""

    names: tuple[str, ...] = ()
    minimum_rows: int = _number(1, math.inf, 200)
    maximum_drop: float = _number(0, 1, 0.01)
    minimum_accuracy: float | None = _number(0, 1)


@dataclass(frozen=True)
class Limits:
    """The largest size of all bundles and time to score a row, absolute and relative to the champion's."""

    size_bytes: int | None = _number(1)
    size_ratio: float | None = _number(0)
    seconds_per_row: float | None = _number(0)
    seconds_per_row_ratio: float | None = _number(0)


@dataclass(frozen=True)
class Reference:
    """The table on whose rows versions are compared; empty for the test rows that they have in common."""

    table: str = ""


@dataclass(frozen=True)
class Policy:
    """The conditions for a new champion. The fields follow the tables of the file."""

    promote: tuple[str, ...] = ("better",)
    confidence: float = _number(0.5, 0.9999, 0.95)
    minimum_positive: int = _number(1, math.inf, 50)
    margins: Margins = field(default_factory=Margins)
    floors: Floors = field(default_factory=Floors)
    slices: Slices = field(default_factory=Slices)
    limits: Limits = field(default_factory=Limits)
    reference: Reference = field(default_factory=Reference)

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as plain JSON values, with the defaults of keys that the file leaves out."""
        return asdict(self)

    def cover_types(self) -> set[str]:
        """Return the cover types that have margins or floors of their own."""
        return {*self.margins.cover_types, *self.floors.cover_types}

    def check_names(self, cover_types: Collection[str], slices: Collection[str]) -> None:
        """Check that every cover type and every slice of the policy exists.

        Args:
            cover_types: The slugs of the models, in the order in which a message lists them.
            slices: The names of the slices.

        Raises:
            BadConfigurationError: One of them does not exist.
        """
        for kind, where, used, known in (
            ("cover type", "cover_types", self.cover_types(), cover_types),
            ("slice", "slices.names", set(self.slices.names), slices),
        ):
            if wrong := sorted(used - set(known)):
                fix = f"use some of {', '.join(known)}" if known else "leave it out, there is none"
                raise BadConfigurationError(f"policy: there is no {kind} {wrong[0]!r}", where=where, fix=fix)


def read_policy(path: Path | None = None) -> Policy:
    """Read a policy.

    Args:
        path: The file; None for the policy of the project.

    Raises:
        NoInputError: The file does not exist.
        BadConfigurationError: The file is not TOML, or a key is unknown or has a wrong value. The message names it.
    """
    path = path or BUNDLED
    if not path.is_file():
        raise NoInputError("no such policy file", where=str(path), fix="check --policy")
    return parse_policy(textfile.read(path), str(path))


def parse_policy(text: str, where: str) -> Policy:
    """Return the policy in a TOML text.

    Args:
        text: The TOML text.
        where: The name of the file in error messages.

    Raises:
        BadConfigurationError: As for :func:`read_policy`.
    """
    try:
        return _build(Policy, tomllib.loads(text), "")
    except RecursionError as error:
        raise BadConfigurationError(f"policy: not TOML ({error})", where=where) from None
    except ValueError as error:  # of tomllib, too
        what = f"policy: not TOML ({error})" if isinstance(error, tomllib.TOMLDecodeError) else f"policy: {error}"
        fix = "copy steps/data/gate_policy.toml, which documents every key"
        raise BadConfigurationError(what, where=where, fix=fix) from None


_TABLES = {"Margins": Margins, "Floors": Floors, "Slices": Slices, "Limits": Limits, "Reference": Reference}


def _build(kind: type[_T], document: object, at: str) -> _T:
    """Return a dataclass from a TOML table; ValueError names the key that is wrong."""
    if not isinstance(document, dict):
        raise ValueError(f"{at!r} must be a table")  # noqa: TRY004 - callers catch ValueError alone
    known = {part.name: part for part in fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{at}.{key}" if at else key
        if key not in known:
            raise ValueError(f"unknown key {name!r}, use one of {', '.join(known)}")
        annotation = str(known[key].type)
        if annotation in _TABLES:
            values[key] = _build(_TABLES[annotation], value, name)
        elif key == "cover_types":
            if not isinstance(value, dict):
                raise ValueError(f"{name!r} must be a table")
            values[key] = {slug: _build(ClassValues, each, f"{name}.{slug}") for slug, each in value.items()}
        elif annotation == "str":
            values[key] = _address(value, name)
        elif annotation == "tuple[str, ...]":
            values[key] = _strings(value, name, PROMOTABLE if key == "promote" else ())
        else:
            metadata = known[key].metadata
            values[key] = _check_number(value, annotation, name, metadata["low"], metadata["high"])
    return kind(**values)


def _check_number(value: object, annotation: str, name: str, low: float, high: float) -> float:
    whole = annotation.startswith("int")
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{name!r} must be {kind}, not {value!r}")  # noqa: TRY004 - callers catch ValueError alone
    if not low <= value <= min(high, _LARGEST):  # a NaN too
        limit = f"from {low:g} to {high:g}" if high < math.inf else f"{low:g} or more"
        limit += f" and at most {_LARGEST:g}" if high == math.inf and value > _LARGEST else ""
        raise ValueError(f"{name!r} must be {limit}, not {value!r}")
    return value


def _strings(value: object, name: str, choices: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name!r} must be a list of strings")
    for each in value:
        if choices and each not in choices:
            raise ValueError(f"{name!r} cannot have {each!r}, use some of {', '.join(choices)}")
        if value.count(each) > 1:
            raise ValueError(f"{name!r} has {each!r} twice")
    return tuple(value)


def _address(value: object, name: str) -> str:
    """Return the address of a table with its scheme in lower case; an empty one stands for none."""
    if not isinstance(value, str):
        raise ValueError(f"{name!r} must be the address of a table, not {value!r}")  # noqa: TRY004 - as above
    try:
        return check_source(value) if value else ""
    except UsageError as error:
        raise ValueError(f"{name!r}: {error.what}") from None
