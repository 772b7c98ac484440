"""What drifted, as a static HTML page in the style of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.drift import findings, statistics
from steps.reporting.page import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

PREDICTED = "predicted shares"


def render(document: Mapping[str, Any], *, models: str, source: str) -> str:
    """Return the page.

    Args:
        document: The result of ``findings.measure``.
        models: The name of the models.
        source: The name of the rows that were scored.
    """
    entries = [*document["columns"].items()]
    entries += [(PREDICTED, document["predicted"])] if document["predicted"] else []
    rank = statistics.LEVELS.index
    ordered = sorted(entries, key=lambda each: (-rank(each[1]["level"]), -(each[1]["psi"] or 0)))
    rows = [{"name": name, **entry, "widest": _widest(entry)} for name, entry in ordered]
    return (
        environment()
        .get_template("drift.html")
        .render(
            models=models,
            source=source,
            count=document["rows"],
            level=document["level"],
            too_few=document["level"] == findings.TOO_FEW,
            least=findings.LEAST_ROWS,
            entries=rows,
            psi_limits=statistics.PSI_LIMITS,
            ks_limits=statistics.KS_LIMITS,
        )
    )


def _widest(entry: Mapping[str, Any]) -> float:
    """Return the largest share of a bin, to which the bars of a column are drawn."""
    return max((max(each["training"], each["input"]) for each in entry["bins"]), default=1.0) or 1.0
