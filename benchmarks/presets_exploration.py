"""Repeat the comparisons behind the presets: one model per variant, judged on validation rows.

    python -m benchmarks.presets_exploration --cover-types 2,4,5
    python -m benchmarks.presets_exploration --cover-types aspen --variants default,no-delta-step --rounds 20

The rows are those of the pipeline: the bundled table, split with ``--seed``. Models are trained on the training rows
and judged on the validation rows; the test rows are never read. A variant is a preset with some hyperparameters or
derived features changed, see ``VARIANTS``; ``--list`` prints them. ``--rows`` and ``--rounds`` restrict the work, which
shows that the script runs but not how good a variant is. Prints Markdown, a line as each model is finished.

``RESULTS.md`` has the figures that were measured, and ``docs/explanation/decisions.md`` what follows from them.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import prepare, tables
from steps import schema as schemas
from steps.datasets import splitting
from steps.datasets.one_vs_rest import Options
from steps.models import intervals, matrix, preprocessing, presets, training
from steps.models.features import DERIVED, PLAIN
from steps.options.shared import Preset
from steps.options.train import Hyperparameters
from steps.schema.model import Derived, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FRACTIONS = (0.64, 0.16, 0.20)
DISTANCES = ("Hydrology", "Roadways", "Fire_Points")
HEAD = ("cover type", "variant", "PR-AUC (95% interval)", "best F1", "log loss", "best round", "rounds", "train s")


def _distance(name: str) -> str:
    return f"Horizontal_Distance_To_{name}"


# Features that were tried on top of the schema's derived ones.
EXTRA: dict[str, tuple[Derived, ...]] = {
    "hypotenuse": (Derived("Hydrology", "hypot", (_distance("Hydrology"), "Vertical_Distance_To_Hydrology")),),
    "mean": (Derived("Mean_Distance", "mean", tuple(map(_distance, DISTANCES))),),
    "ratios": tuple(
        Derived(f"{above}_by_{below}", "ratio", (_distance(above), _distance(below)))
        for above, below in (("Hydrology", "Roadways"), ("Hydrology", "Fire_Points"), ("Roadways", "Fire_Points"))
    ),
    "aspect": (Derived("Sine", "sine", ("Aspect",)), Derived("Cosine", "cosine", ("Aspect",))),
}


@dataclass(frozen=True)
class Design:
    """What is the same for all models; 0 ``rows`` are all rows, and 0 ``rounds`` each variant's own number."""

    rows: int = 0
    rounds: int = 0
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True)
class Variant:
    """A preset with changes: hyperparameters by name, and features that differ from the preset's.

    ``features`` is ``derived``, ``plain``, or the key of ``EXTRA`` whose features are added.
    """

    preset: Preset = Preset.DEFAULT
    changes: Mapping[str, Any] = field(default_factory=dict)
    features: str = DERIVED

    def parameters(self, rounds: int) -> Hyperparameters:
        """Return the hyperparameters, with at most ``rounds`` rounds where that is not 0."""
        chosen = Hyperparameters(**presets.load(self.preset).parameters).with_values(self.changes)
        return replace(chosen, rounds=min(chosen.rounds, rounds or chosen.rounds))


def _thorough(**changes: Any) -> Variant:  # noqa: ANN401 - values of hyperparameters
    return Variant(Preset.THOROUGH, changes)


VARIANTS: dict[str, Variant] = {
    **{preset.value: Variant(preset) for preset in Preset},
    # `default`: how trees grow, how far a leaf may step, how many columns a node sees, how often is evaluated.
    "depth-wise": Variant(changes={"grow_policy": "depthwise", "max_depth": 16, "max_leaves": 0}),
    "no-delta-step": Variant(changes={"max_delta_step": 0.0}),
    "all-columns": Variant(changes={"colsample_bynode": 1.0}),
    "every-round": Variant(changes={"evaluate_every": 1}),
    # `thorough`: what else was tried.
    "thorough-delta-step-1": _thorough(max_delta_step=1.0),
    "thorough-2048-leaves": _thorough(max_leaves=2048, rounds=400),
    "thorough-fewer-rows": _thorough(subsample=0.6),
    "thorough-fewer-columns": _thorough(colsample_bynode=0.3),
    "thorough-heavy-leaves": _thorough(min_child_weight=1.0),
    # Features.
    PLAIN: Variant(features=PLAIN),
    **{name: Variant(features=name) for name in EXTRA},
}


