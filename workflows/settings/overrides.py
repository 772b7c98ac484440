"""``--set STEP.OPTION=VALUE`` and ``--set STEP.COVER-TYPE.OPTION=VALUE``: step options fixed at render time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from steps.core.errors import UsageError
from steps.options import STEP_OPTIONS, Declared, Scope, options_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Options that can be set, by step and name.
OPTIONS: dict[str, dict[str, Declared]] = {
    step: {option.name: option for option in options_of(step, Scope.SET)}
    for step in STEP_OPTIONS
    if options_of(step, Scope.SET)
}


@dataclass(frozen=True)
class Overrides:
    """Options by step, for all cover types and for single ones (slug, then step)."""

    common: dict[str, dict[str, str]] = field(default_factory=dict)
    by_cover_type: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)

    def of(self, step: str, slug: str | None = None) -> dict[str, str]:
        """Return the options of a step for a cover type, or without a slug those for all cover types."""
        own = self.by_cover_type.get(slug, {}).get(step, {}) if slug else {}
        return {**self.common.get(step, {}), **own}


def parse(entries: Mapping[str, object], slugs: Sequence[str]) -> Overrides:
    """Parse ``{"train.max_depth": 8, "train.aspen.rounds": 50}``; options may have dashes or underscores.

    Raises:
        UsageError: An unknown step, option or cover type, or a value that the option cannot have.
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
        declared = OPTIONS[step][option]
        if problem := declared.problem(value):
            raise UsageError(f"{name} cannot be {value!r}", where=f"--set {key}", fix=problem)
        if dot and slug not in slugs:
            raise UsageError(f"unknown cover type {slug!r}", where=f"--set {key}", fix=f"use one of {', '.join(slugs)}")
        place = overrides.by_cover_type.setdefault(slug, {}) if slug else overrides.common
        place.setdefault(step, {})[option] = declared.text(declared.read(value))
    return overrides


def with_underscores(key: str) -> str:
    """Return a key with underscores in its option, so that two spellings are one key."""
    place, dot, option = key.rpartition(".")
    return place + dot + option.replace("-", "_")


def split_entry(entry: str) -> tuple[str, str]:
    """Split ``KEY=VALUE``; UsageError if there is no ``=``."""
    key, separator, value = entry.partition("=")
    if not separator:
        raise UsageError(f"{entry!r} is not STEP.OPTION=VALUE", where="--set", fix="write --set train.max_depth=8")
    return key, value
