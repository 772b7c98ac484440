"""Imports the shared modules of the steps, so that the fork server is as large as in a real run."""

from steps import tables
from steps.datasets import ingest, profile
from steps.models import bundle, intervals, matrix, training
from steps.reporting import charts, page
from steps.search import search
from steps.sources import files

__all__ = [
    "bundle",
    "charts",
    "files",
    "ingest",
    "intervals",
    "matrix",
    "page",
    "profile",
    "search",
    "tables",
    "training",
]
