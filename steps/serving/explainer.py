"""What each feature contributes to the log odds of a model (TreeSHAP, as XGBoost computes it).

The base and the contributions of a row add up to the log odds of its score, except for XGBoost's rounding in float32,
which is up to .01 for deep trees. A row costs .24 s for a model with 200,000 leaves, thousands of times its score.

Source: S. Lundberg et al., From local explanations to global understanding with explainable AI for trees, Nature
Machine Intelligence 2, 2020.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.bundles import folder as bundle
from steps.serving.refusals import too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steps.prediction.models import Ensemble


class Explainer:
    """Computes contributions with the boosters of some models.

    Args:
        folder: The folder of the bundles.
        ensemble: The same models, which name features and groups.
        most_rows: The largest number of rows of a request.

    Attributes:
        features: The names of the features of each model, in the order of the models.
    """

    def __init__(self, folder: Path, ensemble: Ensemble, most_rows: int) -> None:
        from steps.forest.boosters import load_booster

        self.most_rows = most_rows
        self._boosters = []
        for cover_type in ensemble.cover_types:
            path = folder / cover_type.slug / bundle.MODEL
            booster = load_booster(str(path), path.read_bytes())
            booster.set_param({"nthread": 1})
            self._boosters.append(booster)
        group_of = {at: number for number, group in enumerate(ensemble.groups) for at in group.members}
        self._groups = [group_of[at] for at in range(len(self._boosters))]
        self.features: list[Sequence[str]] = [ensemble.groups[number].features for number in self._groups]
        self._lock, self._deadline = threading.Lock(), float("inf")

    def contributions(self, features: Sequence[NDArray[np.float32]], at: int, row: int) -> NDArray[np.float32]:
        """Return what each feature contributes to the log odds of a row, and the base behind it.

        Args:
            features: The features of rows by group of models, as ``Ensemble.features`` returns them.
            at: The position of the model.
            row: The position of the row.

        Returns:
            float32, shape (features + 1,).

        Raises:
            TimeoutError: The time of the request is over.
        """
        import xgboost

        if time.monotonic() > self._deadline:
            raise TimeoutError
        own = features[self._groups[at]][row : row + 1]
        with self._lock:
            matrix = xgboost.DMatrix(own, nthread=1)
            found = self._boosters[at].predict(matrix, pred_contribs=True, validate_features=False)
        return np.asarray(found[0], np.float32)

    def require_few_rows(self, count: int) -> None:
        """Raise RefusalError for more rows than are explained."""
        if count > self.most_rows:
            raise too_large(f"{count:,} rows, {self.most_rows:,} are explained in a request: send several")

    def run_until(self, deadline: float, action: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
        """Call a function, whose contributions must be computed before a moment of the monotonic clock."""
        self._deadline = deadline
        try:
            return action(*arguments)
        finally:
            self._deadline = float("inf")
