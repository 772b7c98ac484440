"""The steps' shared modules: a fork server that has imported this one is as large as a real run's."""

from steps import tables
from steps.datasets import ingest, profile
from steps.models import bundle, matrix, metrics, training
from steps.reporting import charts, page
from steps.search import search
from steps.sources import files

__all__ = [
    "bundle",
    "charts",
    "files",
    "ingest",
    "matrix",
    "metrics",
    "page",
    "profile",
    "search",
    "tables",
    "training",
]
