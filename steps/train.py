"""Train the final model of a cover type and write its bundle, its learning curve and its threshold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import tables
from steps.core import runtime, storage
from steps.core.options import Overrides
from steps.models import bundle, final_fit, hyperparameters, presets, training
from steps.options.train import Hyperparameters, Refit, TrainOptions

if TYPE_CHECKING:
    from steps.options.shared import Preset


def main(  # noqa: PLR0913 - one argument a file
    *,
    train_features: Annotated[Path, typer.Option(help="Training features, from preprocess.")],
    validation_features: Annotated[Path, typer.Option(help="Validation features, from preprocess.")],
    preprocessor: Annotated[Path, typer.Option(help="Fitted transformer, from preprocess (skops).")],
    model: Annotated[Path, typer.Option(help="Where the model bundle goes (a folder).")],
    learning_curve: Annotated[Path, typer.Option(help="Where the learning curve goes (JSON).")],
    options: TrainOptions,
    given: Annotated[dict[str, Any], Overrides(Hyperparameters)],
    parameters: Annotated[
        Path | None, typer.Option(help="Best parameters, from tune (JSON); if there is no file, those of the preset.")
    ] = None,
    fit: runtime.ValueOption = None,
    usage: runtime.UsageOption = None,
) -> None:
    """Train the final model of a cover type. A hyperparameter given here wins over the file's."""
    seed, threads, device = options.seed, options.threads, options.device.value
    features = {"train": train_features, "validation": validation_features}
    with runtime.record_usage(usage, "train", inputs=features.values(), outputs=[model], options=options) as use:
        chosen = _starting_point(parameters, options.preset).with_values(given)
        presets.check_growth(device, chosen.grow_policy)
        booster, curve, decision = final_fit.fit(features, chosen, seed=seed, threads=threads, device=device)
        facts = {
            "seed": options.seed,
            "refit": options.refit.value,
            **final_fit.describe_fit(train_features, chosen, curve, decision),
        }
        if options.refit is Refit.VALIDATION:
            final = chosen.with_values({"rounds": facts["best_rounds"]})
            booster = final_fit.refit(features, final, seed=seed, threads=threads, device=device)
        bundle.write(model, preprocessor, booster, facts)
        storage.write_json(learning_curve, curve.to_dict())
        use.rows_in = sum(tables.count_rows(path) for path in features.values())
    best = curve.values["validation"][training.PR_AUC][curve.rounds.index(facts["best_rounds"])]
    line = f"{facts['best_rounds']} rounds, validation PR-AUC {best:.4f}, threshold {decision.threshold:.3f}"
    runtime.record_values((fit, line))
    runtime.log(line)


def _starting_point(parameters: Path | None, preset: Preset) -> Hyperparameters:
    """Return the best parameters of a search; those of the preset where there was no search, so that no file exists."""
    if parameters is not None and parameters.exists():
        return hyperparameters.read(parameters)
    runtime.log(f"no search: hyperparameters of preset {preset.value}")
    return hyperparameters.of_preset(preset)


if __name__ == "__main__":
    runtime.run_and_exit(main)
