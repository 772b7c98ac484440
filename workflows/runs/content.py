"""What stands for the content of a source, which a step reads by its address: equal content, equal digest."""

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


def content_of(name: str, inputs: Values) -> str:
    """Return the digest of what the parameter ``name`` refers to, wherever it lies; of a remote table its version.

    What cannot be read, and what may give other rows each time it is read, has a digest that no other read has: the
    step runs, and says what is wrong if something is.
    """
    try:
        address = uris.parse(inputs.parameters[name])
        remote = address.kind in (uris.BUCKET, uris.TABLE)
        return (_version(address.text, inputs) if remote else _digest(address)) or secrets.token_hex()
    except (PipelineError, OSError):
        return secrets.token_hex()


def _digest(address: uris.Uri) -> str:
    """Return the digests of the files on this machine that a source is; nothing where there is none."""
    if address.kind == uris.BUILTIN:
        files = list(Path(__file__).parents[2].glob("steps/data/*.parquet"))
    else:
        path = address.path
        files = [path] if path.exists() else list(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return ",".join(storage.sha256_file(file) for file in sorted(files))


def _version(uri: str, inputs: Values) -> str | None:
    """Return the version of what lies in BigQuery or Cloud Storage, whose libraries are imported only for it."""
    from steps.io import version_of

    given, query = inputs.parameters, inputs.artifacts.get("query")
    chosen = reading.Reading(
        query=query.read_text(encoding="utf-8").strip() if query else "",
        query_name="query.sql",
        snapshot=parse_time(given.get("snapshot-time", "")),
        location=given.get("location", ""),
    )
    return version_of(uri, chosen)
