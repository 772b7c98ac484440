"""Train the final model of a cover type and write its bundle, its learning curve and its threshold.

With ``--refit validation`` the model is trained twice. The first fit sees the training rows alone: it says how many
rounds are best and, from its scores of the validation rows, which threshold has the best F1. The second fit makes that
many rounds on the training and validation rows together, and is the model in the bundle. The threshold stays the first
fit's: the second has seen the validation rows, so that its scores of them are better than it is, and a threshold
chosen there would be too high. The learning curve is the first fit's too. Test rows are seen by neither.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps import tables
from steps.core import runtime
from steps.models import matrix, training

if TYPE_CHECKING:
    from steps.options.train import Hyperparameters


def fit(
    features: dict[str, Path], parameters: Hyperparameters, *, seed: int, threads: int, device: str
) -> tuple[Any, training.Curve, float]:
    """Return the booster, its learning curve, and the threshold with the best F1 on the validation rows."""
    first = matrix.quantised(features["train"], max_bin=parameters.max_bin, threads=threads)
    second = matrix.quantised(features["validation"], max_bin=parameters.max_bin, threads=threads, reference=first)
    booster, curve = training.train(
        training.Matrices(first, second),
        parameters,
        seed=seed,
        threads=threads,
        device=device,
        progress=runtime.report_progress,
    )
    threshold = training.best_threshold(second.get_label().astype("u1"), booster.predict(second))
    return booster, curve, threshold


def refit(features: dict[str, Path], parameters: Hyperparameters, *, seed: int, threads: int, device: str) -> Any:  # noqa: ANN401 - XGBoost has no types
    """Return a booster that was trained on the training and validation rows together, for all its rounds."""
    rows = matrix.quantised(*features.values(), max_bin=parameters.max_bin, threads=threads)
    return training.refit(rows, parameters, seed=seed, threads=threads, device=device)


def facts(features: Path, parameters: Hyperparameters, curve: training.Curve, threshold: float) -> dict[str, Any]:
    """Return what the bundle's metadata says of a fit."""
    metadata = tables.read_metadata(features)
    return {
        "cover_type": metadata.cover_type,
        "label": metadata.schema.cover_type(metadata.cover_type).label,
        "threshold": threshold,
        "parameters": parameters.to_dict(),
        "best_rounds": curve.best_rounds if parameters.early_stopping else parameters.rounds,
        "features": list(metadata.features),
        "data_sha256": metadata.data_sha256,
        "schema": metadata.schema.to_json(),
    }
