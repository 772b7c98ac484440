"""Judge a model on the test rows, which nothing before this step has looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steps.core import runtime, storage
from steps.models import bundle, evaluation
from steps.options.evaluate import EvaluateOptions


def main(  # noqa: PLR0913 - one argument a file
    *,
    model: Annotated[Path, typer.Option(help="Model bundle, from train.")],
    test_features: Annotated[Path, typer.Option(help="Test features, from preprocess.")],
    scores: Annotated[
        Path, typer.Option(help="Where the scored rows go (parquet: row, label, score, hash and parts of each row).")
    ],
    metrics: Annotated[Path, typer.Option(help="Where the metrics go (JSON).")],
    options: EvaluateOptions,
    summary: Annotated[Path | None, typer.Option(help="Where a line with the main metrics goes.")] = None,
    f1: runtime.ValueOption = None,
    pr_auc: runtime.ValueOption = None,
    usage: runtime.UsageOption = None,
) -> None:
    """Judge a model on the test rows."""
    with runtime.record_usage(
        usage, "evaluate", inputs=[model, test_features], outputs=[scores], options=options
    ) as use:
        read = bundle.read(model)
        scored = evaluation.score_rows(read, test_features, scores, threads=options.threads)
        result = evaluation.compute_metrics(read, scored)
        use.rows_in = use.rows_out = result["rows"]
    values = {name: estimate["value"] for name, estimate in result["metrics"].items()}
    line = f"F1 {values['f1']:.4f}, PR-AUC {values['pr_auc']:.4f}, accuracy {values['accuracy']:.4f}"
    runtime.record_values((summary, line), (f1, f"{values['f1']:.4f}"), (pr_auc, f"{values['pr_auc']:.4f}"))
    # Last, because the report takes a cover type for evaluated where this file exists.
    storage.write_json(metrics, result)
    runtime.log(line)


if __name__ == "__main__":
    runtime.run_and_exit(main)
