"""The objective, the sampler and the pruner of a search."""

from __future__ import annotations

import enum


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
