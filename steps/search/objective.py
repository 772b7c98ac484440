"""What a search maximises or minimises on validation rows."""

from __future__ import annotations

import enum


class Objective(enum.StrEnum):
    """PR-AUC (average precision), the best F1 over all thresholds, or the log loss."""

    PR_AUC = "pr_auc"
    F1 = "f1"
    LOGLOSS = "logloss"

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return -1 if self is Objective.LOGLOSS else 1

    def better(self, value: float, than: float) -> bool:
        """Whether one value is strictly better than another."""
        return self.sign * value > self.sign * than


class Sampler(enum.StrEnum):
    """How the next trial is chosen: from the results of the trials so far (TPE), or at random."""

    TPE = "tpe"
    RANDOM = "random"


class Pruner(enum.StrEnum):
    """Which trials are stopped early: those below the median of the others at the same share of their rounds."""

    MEDIAN = "median"
    NONE = "none"
