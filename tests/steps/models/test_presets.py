"""The presets, which are data."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from steps.models import hyperparameters, presets
from steps.options.shared import Preset
from steps.schema import DATA


def test_each_preset_is_a_table_of_the_file() -> None:
    assert list(tomllib.loads((DATA / "presets.toml").read_text())) == [preset.value for preset in Preset]


@pytest.mark.parametrize("preset", Preset)
def test_presets_are_hyperparameters(preset: Preset) -> None:
    defaults = presets.load(preset)
    assert defaults.feature_set in {"plain", "derived"}
    assert hyperparameters.checked(defaults.parameters, Path("presets.toml")).rounds > 0
