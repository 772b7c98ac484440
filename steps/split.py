"""Split a dataset into train, validation and test by a hash of the feature values and the seed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steps import tables
from steps.core import runtime
from steps.datasets import splitting
from steps.models.hyperparameters import LARGEST_SEED


def main(  # noqa: PLR0913 - one argument an option
    *,
    dataset: Annotated[Path, typer.Option(help="Dataset of one cover type, from prepare.")],
    train: Annotated[Path, typer.Option(help="Where the training rows go.")],
    validation: Annotated[Path, typer.Option(help="Where the validation rows go.")],
    test: Annotated[Path, typer.Option(help="Where the test rows go.")],
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the hash.")] = 0,
    train_fraction: Annotated[float, typer.Option(help="Share of the training rows.")] = 0.64,
    validation_fraction: Annotated[float, typer.Option(help="Share of the validation rows.")] = 0.16,
    test_fraction: Annotated[float, typer.Option(help="Share of the test rows.")] = 0.20,
    usage: runtime.UsageOption = None,
) -> None:
    """Split a dataset into train, validation and test."""
    outputs = dict(zip(tables.SPLITS, (train, validation, test), strict=True))
    with runtime.record_usage(usage, "split", inputs=[dataset], outputs=outputs.values()) as use:
        fractions = (train_fraction, validation_fraction, test_fraction)
        counts = splitting.split_dataset(dataset, outputs, seed=seed, fractions=fractions)
        use.rows_in = use.rows_out = sum(part.rows for part in counts.values())
    runtime.log(", ".join(f"{name} {part.rows} rows ({part.positive} positive)" for name, part in counts.items()))


if __name__ == "__main__":
    runtime.run_and_exit(main)
