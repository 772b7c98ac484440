"""Options that several steps have in common."""

from __future__ import annotations

import enum
from typing import Annotated

from steps.core.options import Group, Option, Scope

# The largest integers that XGBoost takes: of a parameter, and of its seed.
LARGEST, LARGEST_SEED = 2**31 - 1, 2**63 - 1
# XGBoost keeps the numbers of its parameters in 32 bits, whose largest number is just above this one.
LARGEST_FLOAT = 3.4e38


class Preset(enum.StrEnum):
    """How much time to spend for how good a model: the tables of ``data/presets.toml``."""

    FAST = "fast"
    DEFAULT = "default"
    THOROUGH = "thorough"
    GPU = "gpu"


class Device(enum.StrEnum):
    """Where XGBoost trains."""

    CPU = "cpu"
    CUDA = "cuda"


Seed = Annotated[
    int,
    Option(
        "Seed of the split, the search and the training.",
        Scope.FORM,
        minimum=0,
        maximum=LARGEST_SEED,
        group=Group.RUN,
    ),
]
PresetOption = Annotated[
    Preset,
    Option(
        "Features and hyperparameters: how much time to spend for how good a model.",
        Scope.FORM,
        group=Group.PRESET,
    ),
]
Threads = Annotated[int, Option("Threads that XGBoost uses.", Scope.SET, minimum=1, maximum=LARGEST)]
DeviceOption = Annotated[Device, Option("Where XGBoost trains.", Scope.SET)]
