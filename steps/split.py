"""Split a dataset into train, validation and test by a hash of the feature values and the seed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steps import tables
from steps.core import runtime, storage
from steps.datasets import splitting
from steps.options.split import SplitOptions


def main(  # noqa: PLR0913 - one argument a file
    *,
    dataset: Annotated[Path, typer.Option(help="Dataset of one cover type, from prepare.")],
    train: Annotated[Path, typer.Option(help="Where the training rows go.")],
    validation: Annotated[Path, typer.Option(help="Where the validation rows go.")],
    test: Annotated[Path, typer.Option(help="Where the test rows go.")],
    options: SplitOptions,
    usage: runtime.UsageOption = None,
) -> None:
    """Split a dataset into train, validation and test."""
    outputs = dict(zip(tables.SPLITS, (train, validation, test), strict=True))
    with runtime.record_usage(usage, "split", inputs=[dataset], outputs=outputs.values(), options=options) as use:
        use.sha256 = {"dataset": storage.sha256_file(dataset)}
        counts = splitting.split_dataset(dataset, outputs, seed=options.seed, fractions=options.fractions)
        use.rows_in = use.rows_out = sum(part.rows for part in counts.values())
    runtime.log(", ".join(f"{name} {part.rows} rows ({part.positive} positive)" for name, part in counts.items()))


if __name__ == "__main__":
    runtime.run_and_exit(main)
