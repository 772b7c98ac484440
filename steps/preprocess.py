"""Fit the feature transformer on the training rows, and make the three feature tables with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steps import tables
from steps.core import runtime
from steps.models import bundle, preprocessing, presets
from steps.options.preprocess import FeatureSet, PreprocessOptions


def main(  # noqa: PLR0913 - one argument a file
    *,
    train: Annotated[Path, typer.Option(help="Training rows, from split.")],
    validation: Annotated[Path, typer.Option(help="Validation rows, from split.")],
    test: Annotated[Path, typer.Option(help="Test rows, from split.")],
    preprocessor: Annotated[Path, typer.Option(help="Where the fitted transformer goes (skops).")],
    train_features: Annotated[Path, typer.Option(help="Where the training features go.")],
    validation_features: Annotated[Path, typer.Option(help="Where the validation features go.")],
    test_features: Annotated[Path, typer.Option(help="Where the test features go.")],
    options: PreprocessOptions,
    usage: runtime.UsageOption = None,
) -> None:
    """Fit the feature transformer on the training rows, and make the three feature tables."""
    own = options.feature_set is not FeatureSet.PRESET
    chosen = options.feature_set.value if own else presets.load(options.preset).feature_set
    inputs = dict(zip(tables.SPLITS, (train, validation, test), strict=True))
    outputs = dict(zip(tables.SPLITS, (train_features, validation_features, test_features), strict=True))
    with runtime.record_usage(
        usage, "preprocess", inputs=inputs.values(), outputs=outputs.values(), options=options
    ) as use:
        transformer, rows = preprocessing.preprocess(inputs, outputs, chosen)
        bundle.write_preprocessor(preprocessor, transformer)
        use.rows_in = use.rows_out = rows
    runtime.log(f"{len(transformer.get_feature_names_out())} features ({chosen}) of {rows} rows")


if __name__ == "__main__":
    runtime.run_and_exit(main)
