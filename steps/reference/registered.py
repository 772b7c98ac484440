"""Open the reference table of a registry's gate, with the schema of one of its versions."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from steps.bundles import folder as bundle
from steps.core import storage
from steps.core.errors import BadDataError
from steps.reference.table import open_table
from steps.registry.paths import version_path
from steps.registry.versions import read_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steps.reference.table import OpenTable
    from steps.registry.destinations import Destination
    from steps.schema import Schema


@contextmanager
def open_for_version(location: str, registry: Destination, version: str) -> Iterator[OpenTable | None]:
    """Open a reference table to judge a version of a registry; None if the address is empty.

    Args:
        location: The address of the table; empty for none.
        registry: The registry.
        version: The name of the version.

    Raises:
        NoInputError: There is no such version.
        BadDataError: The version is damaged, or the table has no labels or other columns.
        PipelineError: As for ``steps.io.open_source``.
    """
    if not location:
        yield None
        return
    with open_table(location, schema_of_version(registry, version)) as table:
        yield table


def schema_of_version(registry: Destination, version: str) -> Schema:
    """Return the schema in the metadata of a version's models.

    Raises:
        NoInputError: There is no such version, or the file is gone.
        BadDataError: The version is damaged, or has no models.
    """
    manifest = read_version(registry, version)
    names = (f"models/{slug}/{bundle.METADATA}" for slug in manifest.metadata["cover_types"])
    entries = {entry.name: entry for entry in manifest.files}
    entry = next((entries[name] for name in names if name in entries), None)
    if entry is None:
        raise BadDataError(f"version {version!r} has no models", where=manifest.location, fix="register the run again")
    with tempfile.TemporaryDirectory(prefix="covertype-schema-") as folder:
        path = Path(folder) / bundle.METADATA
        registry.below(version_path(version)).download(entry, path)
        return bundle.schema_of(storage.read_json(path))
