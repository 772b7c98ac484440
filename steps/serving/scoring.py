"""Score the rows of requests: small ones together, large ones in a thread.

Requests whose rows arrive while the event loop handles other sockets are scored by one call, which costs little more
than that of one row. Nothing waits for a clock, so a lone request is not delayed.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.prediction import output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from steps.serving.versions import ServedModel

# The largest number of rows of a request that is scored with others, in the thread of the event loop.
MOST_TOGETHER = 16


@dataclass(frozen=True)
class Scored:
    """The scores of the rows of a request.

    Attributes:
        model: The models that computed all of them.
        scores: float32, shape (models, rows).
        best: The position of the model with the highest score (int64, shape (rows,)).
        probability: Its calibrated probability (float32, shape (rows,)).
        features: The features of the rows for each group of models: float32, shape (rows, features of the group).
    """

    model: ServedModel
    scores: NDArray[np.float32]
    best: NDArray[np.int64]
    probability: NDArray[np.float32]
    features: Sequence[NDArray[np.float32]]


def score_features(model: ServedModel, features: Sequence[NDArray[np.float32]]) -> Scored:
    """Score rows by the result of ``Ensemble.features``, in this thread."""
    scores = model.ensemble.scores_of_features(features, 1)
    best = output.find_best(scores)
    return Scored(model, scores, best, output.find_probability(model.ensemble, scores, best), features)


class Scorer:
    """Scores rows for the requests of one event loop."""

    def __init__(self) -> None:
        self._waiting: list[tuple[ServedModel, list[Any], asyncio.Future[Scored]]] = []
        self._thread = ThreadPoolExecutor(1, "score")

    async def in_thread(self, action: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - as it returns
        """Call a function in the thread for large requests, so that small ones need not wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, action, *arguments)

    def together(self, model: ServedModel, rows: list[Any]) -> asyncio.Future[Scored]:
        """Score a few plain rows with those of other requests.

        Args:
            model: The models.
            rows: Rows that ``model.plain.decode`` returned, at least one.

        Returns:
            The scores. The future has an OverflowError if a derived feature of these rows is too large.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._score_waiting)
        future: asyncio.Future[Scored] = loop.create_future()
        self._waiting.append((model, rows, future))
        return future

    def _score_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for model in {id(entry[0]): entry[0] for entry in waiting}.values():
            own = [(rows, future) for each, rows, future in waiting if each is model]
            try:
                _answer(model, own)
            except Exception:  # noqa: BLE001 - one request must not fail the others
                for entry in own:
                    _answer_alone(model, *entry)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _answer(model: ServedModel, requests: Sequence[tuple[list[Any], asyncio.Future[Scored]]]) -> None:
    """Score the rows of several requests by one call, and give each request its own."""
    every = [row for rows, _ in requests for row in rows]
    found = score_features(model, model.plain.features(every))
    start = 0
    for rows, future in requests:
        own = slice(start, start + len(rows))
        start += len(rows)
        if not future.done():  # the client is gone
            features = [each[own] for each in found.features]
            future.set_result(Scored(model, found.scores[:, own], found.best[own], found.probability[own], features))


def _answer_alone(model: ServedModel, rows: list[Any], future: asyncio.Future[Scored]) -> None:
    try:
        _answer(model, [(rows, future)])
    except Exception as error:  # noqa: BLE001 - the request reports it
        if not future.done():
            future.set_exception(error)
