"""Addresses in BigQuery: ``bq://project.dataset.table``, or ``bq://project`` for a query billed to that project."""

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
    """A table. For a query, ``dataset`` and ``table`` are empty, and an empty ``project`` means the default project."""

    project: str
    dataset: str = ""
    table: str = ""


def parse_address(uri: str, reading: Reading) -> Address:
    """Parse ``bq://project.dataset.table``, or with a query ``bq://project`` or ``bq://``.

    Raises:
        UsageError: The address has another form.
    """
    rest = uri.removeprefix(SCHEME)
    if reading.query:
        if not _PROJECT.fullmatch(rest) or _TABLE.fullmatch(rest):
            raise UsageError(f"{uri} is not a project", where="--source", fix=f"with --query use {SCHEME}PROJECT")
        return Address(rest)
    if not (found := _TABLE.fullmatch(rest)):
        fix = f"write {SCHEME}PROJECT.DATASET.TABLE, or give --query FILE"
        raise UsageError(f"{uri} is not a table", where="--source", fix=fix)
    return Address(found["project"], found["dataset"], found["table"])


def source_name(uri: str, reading: Reading) -> str:
    """Return the name of a source in messages."""
    return f"query {reading.query_name}".strip() if reading.query else uri
