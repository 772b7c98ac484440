"""Choose a cover type's hyperparameters: the preset's, or the best of ``--trials`` trials on half the validation rows.

With ``--study`` each trial is stored in a file when it ends: the same command resumes a search that was killed, and one
that asks for more trials adds them to the old ones.
"""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from steps.core import runtime, storage
from steps.core.errors import UsageError
from steps.models import presets
from steps.models.hyperparameters import LARGEST, LARGEST_SEED, Device
from steps.search import space_file, starting_points
from steps.search.objective import Objective, Pruner, Sampler
from steps.search.study import create_study
from steps.search.trial_table import EMPTY, outcome_line


def _seconds(text: str) -> float | None:
    """Read a number of seconds above 0; nothing for an empty text, as the Argo UI's form gives it."""
    if not text:
        return None
    with suppress(ValueError):
        if 0 < (seconds := float(text)) < math.inf:
            return seconds
    raise typer.BadParameter(f"{text!r} is no number of seconds above 0; leave it out for no limit")


def main(  # noqa: PLR0913 - one argument an option
    *,
    train_features: Annotated[Path, typer.Option(help="Training features, from preprocess.")],
    validation_features: Annotated[Path, typer.Option(help="Validation features, from preprocess.")],
    best_parameters: Annotated[Path, typer.Option(help="Where the best parameters go (JSON).")],
    trial_table: Annotated[Path, typer.Option(help="Where the trials go (JSON).")],
    preset: Annotated[presets.Preset, typer.Option(help="Preset to start from.")] = presets.Preset.DEFAULT,
    trials: Annotated[int, typer.Option(min=0, help="Trials to make; 0 passes the preset's parameters on.")] = 0,
    timeout: Annotated[
        float | None,
        typer.Option(parser=_seconds, help="Seconds of trials after which no new one starts; empty for no limit."),
    ] = None,
    objective: Annotated[Objective, typer.Option(help="What to improve on validation rows.")] = Objective.PR_AUC,
    sampler: Annotated[Sampler, typer.Option(help="How the next trial is chosen.")] = Sampler.TPE,
    pruner: Annotated[Pruner, typer.Option(help="Which trials are stopped early.")] = Pruner.MEDIAN,
    space: Annotated[Path | None, typer.Option(help="Search space (TOML); without it the bundled one.")] = None,
    study: Annotated[Path | None, typer.Option(help="File of trials, to resume a search from.")] = None,
    earlier_study: Annotated[Path | None, typer.Option(help="Study that a new --study begins with a copy of.")] = None,
    warm_start: Annotated[
        Path | None,
        typer.Option(help="Earlier search whose best points are tried first: report.json, a trial table or a study."),
    ] = None,
    outcome: Annotated[Path | None, typer.Option(help="Where to write a line with the result.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the sampler and of the training.")] = 0,
    threads: Annotated[int, typer.Option(min=1, max=LARGEST, help="Threads XGBoost uses.")] = 1,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.CPU,
    usage: runtime.UsageOption = None,
) -> None:
    """Choose a cover type's hyperparameters."""
    features = {"train": train_features, "validation": validation_features}
    with runtime.record_usage(usage, "tune", inputs=features.values() if trials else ()):
        start = starting_points.preset_point(preset)
        result: dict[str, Any] = {"origin": f"preset {preset.value}", "parameters": start.to_dict()}
        table = EMPTY
        if study is None and earlier_study is not None:
            raise UsageError("there is no study to begin with it", where="--earlier-study", fix="give --study too")
        if not trials and study is not None:
            create_study(study, earlier_study)
        if trials:
            # Optuna: half a second that a run without trials does not need.
            from steps.search import search
            from steps.search.trials import Job

            job = Job(
                features=features,
                start=start,
                space=space_file.read(space),
                objective=objective,
                sampler=sampler,
                pruner=pruner,
                seed=seed,
                threads=threads,
                device=device.value,
                points=starting_points.points(preset, train_features, warm_start),
            )
            result, table = search.search(job, search.Limits(trials, timeout), study, earlier_study)
        storage.write_json(best_parameters, result)
        storage.write_json(trial_table, table)
    runtime.record_values((outcome, outcome_line(result, table)))
    runtime.log(f"{result['origin']}: {result['parameters']}")


if __name__ == "__main__":
    runtime.run_and_exit(main)
