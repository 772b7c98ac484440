"""Run the trials of a search: choose a point, train on the training rows, and evaluate on the selection rows.

The selection rows are half of the validation rows. The other half is held out for the comparison with the preset.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from steps import tables
from steps.core import runtime, storage
from steps.models import matrix, training
from steps.options.tune import Objective, Pruner, Sampler
from steps.search import gain as search_gain
from steps.search import holdout
from steps.search.sampler import TENTHS, PointSampler
from steps.search.study import COMPLETE, PRUNED, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from steps.options.train import Hyperparameters
    from steps.search.sampler import Suggestion
    from steps.search.space import Space

    Scores = NDArray[np.float32]

PRESET = "preset"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A search.

    Attributes:
        features: The feature tables ``train`` and ``validation``.
        start: The hyperparameters of the preset.
        space: The search space.
        objective: The objective.
        sampler: The sampler.
        pruner: The pruner.
        seed: The seed of the search and of XGBoost.
        threads: The number of threads of XGBoost.
        device: ``cpu`` or ``cuda``.
        points: The points to try after the preset, each with its origin.
    """

    features: Mapping[str, Path]
    start: Hyperparameters
    space: Space
    objective: Objective = Objective.PR_AUC
    sampler: Sampler = Sampler.TPE
    pruner: Pruner = Pruner.MEDIAN
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    points: Sequence[tuple[str, Hyperparameters]] = field(default=())

    def identity(self) -> dict[str, Any]:
        """Return the identity that a study must have to be resumed by this search."""
        digest = hashlib.sha256("".join(storage.sha256_file(self.features[part]) for part in training.PARTS).encode())
        return {
            "cover_type": tables.read_metadata(self.features["train"]).cover_type,
            "data": digest.hexdigest(),
            "space": self.space.sha256,
            "objective": self.objective.value,
            "start": self.start.to_dict(),
            "seed": self.seed,
        }


def _known_points(job: Job) -> list[tuple[str, Hyperparameters]]:
    """Return the points to try after the preset that are in the space."""
    located = [(origin, *job.space.locate(point)) for origin, point in job.points]
    if outside := [origin for origin, _, inside in located if not inside]:
        runtime.log(f"outside the search space, so not tried: {', '.join(outside)}")
    return [(origin, job.space.apply(job.start, values)) for origin, values, inside in located if inside]


