"""Options of ``tune``: how hyperparameters are searched."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated

from steps.core.options import Group, Option, Scope
from steps.options.shared import Device, DeviceOption, Preset, PresetOption, Seed, Threads


class Objective(enum.StrEnum):
    """The measure on the validation rows that a search optimises.

    PR-AUC is the average precision, F1 is the best F1 over all thresholds.
    """

    PR_AUC = "pr_auc"
    F1 = "f1"
    LOGLOSS = "logloss"

    @property
    def sign(self) -> int:
        """1 if a larger value is better, -1 if a smaller one is."""
        return -1 if self is Objective.LOGLOSS else 1

    def is_better(self, value: float, than: float) -> bool:
        """Return whether one value is strictly better than another."""
        return self.sign * value > self.sign * than


class Sampler(enum.StrEnum):
    """How the point of the next trial is chosen: from the results of the trials so far (TPE), or at random."""

    TPE = "tpe"
    RANDOM = "random"


class Pruner(enum.StrEnum):
    """Which trials are pruned: those worse than the median of the others after the same share of rounds, or none."""

    MEDIAN = "median"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """Options of ``tune``."""

    seed: Seed = 0
    preset: PresetOption = Preset.DEFAULT
    trials: Annotated[
        int,
        Option(
            "Trials of the search for each cover type; 0: no search, the preset's hyperparameters are used.",
            Scope.FORM,
            minimum=0,
            maximum=2**63 - 1,
            group=Group.RUN,
        ),
    ] = 0
    timeout: Annotated[
        float | None,
        Option(
            "Seconds for each search, after which no further trial starts; empty: no limit.",
            Scope.FORM,
            above=0,
            metavar="SECONDS",
            group=Group.RUN,
        ),
    ] = None
    objective: Annotated[Objective, Option("What the trials improve on validation rows.", Scope.FORM)] = (
        Objective.PR_AUC
    )
    sampler: Annotated[Sampler, Option("How the next trial is chosen.", Scope.FORM)] = Sampler.TPE
    pruner: Annotated[Pruner, Option("Which trials are stopped early.", Scope.SET)] = Pruner.MEDIAN
    threads: Threads = 1
    device: DeviceOption = Device.CPU
