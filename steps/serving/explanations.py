"""Requests for explanations. They are few and slow, so they take turns in a thread of their own, and end in time."""

from __future__ import annotations

import asyncio
import functools
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from steps.serving.formats import answers
from steps.serving.formats.explained import ALL, PARAMETER, PREDICTED, require_explainer, write_json
from steps.serving.refusals import RefusalError, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.options.serve import ServeOptions
    from steps.serving.gateway import Call
    from steps.serving.monitoring.metrics import Metrics
    from steps.serving.scoring import Scored
    from steps.serving.versions import ServedModel

# Requests that may wait for the thread, with the one that runs.
_MOST_REQUESTS = 4


class Explanations:
    """Answers requests with explanations, one after the other.

    Args:
        options: The limits.
        metrics: The metrics.
    """

    def __init__(self, options: ServeOptions, metrics: Metrics) -> None:
        self._options, self._metrics = options, metrics
        self._thread = ThreadPoolExecutor(1, "explain")
        self._requests = 0

    def find_writer(self, call: Call, model: ServedModel, accepted: str) -> Callable[[Scored], bytes] | None:
        """Return what writes the answer to a request, None if it asks for no explanation.

        Raises:
            RefusalError: The query asks for something that there is not.
        """
        given = call.fields(PARAMETER).get(PARAMETER)
        if not given or given == ["false"]:
            return None
        require_explainer(model)
        slugs = [cover_type.slug for cover_type in model.ensemble.cover_types]
        wanted = PREDICTED if given == ["true"] else given[0]
        if len(given) > 1 or wanted not in {PREDICTED, ALL, *slugs}:
            raise bad_request(f"{PARAMETER} is one of true, {PREDICTED}, {ALL}, {', '.join(slugs)}")
        if accepted != answers.JSON:
            raise RefusalError(HTTPStatus.NOT_ACCEPTABLE, f"explanations are JSON: accept {answers.JSON}")
        return functools.partial(write_json, wanted)

    def may_want_output(self, model: ServedModel, body: bytes, name: str) -> bool:
        """Return whether a request of the Open Inference Protocol may ask for the output with explanations."""
        return model.explainer is not None and f'"{name}"'.encode() in body

    async def run(self, model: ServedModel, action: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
        """Call a function in the thread for explanations.

        Raises:
            RefusalError: Too many requests wait, or the time is over.
        """
        if self._requests >= _MOST_REQUESTS:
            self._metrics.count_refusal("explanations")
            reason = f"{_MOST_REQUESTS} requests with explanations are being handled: try again"
            raise RefusalError(HTTPStatus.TOO_MANY_REQUESTS, reason)
        self._requests += 1
        explainer, seconds = require_explainer(model), self._options.timeout
        call = functools.partial(explainer.run_until, time.monotonic() + seconds, action, *arguments)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except TimeoutError:
            self._metrics.count_refusal("time")
            reason = f"no explanation in {seconds:g} seconds: send fewer rows"
            raise RefusalError(HTTPStatus.SERVICE_UNAVAILABLE, reason) from None
        finally:
            self._requests -= 1

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)
