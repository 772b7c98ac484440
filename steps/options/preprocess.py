"""Options of ``preprocess``: which features are made."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated

from steps.core.options import Option, Scope
from steps.options.shared import Preset, PresetOption


class FeatureSet(enum.StrEnum):
    """Which features to make; ``preset`` takes the preset's."""

    PRESET = "preset"
    PLAIN = "plain"
    DERIVED = "derived"


@dataclass(frozen=True, kw_only=True)
class PreprocessOptions:
    """Options of ``preprocess``."""

    preset: PresetOption = Preset.DEFAULT
    feature_set: Annotated[FeatureSet, Option("Feature set, where it is not the preset's.", Scope.SET)] = (
        FeatureSet.PRESET
    )
