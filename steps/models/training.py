"""Train one booster and evaluate it on the training and validation rows as it grows."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from steps.core.errors import UsageError
from steps.models import scoring

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from steps.options.train import Hyperparameters

PR_AUC, LOGLOSS, F1 = "pr_auc", "logloss", "f1"
# What a learning curve shows; F1, the best of all thresholds, is evaluated only where a search asks for it.
METRICS = (LOGLOSS, PR_AUC)
PARTS = ("train", "validation")


@dataclass
class Curve:
    """Learning curve: after ``rounds[i]`` rounds, ``values[part][metric][i]`` for the parts train and validation.

    ``metric`` decides which number of rounds is best.
    """

    rounds: list[int] = field(default_factory=list)
    values: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: {part: {metric: [] for metric in METRICS} for part in PARTS}
    )
    metric: str = PR_AUC

    @property
    def watched(self) -> list[float]:
        """The values of ``metric`` on the validation rows."""
        return self.values["validation"][self.metric]

    @property
    def best_rounds(self) -> int:
        """The number of rounds with the best value on the validation rows, the first of equals."""
        return self.rounds[self._best]

    @property
    def best_value(self) -> float:
        """The best value on the validation rows."""
        return self.watched[self._best]

    @property
    def _best(self) -> int:
        values = self.watched
        return int(np.argmin(values) if self.metric == LOGLOSS else np.argmax(values))

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain JSON values."""
        return {"rounds": self.rounds, **self.values}


@dataclass(frozen=True)
class Matrices:
    """The quantised training and validation rows; the validation rows share the bins of the training rows."""

    train: xgboost.QuantileDMatrix
    validation: xgboost.QuantileDMatrix


@dataclass(frozen=True)
class Watching:
    """How a training is evaluated as it goes, and what may end it.

    ``metric`` decides which number of rounds is best; all of ``metrics`` are evaluated, on each of ``parts``. Of the
    validation rows only ``rows`` are looked at (bool, shape (rows,)); all without it. ``stop`` is called after every
    evaluation; True ends the training.
    """

    metric: str = PR_AUC
    metrics: tuple[str, ...] = METRICS
    parts: tuple[str, ...] = PARTS
    rows: NDArray[np.bool_] | None = None
    stop: Callable[[Curve], bool] = lambda _curve: False


_DEFAULT_WATCHING = Watching()


class _Watch(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # XGBoost has no types
    """Evaluates the matrices every few rounds, reports progress, and stops when the best round is long past.

    XGBoost keeps the margins of a matrix between two predictions, so each evaluation adds only the newest trees.
    """

    def __init__(
        self,
        matrices: Matrices,
        parameters: Hyperparameters,
        progress: Callable[[int, int], None],
        watching: Watching,
    ) -> None:
        self.curve = Curve(metric=watching.metric)
        self._matrices, self._parameters, self._progress = matrices, parameters, progress
        self._watching = watching
        self._rows = {} if watching.rows is None else {"validation": watching.rows}
        self._labels = {part: self._labels_of(part) for part in watching.parts}

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ANN401, ARG002 - XGBoost's signature
        """Return True to stop training."""
        done, parameters = epoch + 1, self._parameters
        if done % parameters.evaluate_every and done != parameters.rounds:
            return False
        self._evaluate(model, done)
        self._progress(done, parameters.rounds)
        late = bool(parameters.early_stopping) and done - self.curve.best_rounds >= parameters.early_stopping
        return late or self._watching.stop(self.curve)

    def _labels_of(self, part: str) -> NDArray[np.uint8]:
        labels: NDArray[np.uint8] = getattr(self._matrices, part).get_label().astype("u1")
        return labels[self._rows[part]] if part in self._rows else labels

    def _evaluate(self, model: xgboost.Booster, done: int) -> None:
        self.curve.rounds.append(done)
        for part, labels in self._labels.items():
            scores = model.predict(getattr(self._matrices, part))
            if part in self._rows:
                scores = scores[self._rows[part]]
            for metric in dict.fromkeys((*self._watching.metrics, self._watching.metric)):
                self.curve.values[part].setdefault(metric, []).append(_MEASURES[metric](labels, scores))


def train(  # noqa: PLR0913 - the options are keywords
    matrices: Matrices,
    parameters: Hyperparameters,
    *,
    seed: int,
    threads: int,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    watching: Watching = _DEFAULT_WATCHING,
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
        "tree_method": "hist",
        "device": device,
        "seed": seed,
        "nthread": threads,
        "verbosity": 1,
    }
    watch = _Watch(matrices, parameters, progress, watching)
    try:
        booster = xgboost.train(settings, matrices.train, num_boost_round=parameters.rounds, callbacks=[watch])
    except xgboost.core.XGBoostError as error:
        raise UsageError(f"XGBoost refuses this: {_reason(error)}", where="the hyperparameters") from None
    if parameters.early_stopping:
        booster = booster[: watch.curve.best_rounds]
    return booster, watch.curve


def refit(
    rows: xgboost.QuantileDMatrix, parameters: Hyperparameters, *, seed: int, threads: int, device: str = "cpu"
) -> xgboost.Booster:
    """Train a booster for all its rounds, watched by nobody: for rows of which none is left to watch it on.

    Raises:
        UsageError: as :func:`train`.
    """
    final = replace(parameters, early_stopping=0, evaluate_every=parameters.rounds)
    return train(Matrices(rows, rows), final, seed=seed, threads=threads, device=device, watching=Watching(parts=()))[0]


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
    ordered, f1 = _f1_by_threshold(labels, scores)
    best = int(np.argmax(f1))
    below = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    middle = np.float32((ordered[best] + below) / 2)
    # Between two neighbours of float32 there is no number: half-way rounds to one of them, maybe the lower.
    return float(middle if middle > below else ordered[best])


def best_f1(labels: NDArray[np.uint8], scores: NDArray[np.float32]) -> float:
    """Return the highest F1 of all thresholds; arguments as of :func:`best_threshold`."""
    return float(_f1_by_threshold(labels, scores)[1].max())


def _f1_by_threshold(
    labels: NDArray[np.uint8], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores from high to low, and the F1 of a threshold just below each (-1 inside a run of equals)."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order].astype(np.float64)
    hits = np.cumsum(labels[order], dtype=np.int64)
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    ends = np.append(ordered[:-1] != ordered[1:], True)  # only between two different scores can a threshold be
    return ordered, np.where(ends, f1, -1)


_MEASURES: dict[str, Callable[[NDArray[np.uint8], NDArray[np.float32]], float]] = {
    LOGLOSS: lambda labels, scores: float(scoring.log_losses(labels, scores).mean()),
    PR_AUC: scoring.average_precision,
    F1: best_f1,
}
