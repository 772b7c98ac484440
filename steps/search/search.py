"""Search hyperparameters: trials are trained on the training rows and chosen on half of the validation rows.

The other half of the validation rows then tells whether the best trial is better than the preset. The test rows are
never read.

The first trial is the preset itself. Then come the other presets and an earlier search's best points, as far as they
are points of the space and not tried yet, then what the sampler chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core import runtime
from steps.search import study, trial_table
from steps.search.study import COMPLETE
from steps.search.trials import Trials

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from steps.options.tune import Objective
    from steps.search.gain import Gain
    from steps.search.study import Study, Trial
    from steps.search.trials import Job

_MINUTE = 60


@dataclass(frozen=True)
class Limits:
    """When a search ends: after ``trials`` trials, or when ``timeout`` seconds have passed and a trial ends.

    Both are about the whole study, earlier runs of it included. The first trial is made in any case.
    """

    trials: int
    timeout: float | None = None

    def left(self, trials: Sequence[Trial]) -> float | None:
        """Return the seconds until no new trial starts, None without a timeout."""
        return None if self.timeout is None else self.timeout - sum(trial.seconds for trial in trials)

    def reached(self, trials: Sequence[Trial]) -> bool:
        """Whether no new trial starts after these."""
        left = self.left(trials)
        return len(trials) >= self.trials or bool(trials and left is not None and left <= 0)


def search(
    job: Job, limits: Limits, path: Path | None = None, earlier: Path | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the best parameters with their origin, and the table of trials (see ``trial_table.build``).

    The same job, limits without a timeout and library versions give the same parameters, also where the search was
    interrupted and resumed from the study in ``path``. A new study starts as a copy of the one in ``earlier``.

    Raises:
        PipelineError: the study there cannot be resumed (``study.opened``); the rows are no feature tables, or
            all of one kind; XGBoost refuses a parameter.
    """
    made = Trials(job)
    with study.opened(path, job.identity(), earlier) as kept:
        _make_trials(made, kept, limits)
    best = trial_table.best_of(kept.trials, job.objective)
    gain = made.gain(best)
    runtime.log(_verdict(gain, best, job.objective))
    result = {
        "origin": f"trial {best.number} of {len(kept.trials)}",
        "objective": job.objective.value,
        "value": best.value,
        "parameters": {**best.parameters, "rounds": best.best_rounds},
    }
    return result, trial_table.build(kept.trials, job.space, job.objective, gain, job.seed)


def _make_trials(made: Trials, kept: Study, limits: Limits) -> None:
    """Make trials until a limit is reached; log and report each."""
    if kept.trials:
        runtime.log(f"resuming a study of {len(kept.trials)} trials")
    runtime.report_progress(min(len(kept.trials), limits.trials), limits.trials)
    while not limits.reached(kept.trials):
        kept.add(made.next_trial(kept.trials))
        runtime.report_progress(len(kept.trials), limits.trials)
        runtime.log(_line(kept.trials, limits, made.job.objective))
    runtime.report_progress(limits.trials, limits.trials)  # after a timeout, too, there is nothing left to do


def _line(trials: Sequence[Trial], limits: Limits, objective: Objective) -> str:
    """Return the line about the last trial: how far, the best so far, how long yet, and what came of the last."""
    last, best = trials[-1], trial_table.best_of(trials, objective)
    parts = [f"trial {last.number} of {limits.trials}", f"best {best.value:.4f} (trial {best.number})"]
    if not limits.reached(trials):
        rest = (limits.trials - len(trials)) * sum(trial.seconds for trial in trials) / len(trials)
        left = limits.left(trials)
        parts.append(f"about {_duration(rest if left is None else min(rest, left))} left")
    outcome = f"{objective.value} {last.value:.4f} after {last.best_rounds} rounds"
    if last.state != COMPLETE:
        outcome = f"pruned at {outcome} of {last.parameters['rounds']}"
    return f"{', '.join(parts)}; {last.origin}: {outcome} in {last.seconds:.1f} s"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE else f"{seconds / _MINUTE:.0f} min"


def _verdict(gain: Gain, best: Trial, objective: Objective) -> str:
    """Return the line that tells whether the best trial is better than the preset."""
    found = trial_table.verdict(gain.to_dict())
    start = f"trial {best.number} against the preset on {gain.rows} held-out validation rows: "
    if gain.low is None:
        return start + found
    return (
        f"{start}{objective.value} {gain.best:.4f} to {gain.preset:.4f}, gain {gain.gain:+.4f} "
        f"(95% interval {gain.low:+.4f} to {gain.high:+.4f}: {found}, paired bootstrap, one-sided at 2.5%)"
    )
