"""Search hyperparameters: train trials on the training rows, and select the best on half of the validation rows.

The other half of the validation rows is used to test whether the best trial is better than the preset. The test rows
are never read.

The first trial is the preset. Then come the other presets and the best points of an earlier search, if they are in the
space and were not tried yet. The sampler chooses all further points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core import runtime
from steps.search import study, trial_table
from steps.search.study import COMPLETE
from steps.search.trials import TrialRunner

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
    """The limits of a search, across resumed runs. The first trial is always run.

    Attributes:
        trials: The number of trials.
        timeout: The time in seconds after which no new trial starts; None for no limit.
    """

    trials: int
    timeout: float | None = None

    def seconds_left(self, trials: Sequence[Trial]) -> float | None:
        """Return the seconds until no new trial starts, None without a timeout."""
        return None if self.timeout is None else self.timeout - sum(trial.seconds for trial in trials)

    def are_reached(self, trials: Sequence[Trial]) -> bool:
        """Return whether no new trial starts after these."""
        left = self.seconds_left(trials)
        return len(trials) >= self.trials or bool(trials and left is not None and left <= 0)


def search(
    job: Job, limits: Limits, path: Path | None = None, earlier: Path | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a search, or resume it.

    The same job, limits without a timeout, and library versions give the same parameters, even if the search was
    interrupted and resumed.

    Args:
        job: The search.
        limits: The limits of the search.
        path: The study to resume or begin; None for a study in memory.
        earlier: A study with which a new study begins.

    Returns:
        The best parameters with their origin, and the table of trials (see ``trial_table.build_table``).

    Raises:
        PipelineError: The study cannot be resumed (see ``study.open_study``), the files are not feature tables, the
            validation rows are all of one class, or XGBoost rejects a parameter.
    """
    runner = TrialRunner(job)
    with study.open_study(path, job.identity(), earlier) as opened:
        _run_trials(runner, opened, limits)
    best = trial_table.best_trial(opened.trials, job.objective)
    gain = runner.gain(best)
    runtime.log(_gain_line(gain, best, job.objective))
    result = {
        "origin": f"trial {best.number} of {len(opened.trials)}",
        "objective": job.objective.value,
        "value": best.value,
        "parameters": {**best.parameters, "rounds": best.best_rounds},
    }
    return result, trial_table.build_table(opened.trials, job.space, job.objective, gain, job.seed)


def _run_trials(runner: TrialRunner, opened: Study, limits: Limits) -> None:
    """Run trials until a limit is reached. Log each trial and report the progress."""
    if opened.trials:
        runtime.log(f"resuming a study of {len(opened.trials)} trials")
    runtime.report_progress(min(len(opened.trials), limits.trials), limits.trials)
    while not limits.are_reached(opened.trials):
        opened.add(runner.run_next(opened.trials))
        runtime.report_progress(len(opened.trials), limits.trials)
        runtime.log(_progress_line(opened.trials, limits, runner.job.objective))
    runtime.report_progress(limits.trials, limits.trials)  # after a timeout the search is finished too


def _progress_line(trials: Sequence[Trial], limits: Limits, objective: Objective) -> str:
    """Return the log line of the last trial: progress, best trial so far, remaining time, and outcome."""
    last, best = trials[-1], trial_table.best_trial(trials, objective)
    parts = [f"trial {last.number} of {limits.trials}", f"best {best.value:.4f} (trial {best.number})"]
    if not limits.are_reached(trials):
        rest = (limits.trials - len(trials)) * sum(trial.seconds for trial in trials) / len(trials)
        left = limits.seconds_left(trials)
        parts.append(f"about {_format_duration(rest if left is None else min(rest, left))} left")
    outcome = f"{objective.value} {last.value:.4f} after {last.best_rounds} rounds"
    if last.state != COMPLETE:
        outcome = f"pruned at {outcome} of {last.parameters['rounds']}"
    return f"{', '.join(parts)}; {last.origin}: {outcome} in {last.seconds:.1f} s"


def _format_duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE else f"{seconds / _MINUTE:.0f} min"


def _gain_line(gain: Gain, best: Trial, objective: Objective) -> str:
    """Return the log line about the gain of the best trial over the preset."""
    found = trial_table.verdict(gain.to_dict())
    start = f"trial {best.number} against the preset on {gain.rows} held-out validation rows: "
    if gain.low is None:
        return start + found
    return (
        f"{start}{objective.value} {gain.best:.4f} to {gain.preset:.4f}, gain {gain.gain:+.4f} "
        f"(95% interval {gain.low:+.4f} to {gain.high:+.4f}: {found}, paired bootstrap, one-sided at 2.5%)"
    )
