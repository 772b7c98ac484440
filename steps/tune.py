"""Choose a cover type's hyperparameters: the preset's, or the best of ``--trials`` trials on the validation rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from steps import presets, runtime, search, storage
from steps.hyperparameters import Hyperparameters


def main(  # noqa: PLR0913 - one argument an option
    *,
    train_features: Annotated[Path, typer.Option(help="Training features, from preprocess.")],
    validation_features: Annotated[Path, typer.Option(help="Validation features, from preprocess.")],
    best_parameters: Annotated[Path, typer.Option(help="Where the best parameters go (JSON).")],
    trial_table: Annotated[Path, typer.Option(help="Where the trials go (JSON).")],
    preset: Annotated[presets.Preset, typer.Option(help="Preset to start from.")] = presets.Preset.DEFAULT,
    trials: Annotated[int, typer.Option(min=0, help="Trials to make; 0 passes the preset's parameters on.")] = 0,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds after which no new trial starts, 0: no limit.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sampler and of the training.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads XGBoost uses.")] = 1,
    usage: runtime.UsageOption = None,
) -> None:
    """Choose a cover type's hyperparameters."""
    features = {"train": train_features, "validation": validation_features}
    with runtime.record_usage(usage, "tune", inputs=features.values() if trials else ()):
        start = Hyperparameters(**presets.load(preset).parameters)
        result: dict[str, Any] = {"origin": f"preset {preset.value}", "parameters": start.to_dict()}
        made: list[dict[str, Any]] = []
        if trials:
            limits = search.Limits(trials=trials, timeout=timeout or None)
            result, made = search.search(features, start, limits, seed=seed, threads=threads)
        storage.write_json(best_parameters, result)
        storage.write_json(trial_table, made)
    runtime.log(f"{result['origin']}: {result['parameters']}")


if __name__ == "__main__":
    runtime.main_of(main)
