"""Search hyperparameters with Optuna's TPE sampler: PR-AUC on the validation rows, one quantised matrix for all trials.

Source of the sampler: Bergstra, Bardenet, Bengio, Kegl (2011), "Algorithms for hyper-parameter optimization", NeurIPS.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import optuna

from steps import matrix, runtime, training

if TYPE_CHECKING:
    from pathlib import Path

    from steps.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class Limits:
    """When a search ends: after ``trials`` trials, or when ``timeout`` seconds have passed and a trial ends.

    The first trial is made in any case.
    """

    trials: int
    timeout: float | None = None


def suggest(trial: optuna.Trial, start: Hyperparameters) -> Hyperparameters:
    """Return a trial's hyperparameters: ranges about one order of magnitude wide, bins and rounds as in ``start``."""
    return start.with_values(
        {
            "learning_rate": trial.suggest_float("learning_rate", 0.05, 0.6, log=True),
            "max_depth": trial.suggest_int("max_depth", 6, 20),
            "min_child_weight": trial.suggest_float("min_child_weight", 0.01, 10, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bynode": trial.suggest_float("colsample_bynode", 0.3, 1.0),
            "reg_lambda": trial.suggest_float("reg_lambda", 0.01, 10, log=True),
            "scale_pos_weight": trial.suggest_float("scale_pos_weight", 0.5, 8, log=True),
        }
    )


def search(
    features: dict[str, Path], start: Hyperparameters, limits: Limits, *, seed: int, threads: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the best parameters with their origin, and the table of trials; the first trial is ``start`` itself.

    The same features, limits without a timeout, seed and library versions give the same result.
    """
    first = matrix.quantised(features["train"], max_bin=start.max_bin, threads=threads)
    second = matrix.quantised(features["validation"], max_bin=start.max_bin, threads=threads, reference=first)
    matrices = training.Matrices(first, second)
    tried: dict[int, Hyperparameters] = {}

    def objective(trial: optuna.Trial) -> float:
        tried[trial.number] = start if trial.number == 0 else suggest(trial, start)
        _, curve = training.train(matrices, tried[trial.number], seed=seed, threads=threads)
        trial.set_user_attr("rounds", curve.best_rounds)
        runtime.report_progress(trial.number + 1, limits.trials)
        return max(curve.values["validation"]["aucpr"])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    clock = time.perf_counter()
    study.optimize(objective, n_trials=1)  # whatever the timeout: without a trial there is nothing to choose
    left = None if limits.timeout is None else limits.timeout - (time.perf_counter() - clock)
    if limits.trials > 1 and (left is None or left > 0):
        study.optimize(objective, n_trials=limits.trials - 1, timeout=left)
    best = study.best_trial
    chosen = tried[best.number].with_values({"rounds": best.user_attrs["rounds"]})
    table = [
        {
            "trial": trial.number,
            "pr_auc": trial.value,
            "rounds": trial.user_attrs["rounds"],
            "parameters": tried[trial.number].to_dict(),
        }
        for trial in study.trials
    ]
    result = {"origin": f"trial {best.number} of {len(table)}", "pr_auc": best.value, "parameters": chosen.to_dict()}
    return result, table