def schema_with(features: str) -> Schema:
    """Return the bundled schema with the features of a variant."""
    schema = schemas.load(schemas.BUILTIN)
    return replace(schema, derived=(*schema.derived, *EXTRA.get(features, ())))


def feature_tables(folder: Path, cover_type: str, features: str, design: Design) -> dict[str, Path]:
    """Make the training and validation features of a cover type, and return their paths by part."""
    schema = schema_with(features)
    dataset = {cover_type: folder / "dataset.parquet"}
    prepare.prepare("builtin:", schema, dataset, Options(rows=design.rows))
    parts = {part: folder / f"{part}.parquet" for part in tables.SPLITS}
    splitting.split_dataset(dataset[cover_type], parts, seed=design.seed, fractions=FRACTIONS)
    made = {part: folder / f"{part}-features.parquet" for part in tables.SPLITS}
    preprocessing.preprocess(parts, made, PLAIN if features == PLAIN else DERIVED)
    return made


def judge(features: Mapping[str, Path], parameters: Hyperparameters, design: Design) -> list[str]:
    """Train one model and return its cells of the table: figures of the last round, on the validation rows."""
    options = {"max_bin": parameters.max_bin, "threads": design.threads}
    train = matrix.quantise(features["train"], **options)
    matrices = training.Matrices(train, matrix.quantise(features["validation"], **options, reference=train))
    clock = time.perf_counter()
    booster, curve = training.train(matrices, parameters, seed=design.seed, threads=design.threads)
    seconds = time.perf_counter() - clock
    labels, scores = matrices.validation.get_label().astype("u1"), booster.predict(matrices.validation)
    pr_auc, f1 = intervals.pr_auc(labels, scores), training.best_f1(labels, scores)
    return [
        f"{pr_auc.value:.4f} ({pr_auc.low:.4f} to {pr_auc.high:.4f})",
        f"{f1:.4f}",
        f"{curve.values['validation'][training.LOGLOSS][-1]:.4f}",
        str(curve.best_rounds),
        str(parameters.rounds),
        f"{seconds:.1f}",
    ]


def compare(cover_type: str, variants: Sequence[str], design: Design) -> Iterator[list[str]]:
    """Yield a row of the table for each variant; variants with the same features share one preparation."""
    for features in dict.fromkeys(VARIANTS[name].features for name in variants):
        with tempfile.TemporaryDirectory() as folder:
            made = feature_tables(Path(folder), cover_type, features, design)
            for name in variants:
                if VARIANTS[name].features == features:
                    yield [cover_type, name, *judge(made, VARIANTS[name].parameters(design.rounds), design)]


def main(  # noqa: PLR0913 - one argument an option
    *,
    cover_types: Annotated[str, typer.Option(help="Labels or slugs, separated by commas.")] = "2,4,5",
    variants: Annotated[str, typer.Option(help="Names of variants, separated by commas; empty for all.")] = "",
    rows: Annotated[int, typer.Option(min=0, help="Size of a proportional sample, 0 for all rows.")] = 0,
    rounds: Annotated[int, typer.Option(min=0, help="Largest number of rounds, 0 for the variant's own.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split and the training.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads XGBoost uses.")] = 1,
    show: Annotated[bool, typer.Option("--list", help="Print the variants and end.")] = False,
) -> None:
    """Compare variants of the presets on validation rows."""
    if show:
        for name, variant in VARIANTS.items():
            print(f"{name}: preset {variant.preset.value}, features {variant.features}, {dict(variant.changes)}")
        return
    chosen = [name for name in variants.split(",") if name] or list(VARIANTS)
    if unknown := [name for name in chosen if name not in VARIANTS]:
        raise typer.BadParameter(f"unknown variant {unknown[0]!r}, use some of {', '.join(VARIANTS)}")
    schema, design = schemas.load(schemas.BUILTIN), Design(rows, rounds, seed, threads)
    slugs = [schema.cover_type(key).slug for key in cover_types.split(",")]
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}")
    for slug in slugs:
        for cells in compare(slug, chosen, design):
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
