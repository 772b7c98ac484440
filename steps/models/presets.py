"""Presets: named sets of features and hyperparameters, from ``data/presets.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.schema import DATA

if TYPE_CHECKING:
    from steps.options.shared import Preset


@dataclass(frozen=True)
class Defaults:
    """What a preset stands for: ``parameters`` are XGBoost's own names and values, plus ``rounds``."""

    feature_set: str
    parameters: dict[str, Any]


def load(preset: Preset) -> Defaults:
    """Read a preset."""
    document = tomllib.loads((DATA / "presets.toml").read_text(encoding="utf-8"))[preset.value]
    return Defaults(document["feature_set"], document["parameters"])
