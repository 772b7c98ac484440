"""Judge scores by the labels of the input, as a stream."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.models import multiclass
from steps.models.intervals import wilson
from steps.tables import labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steps.prediction.models import Ensemble


@dataclass
class Judge:
    """Counts right and wrong predictions of rows whose label is known.

    Attributes:
        ensemble: The models.
        rows: The number of rows with a label.
        right: The number of these whose highest score is that of their cover type.
    """

    ensemble: Ensemble
    rows: int = 0
    right: int = 0
    _patterns: Counter[tuple[bytes, bytes]] = field(default_factory=Counter)

    @cached_property
    def _models(self) -> tuple[str, ...]:
        return tuple(cover_type.slug for cover_type in self.ensemble.cover_types)

    @cached_property
    def _positions(self) -> NDArray[np.int64]:
        """The position of each cover type of the schema among the models, the number of models for one without."""
        models = self._models
        slugs = self.ensemble.schema.slugs
        return np.array([models.index(slug) if slug in models else len(models) for slug in slugs], np.int64)

    def add(self, codes: NDArray[np.int16], scores: NDArray[np.float32], best: NDArray[np.int64]) -> None:
        """Count rows.

        Args:
            codes: The position of each label among the schema's cover types (int16, shape (rows,)).
            scores: The scores, float32, shape (models, rows).
            best: The position of the highest score of each row (int64, shape (rows,)).
        """
        known = codes != labels.MISSING
        truth = self._positions[codes[known]]
        joined = multiclass.Joined(self._models, truth, np.ascontiguousarray(scores[:, known]))
        if not len(joined.truth):
            return
        self.rows += len(joined.truth)
        self.right += int((best[known] == truth).sum())
        predicted, truths, counts = multiclass.count_patterns(joined, self.ensemble.thresholds)
        for prediction, truth, count in zip(predicted, truths, counts, strict=True):
            self._patterns[prediction.tobytes(), truth.tobytes()] += int(count)

    def metrics(self) -> dict[str, Any] | None:
        """Return the number of rows, and accuracy and macro F1 with 95% intervals; None without any labelled row."""
        if not self.rows:
            return None
        ordered = sorted(self._patterns.items())
        predicted, truths = (np.array([np.frombuffer(key[i], bool) for key, _ in ordered]) for i in (0, 1))
        counts = np.array([count for _, count in ordered], np.int64)
        return {
            "rows": self.rows,
            "accuracy": wilson(self.right, self.rows).to_dict(),
            "macro_f1": multiclass.macro_f1_of_patterns(predicted, truths, counts).to_dict(),
        }
