"""Computes a digest of the content of a source, which stands for the source in the cache key of a step.

A step reads a source by its address, and the content at an address may change.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from steps.core import storage, uris
from steps.core.errors import PipelineError
from steps.core.times import parse_time
from steps.sources import reading

if TYPE_CHECKING:
    from workflows.local.nodes import Values


def source_digest(name: str, inputs: Values) -> str:
    """Return a digest of the content of a source; equal content has an equal digest.

    Args:
        name: name of the parameter with the address of the source.
        inputs: inputs of the step.

    Returns:
        Digest of local files, or version of a remote source. A source that cannot be read, and a query that may return
        different rows each time, have a random digest, so that the step runs and reports any error itself.
    """
    try:
        address = uris.parse(inputs.parameters[name])
        remote = address.kind in (*uris.BUCKETS, uris.TABLE)
        return (_remote_version(address.text, inputs) if remote else _files_digest(address)) or secrets.token_hex()
    except (PipelineError, OSError):
        return secrets.token_hex()


def _files_digest(address: uris.Uri) -> str:
    """Return the digests of the files of a local source, separated by commas; empty where there is none."""
    if address.kind == uris.BUILTIN:
        files = list(Path(__file__).parents[2].glob("steps/data/*.parquet"))
    else:
        path = address.path
        files = [path] if path.exists() else list(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return ",".join(storage.sha256_file(file) for file in sorted(files))


def _remote_version(uri: str, inputs: Values) -> str | None:
    """Return the version of a source in BigQuery or in a bucket; None where it has none.

    The clients of remote stores are imported here only, because they are slow to import.
    """
    from steps.io import version_of

    given, query = inputs.parameters, inputs.artifacts.get("query")
    wanted = reading.Reading(
        query=query.read_text(encoding="utf-8").strip() if query else "",
        query_name="query.sql",
        snapshot=parse_time(given.get("snapshot-time", "")),
        location=given.get("location", ""),
    )
    return version_of(uri, wanted)
