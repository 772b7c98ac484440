"""The steps' shared modules: a fork server that has imported this one is as large as a real run's."""

from steps import bundle, charts, ingest, matrix, metrics, profile, report_page, search, sources, tables, training

__all__ = [
    "bundle",
    "charts",
    "ingest",
    "matrix",
    "metrics",
    "profile",
    "report_page",
    "search",
    "sources",
    "tables",
    "training",
]
