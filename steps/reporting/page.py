"""The report as one static HTML page.

The page has no script and loads nothing: the user interface of Argo Workflows shows it under its content security
policy, and it can be sent by mail. Templates escape every value. Only plots are inserted as they are.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from steps.core import storage
from steps.reporting import formats, svg
from steps.reporting.section_data import curves, importances, intended_use, metrics, overview, rows, searches, usage

if TYPE_CHECKING:
    from jinja2 import Environment

    from steps.reporting.run_results import RunResults

_DIGEST = re.compile(r'<meta name="report-sha256" content="([0-9a-f]{64})">')
TEMPLATES = Path(__file__).parent / "templates"


def render(results: RunResults) -> str:
    """Return the page, without the sections that have nothing to show."""
    with svg.plot_defaults():
        views = {
            "overview": overview.overview(results),
            "intended_use": intended_use.intended_use(results.schema.name),
            "rows_used": rows.rows_used(results),
            "metrics": metrics.metrics_table(results),
            "confusion": metrics.confusion_matrix(results),
            "precision_recall": curves.precision_recall(results),
            "learning_curves": curves.learning_curves(results),
            "importances": importances.importances(results),
            "searches": searches.searches(results),
            "timeline": usage.timeline(results),
            "resource_usage": usage.resource_usage(results),
        }
    return environment().get_template("page.html").render(views, figures_sha256=_digest(results))


def report_digest_of(page: str) -> str:
    """Return the SHA-256 of the ``report.json`` that a page was made from; empty for a page of before."""
    found = _DIGEST.search(page)
    return found[1] if found else ""


def _digest(results: RunResults) -> str:
    """Return the SHA-256 that ``report.json`` will have."""
    text = storage.encode_json(results.document)
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()


@functools.cache
def environment() -> Environment:
    """Return the environment of the templates: values are escaped, and an undefined name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(formats.FILTERS)
    return made