class TrialRunner:
    """Runs the trials of a search. Trials with the same number of bins share their matrices."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._known = _known_points(job)
        self._sampler = PointSampler(job.space, job.objective, job.sampler, job.pruner, job.seed)
        self._matrices: dict[int, training.Matrices] = {}
        self._scores: dict[Hyperparameters, Scores] = {}
        self._halves = holdout.read_halves(job.features["validation"], job.seed)

    def run_next(self, trials: Sequence[Trial]) -> Trial:
        """Run the trial that follows these trials."""
        clock = time.perf_counter()
        suggestion: Suggestion | None = None
        if point := self._untried_point(trials):
            origin, parameters = point
            values = self.job.space.locate(parameters)[0]
        else:
            suggestion = self._sampler.suggest(trials)
            origin, values = self.job.sampler.value, suggestion.values
            parameters = self.job.space.apply(self.job.start, values)
        monitor = _TrialMonitor(self.job, parameters, suggestion, self._halves.selection)
        booster, curve = self._train(monitor.parameters, monitor.plan)
        monitor.finish(curve)
        trial = Trial(
            number=len(trials) + 1,
            origin=origin,
            state=monitor.state,
            value=curve.best_value,
            values=values,
            parameters=parameters.to_dict(),
            best_rounds=curve.best_rounds,
            seconds=round(time.perf_counter() - clock, 3),
            curve=monitor.tenths,
        )
        self._keep_scores(booster, parameters, trial, trials)
        return trial

    def _untried_point(self, trials: Sequence[Trial]) -> tuple[str, Hyperparameters] | None:
        """Return the first known point that was not tried yet."""
        if not trials:
            return PRESET, self.job.start
        tried = [dict(trial.parameters) for trial in trials]
        return next(((origin, point) for origin, point in self._known if point.to_dict() not in tried), None)

    def _train(self, parameters: Hyperparameters, plan: training.EvaluationPlan) -> tuple[Any, training.LearningCurve]:
        job = self.job
        return training.train(
            self._matrices_of(parameters.max_bin),
            parameters,
            seed=job.seed,
            threads=job.threads,
            device=job.device,
            plan=plan,
        )

    def _matrices_of(self, max_bin: int) -> training.Matrices:
        if max_bin not in self._matrices:
            features, threads = self.job.features, self.job.threads
            first = matrix.quantise(features["train"], max_bin=max_bin, threads=threads)
            second = matrix.quantise(features["validation"], max_bin=max_bin, threads=threads, reference=first)
            self._matrices[max_bin] = training.Matrices(first, second)
        return self._matrices[max_bin]

    def _keep_scores(self, booster: Any, parameters: Hyperparameters, trial: Trial, before: Sequence[Trial]) -> None:  # noqa: ANN401 - XGBoost has no types
        """Keep the validation scores of the preset and of the best trial for the comparison at the end."""
        validation = self._matrices_of(parameters.max_bin).validation
        if parameters == self.job.start:
            self._scores[parameters] = booster.predict(validation)
        earlier = [other.value for other in before if other.state == COMPLETE]
        if trial.state == COMPLETE and all(self.job.objective.is_better(trial.value, value) for value in earlier):
            self._scores = {point: scores for point, scores in self._scores.items() if point == self.job.start}
            final = replace(parameters, rounds=trial.best_rounds)
            self._scores.setdefault(final, booster[: trial.best_rounds].predict(validation))

    def gain(self, best: Trial) -> search_gain.Gain:
        """Compare the best trial with the preset, both with the number of rounds of a final model."""
        final = replace(self.job.start, **{**best.parameters, "rounds": best.best_rounds})
        labels, preset, other = (
            self._halves.parts(values)
            for values in (self._halves.labels, self._scores_of(self.job.start), self._scores_of(final))
        )
        return search_gain.compare(labels, preset, other, self.job.objective, self.job.seed)

    def _scores_of(self, parameters: Hyperparameters) -> Scores:
        """Return the scores of all validation rows at a point. A resumed search has to train there again."""
        if parameters not in self._scores:
            # If the point has early stopping of its own, it must not use the held-out rows.
            parts = ("validation",) if parameters.early_stopping else ()
            booster, _ = self._train(parameters, _evaluation_plan(self.job.objective, self._halves.selection, parts))
            self._scores[parameters] = booster.predict(self._matrices_of(parameters.max_bin).validation)
        return self._scores[parameters]


def _evaluation_plan(
    objective: Objective, selection: NDArray[np.bool_], parts: tuple[str, ...]
) -> training.EvaluationPlan:
    return training.EvaluationPlan(objective.value, (objective.value,), parts, selection)


class _TrialMonitor:
    """Records the objective of a trial after each tenth of its rounds, and prunes the trial if the pruner says so.

    A known point (``suggestion`` is None) is never pruned. The early stopping of the search does not apply to the
    preset.
    """

    def __init__(
        self, job: Job, parameters: Hyperparameters, suggestion: Suggestion | None, selection: NDArray[np.bool_]
    ) -> None:
        self.state, self.tenths = COMPLETE, dict[str, float]()
        self._job, self._rounds, self._suggestion, self._selection = job, parameters.rounds, suggestion, selection
        patience = parameters.early_stopping or (job.space.early_stopping if parameters != job.start else 0)
        self.parameters = replace(parameters, evaluate_every=job.space.evaluate_every, early_stopping=patience)

    @property
    def plan(self) -> training.EvaluationPlan:
        """The plan of the training: evaluate the objective on the selection rows."""
        return replace(_evaluation_plan(self._job.objective, self._selection, ("validation",)), stop=self._should_stop)

    def _should_stop(self, curve: training.LearningCurve) -> bool:
        value, tenth = curve.validation_values[-1], TENTHS * curve.rounds[-1] // self._rounds
        if tenth <= len(self.tenths):
            return False
        self._record(tenth, value)
        if tenth < TENTHS and self._suggestion and self._suggestion.should_prune(tenth, value):
            self.state = PRUNED
        return self.state == PRUNED

    def _record(self, tenth: int, value: float) -> None:
        """Record a value for all tenths up to this one. There may be several tenths between two evaluations."""
        for passed in range(len(self.tenths) + 1, tenth + 1):
            self.tenths[str(passed)] = value

    def finish(self, curve: training.LearningCurve) -> None:
        """Record the best value for the remaining tenths of a trial that ended by early stopping."""
        if self.state == COMPLETE:
            self._record(TENTHS, curve.best_value)
