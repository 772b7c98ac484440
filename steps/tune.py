"""Choose a cover type's hyperparameters: the preset's, or the best of ``--trials`` trials on half the validation rows.

With ``--study`` each trial is stored in a file when it ends: the same command resumes a search that was killed, and one
that asks for more trials adds them to the old ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from steps.core import runtime, storage
from steps.core.errors import UsageError
from steps.models import hyperparameters, presets
from steps.options.tune import TuneOptions
from steps.search import space_file, starting_points
from steps.search.study import create_study
from steps.search.trial_table import EMPTY, outcome_line


def main(  # noqa: PLR0913 - one argument a file
    *,
    train_features: Annotated[Path, typer.Option(help="Training features, from preprocess.")],
    validation_features: Annotated[Path, typer.Option(help="Validation features, from preprocess.")],
    best_parameters: Annotated[Path, typer.Option(help="Where the best parameters go (JSON).")],
    trial_table: Annotated[Path, typer.Option(help="Where the trials go (JSON).")],
    options: TuneOptions,
    space: Annotated[Path | None, typer.Option(help="Search space (TOML); without it the bundled one.")] = None,
    study: Annotated[Path | None, typer.Option(help="File of trials, to resume a search from.")] = None,
    earlier_study: Annotated[Path | None, typer.Option(help="Study that a new --study begins with a copy of.")] = None,
    warm_start: Annotated[
        Path | None,
        typer.Option(help="Earlier search whose best points are tried first: report.json, a trial table or a study."),
    ] = None,
    outcome: Annotated[Path | None, typer.Option(help="Where to write a line with the result.")] = None,
    usage: runtime.UsageOption = None,
) -> None:
    """Choose a cover type's hyperparameters."""
    features = {"train": train_features, "validation": validation_features}
    with runtime.record_usage(usage, "tune", inputs=features.values() if options.trials else (), options=options):
        start = hyperparameters.of_preset(options.preset)
        result: dict[str, Any] = {"origin": f"preset {options.preset.value}", "parameters": start.to_dict()}
        table = EMPTY
        if study is None and earlier_study is not None:
            raise UsageError("there is no study to begin with it", where="--earlier-study", fix="give --study too")
        if not options.trials and study is not None:
            create_study(study, earlier_study)
        if options.trials:
            # Optuna: half a second that a run without trials does not need.
            from steps.search import search
            from steps.search.trials import Job

            searched = space_file.read(space)
            policies = [choice for each in searched.dimensions if each.name == "grow_policy" for choice in each.choices]
            presets.check_growth(options.device.value, *map(str, policies or [start.grow_policy]))
            job = Job(
                features=features,
                start=start,
                space=searched,
                objective=options.objective,
                sampler=options.sampler,
                pruner=options.pruner,
                seed=options.seed,
                threads=options.threads,
                device=options.device.value,
                points=starting_points.points(options.preset, train_features, warm_start),
            )
            result, table = search.search(job, search.Limits(options.trials, options.timeout), study, earlier_study)
        storage.write_json(best_parameters, result)
        storage.write_json(trial_table, table)
    runtime.record_values((outcome, outcome_line(result, table)))
    runtime.log(f"{result['origin']}: {result['parameters']}")


if __name__ == "__main__":
    runtime.run_and_exit(main)
