"""The files of a model bundle, their checksums, and the content of ``metadata.json``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from steps import schema as schemas
from steps.core import storage
from steps.core.errors import BadDataError, NoInputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from steps.schema import Schema

PREPROCESSOR, MODEL, METADATA = "preprocessor.skops", "model.ubj", "metadata.json"
FILES = (METADATA, PREPROCESSOR, MODEL)
_PREPARED = re.compile(r"models/forest(-\d+)?\.bin")
# The keys of ``metadata.json`` that the steps after training read, with their types.
_REQUIRED_FACTS: dict[str, type | tuple[type, ...]] = {
    "cover_type": str,
    "label": (int, str),
    "threshold": float,
    "features": list,
    "schema": str,
    "sha256": dict,
}


def prepared_name(number: int) -> str:
    """Return the name of the prepared forest of the models with the same features, in the folder of the bundles.

    Args:
        number: The position of these models among those with other features.
    """
    return "forest.bin" if not number else f"forest-{number + 1}.bin"


def is_scoring_file(name: str) -> bool:
    """Return whether a published file is needed to score rows: a file of a bundle, or a prepared forest."""
    return is_bundle_file(name) or is_prepared_forest(name)


def is_prepared_forest(name: str) -> bool:
    """Return whether a published file is a prepared forest, which can be made again from the bundles."""
    return _PREPARED.fullmatch(name) is not None


def is_bundle_file(name: str) -> bool:
    """Return whether a published file, such as ``models/aspen/model.ubj``, is a file of a bundle."""
    return name.rpartition("/")[2] in FILES


def check(folder: Path) -> dict[str, Any]:
    """Compare the checksums of a bundle's files, and return its metadata; errors as for ``models.bundle.read``."""
    for name in FILES:
        if not (folder / name).is_file():
            raise NoInputError(f"no {name}", where=str(folder), fix="give the folder of a model bundle")
    metadata = read_metadata(folder)
    for name in (PREPROCESSOR, MODEL):
        if storage.sha256_file(folder / name) != metadata["sha256"].get(name):
            what = "checksum does not match the metadata"
            raise BadDataError(what, where=str(folder / name), fix="train or fetch again")
    return metadata


def group_by_features(facts: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Return the slugs of models in groups with the same features; see :func:`prepared_name` for their numbers.

    Args:
        facts: The metadata of each model by slug, in the order of the schema.
    """
    groups: dict[str, list[str]] = {}
    for slug, each in facts.items():
        groups.setdefault(each["sha256"][PREPROCESSOR], []).append(slug)
    return list(groups.values())


def schema_of(metadata: Mapping[str, Any]) -> Schema:
    """Return the schema of the table that a bundle was trained on, from its metadata."""
    return schemas.from_json(metadata["schema"])


def read_metadata(folder: Path) -> dict[str, Any]:
    """Read ``metadata.json`` of a bundle; BadDataError names a key that is missing or has the wrong type."""
    path = folder / METADATA
    try:
        metadata: dict[str, Any] = storage.read_json(path)
        wrong = [name for name, kind in _REQUIRED_FACTS.items() if not isinstance(metadata.get(name), kind)]
        reason = f"{wrong[0]!r} is missing or wrong" if wrong else ""
    except (ValueError, AttributeError) as error:  # not JSON, or not an object
        reason = str(error)
    if reason:
        what = f"not a bundle's metadata ({reason})"
        raise BadDataError(what, where=str(path), fix="train or fetch again")
    return metadata
