"""The top of the report: what was run, whether a cover type is missing, and the main metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.reporting.run_results import CoverTypeName, RunResults

_SHOWN_DIGITS = 12  # of a SHA-256


@dataclass(frozen=True)
class Headline:
    """A metric over all models, with its 95% interval; None if it is not defined."""

    title: str
    value: float | None
    interval: Sequence[float] | None


@dataclass(frozen=True)
class Weakest:
    """The model with the lowest F1."""

    name: CoverTypeName
    f1: float


@dataclass(frozen=True)
class Overview:
    """View data of ``header.html``, ``banner.html`` and ``headlines.html``.

    Attributes:
        schema: name of the schema.
        run: name of the run that made the report, which may be empty.
        source: source of the rows.
        rows: number of rows that were used.
        data_sha256: first digits of the hash of these rows.
        seed: seed of the run.
        preset: preset of the run, which may be empty.
        missing: titles of the cover types without metrics.
        requested: number of cover types that the run was asked for.
        cover_types: number of cover types in the schema.
        headlines: metrics over all models.
        weakest: model with the lowest F1, None if no model was evaluated.
        test_rows: number of test rows of a model, None if no model was evaluated.
    """

    schema: str
    run: str
    source: str
    rows: int
    data_sha256: str
    seed: int
    preset: str
    missing: Sequence[str]
    requested: int
    cover_types: int
    headlines: Sequence[Headline]
    weakest: Weakest | None
    test_rows: int | None


def overview(results: RunResults) -> Overview:
    """Return the top of the report."""
    document, data = results.document, results.document["data"]
    titles = {"accuracy": f"{len(results.schema.cover_types)}-way accuracy", "macro_f1": "Macro F1"}
    entries = document["cover_types"]
    lowest = min(results.evaluated, key=lambda cover_type: entries[cover_type.slug]["f1"], default=None)
    return Overview(
        schema=results.schema.name,
        run=results.run,
        source=str(data["source"]),
        rows=data["rows"],
        data_sha256=str(data["data_sha256"])[:_SHOWN_DIGITS],
        seed=results.seed,
        preset=results.preset,
        missing=[each.title for each in results.requested if each.slug not in results.metrics],
        requested=len(results.requested),
        cover_types=len(results.schema.cover_types),
        headlines=[Headline(title, document[key], document[f"{key}_interval"]) for key, title in titles.items()],
        weakest=Weakest(results.name(lowest), entries[lowest.slug]["f1"]) if lowest else None,
        test_rows=entries[lowest.slug]["rows"] if lowest else None,
    )
