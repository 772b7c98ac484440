"""The report of a run: ``report.json`` and the HTML page."""

from steps.reporting.decision import with_decision
from steps.reporting.document import METRICS, build_document, summary_line, worst_class_line
from steps.reporting.inputs import read_json, read_model_outputs, read_usages
from steps.reporting.page import render, report_digest_of
from steps.reporting.run_results import RunResults
from steps.reporting.section_data.intended_use import IntendedUse, intended_use

__all__ = [
    "METRICS",
    "IntendedUse",
    "RunResults",
    "build_document",
    "intended_use",
    "read_json",
    "read_model_outputs",
    "read_usages",
    "render",
    "report_digest_of",
    "summary_line",
    "with_decision",
    "worst_class_line",
]
