"""``--set STEP.OPTION=VALUE`` and ``--set STEP.COVER-TYPE.OPTION=VALUE``: step options fixed at render time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from steps.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HYPERPARAMETERS = (
    "rounds",
    "learning-rate",
    "max-depth",
    "max-leaves",
    "grow-policy",
    "min-child-weight",
    "max-delta-step",
    "gamma",
    "reg-lambda",
    "reg-alpha",
    "subsample",
    "colsample-bytree",
    "colsample-bylevel",
    "colsample-bynode",
    "scale-pos-weight",
    "max-bin",
    "early-stopping",
    "evaluate-every",
)
# What may be set, by step: options of its command line that the wiring does not fill in. A test compares both.
OPTIONS: dict[str, tuple[str, ...]] = {
    "split": ("train-fraction", "validation-fraction", "test-fraction"),
    "preprocess": ("feature-set",),
    "tune": ("threads", "device", "pruner"),
    "train": ("threads", "device", *_HYPERPARAMETERS),
    "evaluate": ("threads",),
}


@dataclass(frozen=True)
class Overrides:
    """Options by step, for all cover types and for single ones (slug, then step)."""

    common: dict[str, dict[str, str]] = field(default_factory=dict)
    by_cover_type: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)

    def of(self, step: str, slug: str | None = None) -> dict[str, str]:
        """Return a step's options for a cover type (or those for all), the cover type's own winning."""
        own = self.by_cover_type.get(slug, {}).get(step, {}) if slug else {}
        return {**self.common.get(step, {}), **own}


def parse(entries: Mapping[str, object], slugs: Sequence[str]) -> Overrides:
    """Parse ``{"train.max_depth": 8, "train.aspen.rounds": 50}``; dashes and underscores are the same in options.

    Raises:
        UsageError: an unknown step, option or cover type; the message lists the known ones.
    """
    overrides = Overrides()
    for key, value in entries.items():
        step, _, rest = key.partition(".")
        slug, dot, name = rest.rpartition(".")
        if step not in OPTIONS:
            raise UsageError(f"unknown step {step!r}", where=f"--set {key}", fix=f"use one of {', '.join(OPTIONS)}")
        option = name.replace("_", "-")
        if option not in OPTIONS[step]:
            known = ", ".join(OPTIONS[step])
            raise UsageError(
                f"step {step!r} has no option {name!r} to set", where=f"--set {key}", fix=f"use one of {known}"
            )
        if dot and slug not in slugs:
            raise UsageError(f"unknown cover type {slug!r}", where=f"--set {key}", fix=f"use one of {', '.join(slugs)}")
        place = overrides.by_cover_type.setdefault(slug, {}) if slug else overrides.common
        place.setdefault(step, {})[option] = str(value)
    return overrides


def with_underscores(key: str) -> str:
    """Return a key with one spelling of its option, so that of two spellings the later one wins."""
    place, dot, option = key.rpartition(".")
    return place + dot + option.replace("-", "_")


def split_entry(entry: str) -> tuple[str, str]:
    """Split a flag's ``KEY=VALUE``; UsageError where there is no ``=``."""
    key, separator, value = entry.partition("=")
    if not separator:
        raise UsageError(f"{entry!r} is not STEP.OPTION=VALUE", where="--set", fix="write --set train.max_depth=8")
    return key, value
