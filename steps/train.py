"""Train the final model of a cover type and write its bundle, its learning curve and its threshold.

With ``--refit validation`` the model is trained twice. The first fit sees the training rows alone: it says how many
rounds are best and, from its scores of the validation rows, which threshold has the best F1. The second fit makes that
many rounds on the training and validation rows together, and is the model in the bundle. The threshold stays the first
fit's: the second has seen the validation rows, so that its scores of them are better than it is, and a threshold
chosen there would be too high. The learning curve is the first fit's too. Test rows are seen by neither.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import bundle, hyperparameters, matrix, runtime, storage, tables, training
from steps.device import Device
from steps.hyperparameters import LARGEST, LARGEST_SEED

if TYPE_CHECKING:
    from steps.hyperparameters import Hyperparameters


class Refit(enum.StrEnum):
    """Which rows the final model is trained on besides the training rows."""

    NONE = "none"
    VALIDATION = "validation"


class GrowPolicy(enum.StrEnum):
    """Which node a tree grows at next."""

    DEPTHWISE = "depthwise"
    LOSSGUIDE = "lossguide"


def train(
    features: dict[str, Path], parameters: Hyperparameters, *, seed: int, threads: int, device: str
) -> tuple[Any, training.Curve, float]:
    """Return the booster, its learning curve, and the threshold with the best F1 on the validation rows."""
    first = matrix.quantised(features["train"], max_bin=parameters.max_bin, threads=threads)
    second = matrix.quantised(features["validation"], max_bin=parameters.max_bin, threads=threads, reference=first)
    booster, curve = training.train(
        training.Matrices(first, second),
        parameters,
        seed=seed,
        threads=threads,
        device=device,
        progress=runtime.report_progress,
    )
    threshold = training.best_threshold(second.get_label().astype("u1"), booster.predict(second))
    return booster, curve, threshold


def fit_again(features: dict[str, Path], parameters: Hyperparameters, *, seed: int, threads: int, device: str) -> Any:  # noqa: ANN401 - XGBoost has no types
    """Return a booster that was trained on the training and validation rows together, for all its rounds."""
    rows = matrix.quantised(*features.values(), max_bin=parameters.max_bin, threads=threads)
    return training.refit(rows, parameters, seed=seed, threads=threads, device=device)


def _facts(features: Path, parameters: Hyperparameters, curve: training.Curve, threshold: float) -> dict[str, Any]:
    metadata = tables.read_metadata(features)
    return {
        "cover_type": metadata.cover_type,
        "label": metadata.schema.cover_type(metadata.cover_type).label,
        "threshold": threshold,
        "parameters": parameters.to_dict(),
        "best_rounds": curve.best_rounds if parameters.early_stopping else parameters.rounds,
        "features": list(metadata.features),
        "data_sha256": metadata.data_sha256,
        "schema": metadata.schema.to_json(),
    }


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
        booster, curve, threshold = train(features, chosen, seed=seed, threads=threads, device=device.value)
        facts = {"seed": seed, "refit": refit.value, **_facts(train_features, chosen, curve, threshold)}
        if refit is Refit.VALIDATION:
            final = chosen.with_values({"rounds": facts["best_rounds"]})
            booster = fit_again(features, final, seed=seed, threads=threads, device=device.value)
        bundle.write(model, preprocessor, booster, facts)
        storage.write_json(learning_curve, curve.to_dict())
        use.rows_in = sum(tables.count_rows(path) for path in features.values())
    best = curve.values["validation"][training.PR_AUC][curve.rounds.index(facts["best_rounds"])]
    runtime.log(f"{facts['best_rounds']} rounds, validation PR-AUC {best:.4f}, threshold {threshold:.3f}")


if __name__ == "__main__":
    runtime.main_of(main)
