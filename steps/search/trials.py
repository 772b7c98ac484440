"""Make the trials of a search: choose a point, train there on the training rows, evaluate it on validation rows.

Only half of the validation rows evaluate trials. The other half is held out for the comparison with the preset.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from steps import tables
from steps.core import runtime, storage
from steps.models import matrix, training
from steps.search import gain as search_gain
from steps.search import holdout
from steps.search.objective import Objective, Pruner, Sampler
from steps.search.sampler import TENTHS, Chooser
from steps.search.study import COMPLETE, PRUNED, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from steps.models.hyperparameters import Hyperparameters
    from steps.search.sampler import Asked
    from steps.search.space import Space

    Scores = NDArray[np.float32]

PRESET = "preset"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is searched, and how; ``features`` has the tables ``train`` and ``validation``."""

    features: Mapping[str, Path]
    start: Hyperparameters
    space: Space
    objective: Objective = Objective.PR_AUC
    sampler: Sampler = Sampler.TPE
    pruner: Pruner = Pruner.MEDIAN
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    # Points to try after the preset, by what they are called.
    points: Sequence[tuple[str, Hyperparameters]] = field(default=())

    def identity(self) -> dict[str, Any]:
        """Return what a study must be of to be resumed by this search."""
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
    """Return the points to try after the preset, as far as they are in the space."""
    located = [(origin, *job.space.locate(point)) for origin, point in job.points]
    if outside := [origin for origin, _, inside in located if not inside]:
        runtime.log(f"outside the search space, so not tried: {', '.join(outside)}")
    return [(origin, job.space.apply(job.start, values)) for origin, values, inside in located if inside]


