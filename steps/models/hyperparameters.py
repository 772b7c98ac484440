"""Read the hyperparameters of a model from a file that ``tune`` wrote, and check their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.errors import BadDataError
from steps.core.options import declared
from steps.models import presets
from steps.options.train import Hyperparameters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from steps.options.shared import Preset

DECLARED = {option.attribute: option for option in declared(Hyperparameters)}
NAMES = tuple(DECLARED)


def of_preset(preset: Preset) -> Hyperparameters:
    """Return the hyperparameters of a preset."""
    return Hyperparameters(**presets.load(preset).parameters)


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
        if name not in DECLARED:
            raise BadDataError(f"unknown hyperparameter {name!r}", where=str(path), fix=f"use {', '.join(NAMES)}")
        option = DECLARED[name]
        if isinstance(value, str) is not bool(option.choices) or option.problem(value):
            raise BadDataError(f"{name} cannot be {value!r}", where=str(path), fix="correct the value")
    return Hyperparameters(**values)
