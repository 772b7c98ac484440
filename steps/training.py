"""Train one booster, watching it on the validation rows."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from steps.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from steps.hyperparameters import Hyperparameters

METRICS = ("logloss", "aucpr")
PARTS = ("train", "validation")
# The best F1 of all thresholds: not XGBoost's, and looked at only where it is asked for.
F1 = "f1"
_LESS_IS_BETTER = "logloss"


@dataclass
class Curve:
    """Learning curve: after ``rounds[i]`` rounds, ``values[part][metric][i]`` for the parts train and validation.

    ``metric`` is the one that says which number of rounds is best.
    """

    rounds: list[int] = field(default_factory=list)
    values: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: {part: {metric: [] for metric in METRICS} for part in PARTS}
    )
    metric: str = "aucpr"

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
        return int(np.argmin(values) if self.metric == _LESS_IS_BETTER else np.argmax(values))

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
    """How a training is watched: what counts as better, which parts are looked at, and what may end it.

    ``stop`` is asked after every look at the curve; True ends the training.
    """

    metric: str = "aucpr"
    parts: tuple[str, ...] = PARTS
    stop: Callable[[Curve], bool] = lambda _curve: False


_DEFAULT_WATCHING = Watching()


class _Watch(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # XGBoost has no types
    """Evaluates both matrices every few rounds, reports progress, and stops when the best round is long past.

    XGBoost's own evaluation looks every round: for a PR-AUC over 90,000 rows that is a tenth of the training time.
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

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ANN401, ARG002 - XGBoost's signature
        """Return True to stop training."""
        done, parameters = epoch + 1, self._parameters
        if done % parameters.evaluate_every and done != parameters.rounds:
            return False
        self._evaluate(model, done)
        self._progress(done, parameters.rounds)
        late = bool(parameters.early_stopping) and done - self.curve.best_rounds >= parameters.early_stopping
        return late or self._watching.stop(self.curve)

    def _evaluate(self, model: xgboost.Booster, done: int) -> None:
        pairs = [(getattr(self._matrices, part), part) for part in self._watching.parts]
        self.curve.rounds.append(done)
        for entry in model.eval_set(pairs, done - 1).split("\t")[1:]:
            name, _, value = entry.rpartition(":")
            part, _, metric = name.partition("-")
            self.curve.values[part][metric].append(float(value))
        if self._watching.metric == F1:
            labels, scores = self._matrices.validation.get_label(), model.predict(self._matrices.validation)
            self.curve.values["validation"].setdefault(F1, []).append(best_f1(labels.astype("u1"), scores))


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
        "eval_metric": list(METRICS),
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
