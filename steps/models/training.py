"""Train one booster, and evaluate it on the training and validation rows during training."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from steps.core.errors import UsageError
from steps.models import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from steps.options.train import Hyperparameters

# F1 is the best F1 over all thresholds.
PR_AUC, LOGLOSS, F1 = "pr_auc", "logloss", "f1"
# The metrics of a learning curve in the report.
METRICS = (LOGLOSS, PR_AUC)
PARTS = ("train", "validation")


@dataclass
class LearningCurve:
    """Values of metrics during training.

    Attributes:
        rounds: The numbers of rounds after which the booster was evaluated.
        values: ``values[part][metric][i]`` is the value after ``rounds[i]`` rounds.
        metric: The metric that decides which number of rounds is best.
    """

    rounds: list[int] = field(default_factory=list)
    values: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: {part: {metric: [] for metric in METRICS} for part in PARTS}
    )
    metric: str = PR_AUC

    @property
    def validation_values(self) -> list[float]:
        """The values of ``metric`` on the validation rows."""
        return self.values["validation"][self.metric]

    @property
    def best_rounds(self) -> int:
        """The number of rounds with the best value on the validation rows; the smallest of equally good ones."""
        return self.rounds[self._best]

    @property
    def best_value(self) -> float:
        """The best value on the validation rows."""
        return self.validation_values[self._best]

    @property
    def _best(self) -> int:
        values = self.validation_values
        return int(np.argmin(values) if self.metric == LOGLOSS else np.argmax(values))

    def to_dict(self) -> dict[str, Any]:
        """Return ``rounds``, ``train`` and ``validation`` as plain JSON values."""
        return {"rounds": self.rounds, **self.values}


@dataclass(frozen=True)
class Matrices:
    """The quantised training and validation rows. The validation rows share the bins of the training rows."""

    train: xgboost.QuantileDMatrix
    validation: xgboost.QuantileDMatrix


@dataclass(frozen=True)
class EvaluationPlan:
    """How a booster is evaluated during training, and when training ends early.

    Attributes:
        metric: The metric that decides which number of rounds is best.
        metrics: All metrics to evaluate.
        parts: The parts of the rows to evaluate on.
        rows: The validation rows to use (bool, shape (rows,)); None for all.
        stop: Called with the learning curve after every evaluation. Training ends if it returns True.
    """

    metric: str = PR_AUC
    metrics: tuple[str, ...] = METRICS
    parts: tuple[str, ...] = PARTS
    rows: NDArray[np.bool_] | None = None
    stop: Callable[[LearningCurve], bool] = lambda _curve: False


_DEFAULT_PLAN = EvaluationPlan()


class _Evaluator(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # XGBoost has no types
    """Evaluates the booster every few rounds, reports progress, and stops if the best round was long ago.

    XGBoost caches the margins of a matrix between two predictions, so each evaluation adds only the newest trees.
    """

    def __init__(
        self,
        matrices: Matrices,
        parameters: Hyperparameters,
        progress: Callable[[int, int], None],
        plan: EvaluationPlan,
    ) -> None:
        self.curve = LearningCurve(metric=plan.metric)
        self._matrices, self._parameters, self._progress = matrices, parameters, progress
        self._plan = plan
        self._rows = {} if plan.rows is None else {"validation": plan.rows}
        self._labels = {part: self._labels_of(part) for part in plan.parts}

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ANN401, ARG002 - XGBoost's signature
        """Return True to stop training."""
        done, parameters = epoch + 1, self._parameters
        if done % parameters.evaluate_every and done != parameters.rounds:
            return False
        self._evaluate(model, done)
        self._progress(done, parameters.rounds)
        late = bool(parameters.early_stopping) and done - self.curve.best_rounds >= parameters.early_stopping
        return late or self._plan.stop(self.curve)

    def _labels_of(self, part: str) -> NDArray[np.uint8]:
        labels: NDArray[np.uint8] = getattr(self._matrices, part).get_label().astype("u1")
        return labels[self._rows[part]] if part in self._rows else labels

    def _evaluate(self, model: xgboost.Booster, done: int) -> None:
        self.curve.rounds.append(done)
        for part, labels in self._labels.items():
            scores = model.predict(getattr(self._matrices, part))
            if part in self._rows:
                scores = scores[self._rows[part]]
            for metric in dict.fromkeys((*self._plan.metrics, self._plan.metric)):
                self.curve.values[part].setdefault(metric, []).append(_MEASURES[metric](labels, scores))


def train(  # noqa: PLR0913 - the options are keywords
    matrices: Matrices,
    parameters: Hyperparameters,
    *,
    seed: int,
    threads: int,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    plan: EvaluationPlan = _DEFAULT_PLAN,
) -> tuple[xgboost.Booster, LearningCurve]:
    """Train a booster.

    The same matrices, parameters, seed and XGBoost version give the same booster, for any number of threads.

    Args:
        matrices: The training and validation rows.
        parameters: The hyperparameters.
        seed: The seed of XGBoost.
        threads: The number of threads.
        device: ``cpu`` or ``cuda``.
        progress: Called after every evaluation with the finished and the total number of rounds.
        plan: How the booster is evaluated during training.

    Returns:
        The booster and its learning curve. With early stopping the booster is cut to its best number of rounds.

    Raises:
        UsageError: XGBoost rejects a parameter, or there is no such device.
    """
    if device != "cpu" and not has_device(device):
        raise UsageError(
            "XGBoost finds no such device", where=f"--device {device}", fix="use cpu, or a machine with a GPU"
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
    evaluator = _Evaluator(matrices, parameters, progress, plan)
    try:
        booster = xgboost.train(settings, matrices.train, num_boost_round=parameters.rounds, callbacks=[evaluator])
    except xgboost.core.XGBoostError as error:
        raise UsageError(f"XGBoost rejects this: {_check_that_failed(error)}", where="the hyperparameters") from None
    if parameters.early_stopping:
        booster = booster[: evaluator.curve.best_rounds]
    return booster, evaluator.curve


def refit(
    rows: xgboost.QuantileDMatrix, parameters: Hyperparameters, *, seed: int, threads: int, device: str = "cpu"
) -> xgboost.Booster:
    """Train a booster for all its rounds, without evaluation, when no rows are left to evaluate it on.

    Args:
        rows: All rows to train on.
        parameters: The hyperparameters; early stopping is ignored.
        seed: The seed of XGBoost.
        threads: The number of threads.
        device: ``cpu`` or ``cuda``.

    Raises:
        UsageError: As for :func:`train`.
    """
    final = replace(parameters, early_stopping=0, evaluate_every=parameters.rounds)
    plan = EvaluationPlan(parts=())
    return train(Matrices(rows, rows), final, seed=seed, threads=threads, device=device, plan=plan)[0]


def has_device(device: str) -> bool:
    """Return whether XGBoost can train on a device. XGBoost itself only warns, and trains on the CPU instead."""
    with warnings.catch_warnings(action="ignore"):
        booster = xgboost.train({"device": device}, xgboost.DMatrix(np.ones((1, 1)), [1]), num_boost_round=1)
    used: str = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    return used.startswith(device)


def _check_that_failed(error: Exception) -> str:
    """Return the message of an error of XGBoost, without time, source file and stack trace."""
    first = str(error).partition("\n")[0]
    return first.rpartition("Check failed: ")[2]


def best_threshold(labels: NDArray[np.uint8], scores: NDArray[np.float32]) -> float:
    """Return the threshold with the highest F1: a float32 number in the middle between two scores.

    Args:
        labels: 0 or 1, uint8, shape (rows,), at least one 1.
        scores: Probabilities, float32, shape (rows,).
    """
    ordered, f1 = _f1_by_threshold(labels, scores)
    best = int(np.argmax(f1))
    below = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    middle = np.float32((ordered[best] + below) / 2)
    # There is no float32 number between two adjacent ones: the middle is then rounded, perhaps to the lower score.
    return float(middle if middle > below else ordered[best])


def best_f1(labels: NDArray[np.uint8], scores: NDArray[np.float32]) -> float:
    """Return the highest F1 over all thresholds; arguments as for :func:`best_threshold`."""
    return float(np.max(_f1_by_threshold(labels, scores)[1]))


def _f1_by_threshold(
    labels: NDArray[np.uint8], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores in descending order, and the F1 of a threshold just below each score.

    Both are float64 of shape (rows,). The F1 is -1 for a score that equals the next one, because no threshold
    separates them.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order].astype(np.float64)
    hits = np.cumsum(labels[order], dtype=np.int64)
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    ends = np.append(ordered[:-1] != ordered[1:], True)
    return ordered, np.where(ends, f1, -1)


_MEASURES: dict[str, Callable[[NDArray[np.uint8], NDArray[np.float32]], float]] = {
    LOGLOSS: lambda labels, scores: float(metrics.log_losses(labels, scores).mean()),
    PR_AUC: metrics.average_precision,
    F1: best_f1,
}