class Trials:
    """Makes the trials of a job. Matrices are made once for each number of bins, and shared by all trials."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._known = _known_points(job)
        self._chooser = Chooser(job.space, job.objective, job.sampler, job.pruner, job.seed)
        self._matrices: dict[int, training.Matrices] = {}
        self._scores: dict[Hyperparameters, Scores] = {}
        self._halves = holdout.read(job.features["validation"], job.seed)

    def next_trial(self, trials: Sequence[Trial]) -> Trial:
        """Choose the point after these trials, and train there."""
        clock = time.perf_counter()
        asked: Asked | None = None
        if point := self._untried(trials):
            origin, parameters = point
            values = self.job.space.locate(parameters)[0]
        else:
            asked = self._chooser.ask(trials)
            origin, values = self.job.sampler.value, asked.values
            parameters = self.job.space.apply(self.job.start, values)
        watch = _Watch(self.job, parameters, asked, self._halves.selection)
        booster, curve = self._train(watch.parameters, watch.watching)
        watch.finish(curve)
        trial = Trial(
            number=len(trials) + 1,
            origin=origin,
            state=watch.state,
            value=curve.best_value,
            values=values,
            parameters=parameters.to_dict(),
            best_rounds=curve.best_rounds,
            seconds=round(time.perf_counter() - clock, 3),
            curve=watch.tenths,
        )
        self._remember(booster, parameters, trial, trials)
        return trial

    def _untried(self, trials: Sequence[Trial]) -> tuple[str, Hyperparameters] | None:
        """Return the first known point that is not tried yet."""
        if not trials:
            return PRESET, self.job.start
        tried = [dict(trial.parameters) for trial in trials]
        return next(((origin, point) for origin, point in self._known if point.to_dict() not in tried), None)

    def _train(
        self, parameters: Hyperparameters, watching: training.EvaluationPlan
    ) -> tuple[Any, training.LearningCurve]:
        job = self.job
        return training.train(
            self._matrices_of(parameters.max_bin),
            parameters,
            seed=job.seed,
            threads=job.threads,
            device=job.device,
            plan=watching,
        )

    def _matrices_of(self, max_bin: int) -> training.Matrices:
        if max_bin not in self._matrices:
            features, threads = self.job.features, self.job.threads
            first = matrix.quantise(features["train"], max_bin=max_bin, threads=threads)
            second = matrix.quantise(features["validation"], max_bin=max_bin, threads=threads, reference=first)
            self._matrices[max_bin] = training.Matrices(first, second)
        return self._matrices[max_bin]

    def _remember(self, booster: Any, parameters: Hyperparameters, trial: Trial, before: Sequence[Trial]) -> None:  # noqa: ANN401 - XGBoost has no types
        """Keep the validation scores of the preset and of the best trial for the comparison at the end."""
        validation = self._matrices_of(parameters.max_bin).validation
        if parameters == self.job.start:
            self._scores[parameters] = booster.predict(validation)
        earlier = [other.value for other in before if other.state == COMPLETE]
        if trial.state == COMPLETE and all(self.job.objective.better(trial.value, value) for value in earlier):
            self._scores = {point: scores for point, scores in self._scores.items() if point == self.job.start}
            final = replace(parameters, rounds=trial.best_rounds)
            self._scores.setdefault(final, booster[: trial.best_rounds].predict(validation))

    def gain(self, best: Trial) -> search_gain.Gain:
        """Compare the best trial with the preset, both as they would be trained in the end."""
        final = replace(self.job.start, **{**best.parameters, "rounds": best.best_rounds})
        labels, preset, other = (
            self._halves.parts(values)
            for values in (self._halves.labels, self._scores_of(self.job.start), self._scores_of(final))
        )
        return search_gain.compare(labels, preset, other, self.job.objective, self.job.seed)

    def _scores_of(self, parameters: Hyperparameters) -> Scores:
        """Return the scores of all validation rows at a point; a resumed search has to train there again."""
        if parameters not in self._scores:
            # A point with early stopping of its own must not look at the held-out rows either.
            parts = ("validation",) if parameters.early_stopping else ()
            booster, _ = self._train(parameters, _watching(self.job.objective, self._halves.selection, parts))
            self._scores[parameters] = booster.predict(self._matrices_of(parameters.max_bin).validation)
        return self._scores[parameters]


def _watching(objective: Objective, selection: NDArray[np.bool_], parts: tuple[str, ...]) -> training.EvaluationPlan:
    return training.EvaluationPlan(objective.value, (objective.value,), parts, selection)


class _Watch:
    """Watches one trial: keeps the objective at each tenth of its rounds, and prunes it where the pruner decides so.

    A known point (``asked`` is None) is trained to its end, and the preset (a point with nothing changed) without
    early stopping, unless it has its own.
    """

    def __init__(
        self, job: Job, parameters: Hyperparameters, asked: Asked | None, selection: NDArray[np.bool_]
    ) -> None:
        self.state, self.tenths = COMPLETE, dict[str, float]()
        self._job, self._rounds, self._asked, self._selection = job, parameters.rounds, asked, selection
        patience = parameters.early_stopping or (job.space.early_stopping if parameters != job.start else 0)
        self.parameters = replace(parameters, evaluate_every=job.space.evaluate_every, early_stopping=patience)

    @property
    def watching(self) -> training.EvaluationPlan:
        """How the training is evaluated: by the objective on the selection rows."""
        return replace(_watching(self._job.objective, self._selection, ("validation",)), stop=self._stop)

    def _stop(self, curve: training.LearningCurve) -> bool:
        value, tenth = curve.validation_values[-1], TENTHS * curve.rounds[-1] // self._rounds
        if tenth <= len(self.tenths):
            return False
        self._fill(tenth, value)
        if tenth < TENTHS and self._asked and self._asked.should_stop(tenth, value):
            self.state = PRUNED
        return self.state == PRUNED

    def _fill(self, tenth: int, value: float) -> None:
        """Keep a value for every tenth that has passed: rounds between two looks may be more than one of them."""
        for passed in range(len(self.tenths) + 1, tenth + 1):
            self.tenths[str(passed)] = value

    def finish(self, curve: training.LearningCurve) -> None:
        """Let a trial that stopped early, and not by the pruner, keep its best value to the end."""
        if self.state == COMPLETE:
            self._fill(TENTHS, curve.best_value)
