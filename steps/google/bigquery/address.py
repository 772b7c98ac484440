"""Addresses of BigQuery: ``bq://project.dataset.table``, or ``bq://project`` with a query that it is billed for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core.errors import UsageError
from steps.sources.reading import SCHEME

if TYPE_CHECKING:
    from steps.sources.reading import Reading

_TABLE = re.compile(r"(?P<project>[^/`]+)\.(?P<dataset>\w+)\.(?P<table>[^./`$@*]+)")
_PROJECT = re.compile(r"[a-z0-9.:-]*")


@dataclass(frozen=True)
class Address:
    """A table, or with empty ``dataset`` and ``table`` a project that queries are billed to (empty: the default)."""

    project: str
    dataset: str = ""
    table: str = ""


def parse(uri: str, reading: Reading) -> Address:
    """Parse ``bq://project.dataset.table``, or ``bq://project`` and ``bq://`` with a query; UsageError for others."""
    rest = uri.removeprefix(SCHEME)
    if reading.query:
        if not _PROJECT.fullmatch(rest) or _TABLE.fullmatch(rest):
            raise UsageError(f"{uri} is no project", where="--source", fix=f"with --query say {SCHEME}PROJECT")
        return Address(rest)
    if not (found := _TABLE.fullmatch(rest)):
        fix = f"write {SCHEME}PROJECT.DATASET.TABLE, or give --query FILE"
        raise UsageError(f"{uri} is no table", where="--source", fix=fix)
    return Address(found["project"], found["dataset"], found["table"])


def name_of(uri: str, reading: Reading) -> str:
    """Return what messages call a source."""
    return f"query {reading.query_name}".strip() if reading.query else uri
