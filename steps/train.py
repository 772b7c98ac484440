"""Train the final model of a cover type and write its bundle, its learning curve and its threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steps import tables
from steps.core import runtime, storage
from steps.models import bundle, final_fit, hyperparameters, training
from steps.models.final_fit import Refit
from steps.models.hyperparameters import LARGEST, LARGEST_SEED, Device, GrowPolicy


def main(  # noqa: PLR0913 - one argument an option
    *,
    train_features: Annotated[Path, typer.Option(help="Training features, from preprocess.")],
    validation_features: Annotated[Path, typer.Option(help="Validation features, from preprocess.")],
    preprocessor: Annotated[Path, typer.Option(help="Fitted transformer, from preprocess (skops).")],
    parameters: Annotated[Path, typer.Option(help="Best parameters, from tune (JSON).")],
    model: Annotated[Path, typer.Option(help="Where the model bundle goes (a folder).")],
    learning_curve: Annotated[Path, typer.Option(help="Where the learning curve goes (JSON).")],
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of row and column sampling.")] = 0,
    threads: Annotated[int, typer.Option(min=1, max=LARGEST, help="Threads XGBoost uses.")] = 1,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.CPU,
    refit: Annotated[Refit, typer.Option(help="Rows to train on again besides the training rows.")] = Refit.NONE,
    rounds: Annotated[int | None, typer.Option(min=1, max=LARGEST, help="Boosting rounds, at most.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=1e-6, max=1)] = None,
    max_depth: Annotated[int | None, typer.Option(min=0, max=LARGEST)] = None,
    max_leaves: Annotated[int | None, typer.Option(min=0, max=LARGEST)] = None,
    grow_policy: Annotated[GrowPolicy | None, typer.Option()] = None,
    min_child_weight: Annotated[float | None, typer.Option(min=0)] = None,
    max_delta_step: Annotated[float | None, typer.Option(min=0)] = None,
    gamma: Annotated[float | None, typer.Option(min=0)] = None,
    reg_lambda: Annotated[float | None, typer.Option(min=0)] = None,
    reg_alpha: Annotated[float | None, typer.Option(min=0)] = None,
    subsample: Annotated[float | None, typer.Option(min=0.01, max=1)] = None,
    colsample_bytree: Annotated[float | None, typer.Option(min=0.01, max=1)] = None,
    colsample_bylevel: Annotated[float | None, typer.Option(min=0.01, max=1)] = None,
    colsample_bynode: Annotated[float | None, typer.Option(min=0.01, max=1)] = None,
    scale_pos_weight: Annotated[float | None, typer.Option(min=1e-6)] = None,
    max_bin: Annotated[int | None, typer.Option(min=2, max=LARGEST)] = None,
    early_stopping: Annotated[
        int | None, typer.Option(min=0, max=LARGEST, help="Rounds without a better PR-AUC, 0: never.")
    ] = None,
    evaluate_every: Annotated[
        int | None, typer.Option(min=1, max=LARGEST, help="Rounds between two evaluations.")
    ] = None,
    usage: runtime.UsageOption = None,
) -> None:
    """Train the final model of a cover type. A hyperparameter given here wins over the file's."""
    given = locals()
    features = {"train": train_features, "validation": validation_features}
    with runtime.record_usage(usage, "train", inputs=features.values(), outputs=[model]) as use:
        chosen = hyperparameters.read(parameters).with_values({name: given[name] for name in hyperparameters.NAMES})
        booster, curve, threshold = final_fit.fit(features, chosen, seed=seed, threads=threads, device=device.value)
        facts = {"seed": seed, "refit": refit.value, **final_fit.describe_fit(train_features, chosen, curve, threshold)}
        if refit is Refit.VALIDATION:
            final = chosen.with_values({"rounds": facts["best_rounds"]})
            booster = final_fit.refit(features, final, seed=seed, threads=threads, device=device.value)
        bundle.write(model, preprocessor, booster, facts)
        storage.write_json(learning_curve, curve.to_dict())
        use.rows_in = sum(tables.count_rows(path) for path in features.values())
    best = curve.values["validation"][training.PR_AUC][curve.rounds.index(facts["best_rounds"])]
    runtime.log(f"{facts['best_rounds']} rounds, validation PR-AUC {best:.4f}, threshold {threshold:.3f}")


if __name__ == "__main__":
    runtime.run_and_exit(main)
