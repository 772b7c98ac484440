"""BigQuery as a source: tables and queries read as Arrow, jobs, and datasets prepared inside BigQuery."""

from steps.google.bigquery.address import Address, name_of, parse
from steps.google.bigquery.reader import needed, read, version_of

__all__ = ["Address", "name_of", "needed", "parse", "read", "version_of"]
