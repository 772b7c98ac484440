"""Explain scores: what each feature contributes to the log odds of a model (TreeSHAP, as XGBoost computes it).

The base and the contributions of a row add up to the log odds of its score, except for XGBoost's rounding in float32,
which is up to .01 for deep trees. A row costs .1 to .4 s for a model with 200,000 leaves, 1,000 times its score. So the
rows are few, requests take turns in a thread of their own, and computing ends with the time of its request.

Source: S. Lundberg et al., From local explanations to global understanding with explainable AI for trees, Nature
Machine Intelligence 2, 2020.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec
import numpy as np

from steps.bundles import folder as bundle
from steps.serving.formats import answers
from steps.serving.refusals import RefusalError, bad_request, too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steps.options.serve import ServeOptions
    from steps.prediction.models import Ensemble
    from steps.serving.metrics import Metrics
    from steps.serving.scoring import Scored
    from steps.serving.versions import ServedModel

PARAMETER = "explain"
# Which models of a row are explained: that of the predicted cover type, or all. A slug names one.
PREDICTED, ALL = "predicted", "all"
# Requests that may wait for the thread, with the one that runs.
_MOST_REQUESTS = 4
# The largest number of fields of a query.
_MOST_FIELDS = 100


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

    def contributions(self, scored: Scored, at: int, row: int) -> NDArray[np.float32]:
        """Return what each feature contributes to the log odds of a row, and the base behind it.

        Args:
            scored: The scored rows.
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
        features = scored.features[self._groups[at]][row : row + 1]
        with self._lock:
            matrix = xgboost.DMatrix(features, nthread=1)
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


def explain_predicted(scored: Scored) -> NDArray[np.float32]:
    """Return the contributions to the log odds of the predicted cover type of each row, and the base behind them.

    Returns:
        float32, shape (rows, features + 1).

    Raises:
        RefusalError: Explanations are not switched on, there are too many rows, or the models have different features.
        TimeoutError: The time of the request is over.
    """
    explainer = require_explainer(scored.model)
    explainer.require_few_rows(len(scored.best))
    if len(set(map(tuple, explainer.features))) > 1:
        raise bad_request(f"the models have different features: use /predict?{PARAMETER}={PREDICTED}")
    return np.stack([explainer.contributions(scored, at, row) for row, at in enumerate(scored.best.tolist())])


def require_explainer(model: ServedModel) -> Explainer:
    """Return what explains the scores of a model; RefusalError if the server was started without it."""
    if model.explainer is None:
        raise bad_request("explanations are not switched on: start the server with --explain")
    return model.explainer


def write_json(wanted: str, scored: Scored) -> bytes:
    """Return scores as JSON, in which each prediction has ``explanations`` by the slug of the model."""
    explainer = require_explainer(scored.model)
    explainer.require_few_rows(len(scored.best))
    slugs = [cover_type.slug for cover_type in scored.model.ensemble.cover_types]
    document = msgspec.json.decode(answers.to_json(scored))
    for row, prediction in enumerate(document["predictions"]):
        models = [scored.best[row].item()] if wanted == PREDICTED else range(len(slugs))
        chosen = [slugs.index(wanted)] if wanted in slugs else models
        prediction["explanations"] = {slugs[at]: _explanation(explainer, scored, at, row) for at in chosen}
    return answers.encode_json(document)


def _explanation(explainer: Explainer, scored: Scored, at: int, row: int) -> dict[str, Any]:
    *values, base = explainer.contributions(scored, at, row).tolist()
    return {"base": base, "contributions": dict(zip(explainer.features[at], values, strict=True))}


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

    def find_writer(self, query: bytes, model: ServedModel, accepted: str) -> Callable[[Scored], bytes] | None:
        """Return what writes the answer to a request with this query, None if it asks for no explanation.

        Raises:
            RefusalError: The query asks for something that there is not.
        """
        try:
            fields = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise bad_request(f"the query has more than {_MOST_FIELDS} fields") from None
        given = fields.get(PARAMETER)
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

    def are_outputs(self, model: ServedModel, body: bytes, name: str) -> bool:
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
