"""Which rows of requests are counted to measure drift, and when.

Rows are kept until there are enough of them to count them at once, which makes the cost of one small. A PSI needs no
more than some thousand rows, so only a share of a large request is counted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from steps.drift.grouping import GroupCounter
from steps.prediction.training_profile import positions_in_schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steps.serving.monitoring.drift_metrics import DriftMetrics
    from steps.serving.scoring import Scored
    from steps.serving.versions import ServedModel

# Rows are counted when this many wait, or after some seconds.
_ENOUGH_ROWS, _LONGEST_WAIT = 2_000, 5.0
# The largest number of rows of a request that are counted. They are spread over the request.
MOST_OF_A_REQUEST = 200


class Drift:
    """Counts the rows of one version after the other.

    Args:
        metrics: The metrics that get the counts.
    """

    def __init__(self, metrics: DriftMetrics) -> None:
        self._metrics = metrics
        self._model: ServedModel | None = None
        self._counter: GroupCounter | None = None
        self._positions = np.zeros(0, np.int64)
        self._waiting: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []
        self._rows = 0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, model: ServedModel) -> None:
        """Count the rows of another version from now on."""
        self.flush()
        self._model, self._counter = model, make_counter(model)
        self._positions = positions_in_schema(model.ensemble)
        self._metrics.show(model.version, self._counter.groups if self._counter else {})

    def add(self, scored: Scored) -> None:
        """Count the rows of a request, in the thread of the event loop."""
        if scored.model is not self._model:
            self.watch(scored.model)
        if self._counter is None:
            return
        features, best = scored.features[0], scored.best
        count = len(best)
        if count > MOST_OF_A_REQUEST:
            step = -(-count // MOST_OF_A_REQUEST)
            features, best = features[::step].copy(), best[::step]
            count = len(best)
        self._waiting.append((features, best))
        self._rows += count
        if self._rows >= _ENOUGH_ROWS:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LONGEST_WAIT, self.flush)

    def flush(self) -> None:
        """Count the rows that wait."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting, self._rows = self._waiting, [], 0
        if waiting and self._counter is not None and self._model is not None:
            features, best = (np.concatenate([each[i] for each in waiting]) for i in (0, 1))
            self._counter.add(features, self._positions[best])
            self._metrics.count(self._model.version, self._counter)


def make_counter(model: ServedModel) -> GroupCounter | None:
    """Return a counter of rows in the groups of the training profile, None if there is no profile."""
    reference, group = model.documents.reference, model.ensemble.groups[0]
    if reference is None:
        return None
    complete = len(model.ensemble.cover_types) == len(model.schema.slugs)
    return GroupCounter(reference, group.features, group.columns.seen, complete=complete)
