"""Train the final model of a cover type, with its learning curve and its threshold.

With ``--refit validation`` the model is trained twice:

1. The first fit uses the training rows. It determines the best number of rounds, the learning curve, and, from its
   scores of the validation rows, the threshold with the best F1.
2. The second fit uses the training and validation rows, for that number of rounds. It is the model in the bundle.

The threshold is not chosen again: the second fit was trained on the validation rows, so its scores there are too good,
and a threshold chosen there would be too high. Neither fit uses the test rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps import tables
from steps.core import runtime
from steps.models import matrix, metrics, training

if TYPE_CHECKING:
    from steps.options.train import Hyperparameters


@dataclass(frozen=True)
class Decision:
    """What the validation rows say about the scores of a booster.

    Attributes:
        threshold: The threshold with the best F1.
        slope: The slope of the calibration, see ``metrics.fit_calibration``.
        intercept: Its intercept.
    """

    threshold: float
    slope: float
    intercept: float


def fit(
    features: dict[str, Path], parameters: Hyperparameters, *, seed: int, threads: int, device: str
) -> tuple[Any, training.LearningCurve, Decision]:
    """Train on the training rows.

    Args:
        features: The feature tables ``train`` and ``validation``.
        parameters: The hyperparameters.
        seed: The seed of XGBoost.
        threads: The number of threads.
        device: ``cpu`` or ``cuda``.

    Returns:
        The booster, its learning curve, and what the validation rows say about its scores.
    """
    first = matrix.quantise(features["train"], max_bin=parameters.max_bin, threads=threads)
    second = matrix.quantise(features["validation"], max_bin=parameters.max_bin, threads=threads, reference=first)
    booster, curve = training.train(
        training.Matrices(first, second),
        parameters,
        seed=seed,
        threads=threads,
        device=device,
        # Not to Argo, which would add rounds to the trials of searches and to pods.
        progress=partial(runtime.report_progress, variables=[runtime.LOCAL_PROGRESS]),
    )
    labels, scores = second.get_label().astype("u1"), booster.predict(second)
    decision = Decision(training.best_threshold(labels, scores), *metrics.fit_calibration(labels, scores))
    return booster, curve, decision


def refit(features: dict[str, Path], parameters: Hyperparameters, *, seed: int, threads: int, device: str) -> Any:  # noqa: ANN401 - XGBoost has no types
    """Train on the training and validation rows together, for all rounds; arguments as for :func:`fit`."""
    rows = matrix.quantise(*features.values(), max_bin=parameters.max_bin, threads=threads)
    return training.refit(rows, parameters, seed=seed, threads=threads, device=device)


def describe_fit(
    features: Path, parameters: Hyperparameters, curve: training.LearningCurve, decision: Decision
) -> dict[str, Any]:
    """Return the facts about a fit for the bundle's ``metadata.json``.

    Args:
        features: The feature table of the training rows.
        parameters: The hyperparameters.
        curve: The learning curve.
        decision: What the validation rows say about the scores.
    """
    metadata = tables.read_metadata(features)
    return {
        "cover_type": metadata.cover_type,
        "label": metadata.schema.cover_type(metadata.cover_type).label,
        "threshold": decision.threshold,
        "calibration": {"slope": decision.slope, "intercept": decision.intercept},
        "parameters": parameters.to_dict(),
        "best_rounds": curve.best_rounds if parameters.early_stopping else parameters.rounds,
        "features": list(metadata.features),
        "data_sha256": metadata.data_sha256,
        "schema": metadata.schema.to_json(),
    }
