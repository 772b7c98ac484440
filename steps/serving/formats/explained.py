"""Answers with explanations: what each feature contributes to a score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from steps.serving.formats.answers import encode_json, to_json
from steps.serving.refusals import bad_request

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steps.serving.explainer import Explainer
    from steps.serving.scoring import Scored
    from steps.serving.versions import ServedModel

PARAMETER = "explain"
# Which models of a row are explained: that of the predicted cover type, or all. A slug names one.
PREDICTED, ALL = "predicted", "all"


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
    return np.stack([explainer.contributions(scored.features, at, row) for row, at in enumerate(scored.best.tolist())])


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
    document = msgspec.json.decode(to_json(scored))
    for row, prediction in enumerate(document["predictions"]):
        models = [scored.best[row].item()] if wanted == PREDICTED else range(len(slugs))
        chosen = [slugs.index(wanted)] if wanted in slugs else models
        prediction["explanations"] = {slugs[at]: _explanation(explainer, scored, at, row) for at in chosen}
    return encode_json(document)


def _explanation(explainer: Explainer, scored: Scored, at: int, row: int) -> dict[str, Any]:
    *values, base = explainer.contributions(scored.features, at, row).tolist()
    return {"base": base, "contributions": dict(zip(explainer.features[at], values, strict=True))}
