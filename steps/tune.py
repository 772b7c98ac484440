"""Choose a cover type's hyperparameters: the preset's, or the best of ``--trials`` trials on the validation rows.

With ``--study`` the trials are kept in a file as they end: the same command goes on where a search was killed, and one
that asks for more trials goes on from the old ones.
"""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import presets, runtime, space_file, storage, tables, warm_points
from steps.device import Device
from steps.errors import UsageError
from steps.hyperparameters import Hyperparameters
from steps.objective import Objective, Pruner, Sampler
from steps.trial_table import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping


def _seconds(text: str) -> float | None:
    """Read a number of seconds above 0; nothing for an empty text, as the Argo UI's form gives it."""
    if not text:
        return None
    with suppress(ValueError):
        if 0 < (seconds := float(text)) < math.inf:
            return seconds
    raise typer.BadParameter(f"{text!r} is no number of seconds above 0; leave it out for no limit")


def _start(preset: presets.Preset) -> Hyperparameters:
    return Hyperparameters(**presets.load(preset).parameters)


def _points(preset: presets.Preset, features: Path, warm_start: Path | None) -> list[tuple[str, Hyperparameters]]:
    """Return the points to try after the preset: the other presets, then an earlier search's best ones."""
    found = [(f"preset {other.value}", _start(other)) for other in presets.Preset if other != preset]
    if warm_start is None:
        return found
    earlier = warm_points.points_of(tables.read_metadata(features).cover_type, warm_points.read(warm_start))
    return [*found, *(("warm start", point) for point in earlier)]


def _begin(study: Path | None, earlier: Path | None) -> None:
    """Let a study be there to go on with: a copy of the earlier one, unless it has begun already; else an empty file.

    UsageError where an earlier one is given and no study to go on with.
    """
    if study is None:
        if earlier is not None:
            raise UsageError("there is nowhere to go on", where="--earlier-study", fix="give --study too")
        return
    if not study.exists() or (earlier is not None and not storage.size_of(study)):
        storage.write_bytes(study, b"" if earlier is None else earlier.read_bytes())


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
    objective: Annotated[Objective, typer.Option(help="What to improve on the validation rows.")] = Objective.PR_AUC,
    sampler: Annotated[Sampler, typer.Option(help="How the next trial is chosen.")] = Sampler.TPE,
    pruner: Annotated[Pruner, typer.Option(help="Which trials are given up early.")] = Pruner.MEDIAN,
    space: Annotated[Path | None, typer.Option(help="Search space (TOML); without it the bundled one.")] = None,
    study: Annotated[Path | None, typer.Option(help="Where the trials are kept as they end, to go on from.")] = None,
    earlier_study: Annotated[Path | None, typer.Option(help="Study to go on from where --study is new.")] = None,
    warm_start: Annotated[
        Path | None,
        typer.Option(help="Earlier search whose best points are tried first: report.json, a trial table or a study."),
    ] = None,
    outcome: Annotated[Path | None, typer.Option(help="Where a line goes that says what was found.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sampler and of the training.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads XGBoost uses.")] = 1,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.CPU,
    usage: runtime.UsageOption = None,
) -> None:
    """Choose a cover type's hyperparameters."""
    features = {"train": train_features, "validation": validation_features}
    with runtime.record_usage(usage, "tune", inputs=features.values() if trials else ()):
        start = _start(preset)
        result: dict[str, Any] = {"origin": f"preset {preset.value}", "parameters": start.to_dict()}
        table = EMPTY
        _begin(study, earlier_study)
        if trials:
            from steps import search, search_trials  # Optuna: half a second that a run without trials does not need

            job = search_trials.Job(
                features=features,
                start=start,
                space=space_file.read(space),
                objective=objective,
                sampler=sampler,
                pruner=pruner,
                seed=seed,
                threads=threads,
                device=device.value,
                points=_points(preset, train_features, warm_start),
            )
            result, table = search.search(job, search.Limits(trials, timeout), study)
        storage.write_json(best_parameters, result)
        storage.write_json(trial_table, table)
    runtime.record_values((outcome, _outcome(result, table)))
    runtime.log(f"{result['origin']}: {result['parameters']}")


def _outcome(result: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    """Return the line that the Argo UI shows of a search."""
    if not (gain := table["gain"]):
        return str(result["origin"])
    how = "outside" if gain["outside_noise"] else "inside"
    value = f"{table['objective']} {gain['best']:.4f}"
    return f"{result['origin']}: {value}, {gain['gain']:+.4f} better than the preset, {how} noise"


if __name__ == "__main__":
    runtime.main_of(main)
