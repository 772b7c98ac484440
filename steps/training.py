"""Train one booster, watching it on the validation rows."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from steps.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from steps.hyperparameters import Hyperparameters

METRICS = ("logloss", "aucpr")


@dataclass
class Curve:
    """Learning curve: after ``rounds[i]`` rounds, ``values[part][metric][i]`` for the parts train and validation."""

    rounds: list[int] = field(default_factory=list)
    values: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: {part: {metric: [] for metric in METRICS} for part in ("train", "validation")}
    )

    @property
    def best_rounds(self) -> int:
        """The number of rounds with the best PR-AUC on the validation rows, the first of equals."""
        return self.rounds[int(np.argmax(self.values["validation"]["aucpr"]))]

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain JSON values."""
        return {"rounds": self.rounds, **self.values}


@dataclass(frozen=True)
class Matrices:
    """The quantised training and validation rows; the validation rows share the bins of the training rows."""

    train: xgboost.QuantileDMatrix
    validation: xgboost.QuantileDMatrix


class _Watch(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # XGBoost has no types
    """Evaluates both matrices every few rounds, reports progress, and stops when the best round is long past.

    XGBoost's own evaluation looks every round: for a PR-AUC over 90,000 rows that is a tenth of the training time.
    """

    def __init__(self, matrices: Matrices, parameters: Hyperparameters, progress: Callable[[int, int], None]) -> None:
        self.curve = Curve()
        self._matrices, self._parameters, self._progress = matrices, parameters, progress

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ANN401, ARG002 - XGBoost's signature
        """Return True to stop training."""
        done, parameters = epoch + 1, self._parameters
        if done % parameters.evaluate_every and done != parameters.rounds:
            return False
        self._evaluate(model, done)
        self._progress(done, parameters.rounds)
        return bool(parameters.early_stopping) and done - self.curve.best_rounds >= parameters.early_stopping

    def _evaluate(self, model: xgboost.Booster, done: int) -> None:
        pairs = [(self._matrices.train, "train"), (self._matrices.validation, "validation")]
        self.curve.rounds.append(done)
        for entry in model.eval_set(pairs, done - 1).split("\t")[1:]:
            name, _, value = entry.rpartition(":")
            part, _, metric = name.partition("-")
            self.curve.values[part][metric].append(float(value))


def train(  # noqa: PLR0913 - the options are keywords
    matrices: Matrices,
    parameters: Hyperparameters,
    *,
    seed: int,
    threads: int,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[xgboost.Booster, Curve]:
    """Train a booster and return it, cut to its best number of rounds where early stopping is on, and its curve.

    The same matrices, parameters, seed and XGBoost version give the same booster, for any number of ``threads``.

    Raises:
        UsageError: XGBoost refuses a parameter, or there is no such device.
    """
    if device != "cpu" and not has_device(device):
        raise UsageError(
            "XGBoost sees no such device", where=f"--device {device}", fix="use cpu, or a machine with a GPU"
        )
    settings = {
        **parameters.for_xgboost(),
        "objective": "binary:logistic",
        "eval_metric": list(METRICS),
        "tree_method": "hist",
        "device": device,
        "seed": seed,
        "nthread": threads,
        "verbosity": 1,
    }
    watch = _Watch(matrices, parameters, progress)
    try:
        booster = xgboost.train(settings, matrices.train, num_boost_round=parameters.rounds, callbacks=[watch])
    except xgboost.core.XGBoostError as error:
        raise UsageError(f"XGBoost refuses this: {_reason(error)}", where="the hyperparameters") from None
    if parameters.early_stopping:
        booster = booster[: watch.curve.best_rounds]
    return booster, watch.curve


def has_device(device: str) -> bool:
    """Whether XGBoost can train there. Asked for one that is not there it warns, and trains on the CPU."""
    with warnings.catch_warnings(action="ignore"):
        booster = xgboost.train({"device": device}, xgboost.DMatrix(np.ones((1, 1)), [1]), num_boost_round=1)
    used: str = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    return used.startswith(device)


def _reason(error: Exception) -> str:
    """Return what XGBoost says is wrong, without its time, source file and stack."""
    first = str(error).partition("\n")[0]
    return first.rpartition("Check failed: ")[2]


def best_threshold(labels: NDArray[np.uint8], scores: NDArray[np.float32]) -> float:
    """Return the threshold with the highest F1: half-way between two scores, and exact in float32 as they are.

    Args:
        labels: 0 or 1, shape (rows,), at least one 1.
        scores: probabilities, shape (rows,).
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order].astype(np.float64)
    hits = np.cumsum(labels[order], dtype=np.int64)
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    ends = np.append(ordered[:-1] != ordered[1:], True)  # only between two different scores can a threshold be
    best = int(np.argmax(np.where(ends, f1, -1)))
    below = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    middle = np.float32((ordered[best] + below) / 2)
    # Between two neighbours of float32 there is no number: half-way rounds to one of them, maybe the lower.
    return float(middle if middle > below else ordered[best])
