"""The model card of a version: what its models are for, how good they are, and where they came from.

It follows the conventions of Hugging Face (https://huggingface.co/docs/hub/model-cards): a block of YAML with metadata
before the text. It is rendered from the lineage, the report and the test scores, and from nothing else.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.provenance import card_figures
from steps.registry.paths import CARD
from steps.reporting import intended_use

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

    from steps.comparison.scores import TestScores
    from steps.schema import Schema

TEMPLATES = Path(__file__).parent / "templates"
# Metrics of each model that the card shows: key in report.json and heading.
_SHOWN = {"f1": "F1", "precision": "Precision", "recall": "Recall", "pr_auc": "PR-AUC", "log_loss": "Log loss"}
# Characters with a meaning in Markdown or HTML.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def render_card(
    lineage: Mapping[str, Any], report: Mapping[str, Any], schema: Schema, scores: TestScores | None
) -> str:
    """Return the model card.

    Args:
        lineage: The lineage of the version.
        report: The content of ``report.json``.
        schema: The schema of the table.
        scores: The scores of the test rows; None leaves out slices and calibration.
    """
    texts = intended_use(schema.name)
    view = {
        "lineage": lineage,
        "report": report,
        "data": report["data"],
        "texts": texts,
        "title": texts.title or f"Classes of the table {schema.name}",
        "metadata": _metadata(lineage, report, schema),
        "shown": _SHOWN,
        "slices": card_figures.slice_accuracies(scores) if scores else [],
        "calibration": card_figures.calibration_error(scores) if scores else None,
        "bins": card_figures.BINS,
        "resamples": card_figures.RESAMPLES,
        "cover_types": report["cover_types"],
        "test_rows": max((entry["rows"] for entry in report["cover_types"].values()), default=0),
        "seeds": sorted({entry["seed"] for entry in lineage["cover_types"].values()}),
        "code": sorted({entry["code_sha256"] for entry in lineage["cover_types"].values()}),
        "libraries": next(iter(lineage["cover_types"].values()))["libraries"],
    }
    return _environment().get_template(CARD).render(view)


def _metadata(lineage: Mapping[str, Any], report: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return the block of metadata: https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    joint = {"accuracy": report["accuracy"], "f1": report["macro_f1"]}
    names = {"accuracy": "Accuracy of the highest score", "f1": "Macro F1"}
    metrics = [
        {"type": kind, "name": names[kind], "value": value} for kind, value in joint.items() if value is not None
    ]
    result = {
        "task": {"type": "tabular-classification"},
        "dataset": {
            "name": schema.name,
            "type": schema.name.lower(),
            "revision": lineage["data_sha256"],
            "split": "test",
        },
        "metrics": metrics,
    }
    return {
        "library_name": "xgboost",
        "pipeline_tag": "tabular-classification",
        "tags": ["tabular-classification", "xgboost", "one-vs-rest"],
        "metrics": ["accuracy", "f1"],
        "model-index": [{"name": lineage["version"], "results": [result]}],
    }


@functools.cache
def _environment() -> Environment:
    """Return the environment of the template. Values are escaped by its filters, for Markdown instead of HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701 - the output is Markdown; ``md`` escapes
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"md": escape_markdown, "yaml": _to_yaml, "estimate": _estimate, "number": _number}
    return made


def escape_markdown(value: object) -> str:
    """Return a text on one line in which no character has a meaning in Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(value).split())).replace("&", "&amp;")


def _to_yaml(value: object) -> str:
    """Return a value as JSON on one line, which is YAML too."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"


def _estimate(value: float | None, interval: Sequence[float] | None) -> str:
    """Return a value with its 95% interval."""
    return _number(value) if interval is None else f"{_number(value)} ({interval[0]:.4f} to {interval[1]:.4f})"
