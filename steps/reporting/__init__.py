"""The report of a run: ``report.json`` and the HTML page."""

from steps.reporting.decision import with_decision
from steps.reporting.document import METRICS, build_document, summary_line, worst_class_line
from steps.reporting.inputs import read_json, read_model_outputs, read_usages
from steps.reporting.page import render
from steps.reporting.run_results import RunResults

__all__ = [
    "METRICS",
    "RunResults",
    "build_document",
    "read_json",
    "read_model_outputs",
    "read_usages",
    "render",
    "summary_line",
    "with_decision",
    "worst_class_line",
]
