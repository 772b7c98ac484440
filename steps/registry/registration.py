"""Put a run's models into a registry as a new version, and decide whether they become the champion.

A registry is ``gs://bucket/prefix`` or a folder. ``versions/VERSION`` holds the bundles with their metrics and the
report, and is published once, manifest last. ``aliases/candidate.json`` and ``aliases/champion.json`` name a version
each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.errors import BadDataError, UsageError
from steps.models import bundle
from steps.registry import publishing
from steps.registry.aliases import Move, move, move_champion
from steps.registry.manifest import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.registry.destinations import Destination
    from steps.registry.gate import Gate
    from steps.registry.publishing import Published


_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
# What the lineage takes from report.json's account of the data.
_DATA = ("source", "source_sha256", "data_sha256")
METRICS = "metrics.json"


@dataclass(frozen=True)
class Release:
    """What is to be registered: files by name, and the facts that go into the version's manifest."""

    version: str
    files: dict[str, Path]
    lineage: dict[str, Any]


def collect(
    version: str, models: Mapping[str, Path], metrics: Mapping[str, Path], report: Mapping[str, Path], revision: str
) -> Release:
    """Check that bundles, metrics and report belong together, and return them as a release.

    Args:
        version: the release's name.
        models: the bundles' folders by slug.
        metrics: the paths of ``metrics.json`` by slug.
        report: ``report.html`` and ``report.json`` by these names.
        revision: the code's revision, may be empty.

    Raises:
        UsageError: the version is no name, or the metrics are not one file a model.
        BadDataError: a file is damaged, or about another cover type, other data or another model.
    """
    if not _VERSION.fullmatch(version):
        raise UsageError(f"{version!r} is no version", where="--version", fix="use letters, digits and . _ -")
    if wrong := models.keys() ^ metrics.keys():
        raise UsageError(f"{min(wrong)!r} is not in both", where="--model and --metrics", fix="give both for each")
    document = _read(report["report.json"])
    if document.get("missing") or document.get("cover_types", {}).keys() != models.keys():
        what = f"the report is not about these {len(models)} models"
        raise BadDataError(what, where=str(report["report.json"]), fix="report on the models that are registered")
    cover_types = {slug: _facts(slug, models[slug], metrics[slug], document["data"]) for slug in models}
    files = {f"models/{slug}/{path.name}": path for slug in models for path in _bundle_files(models[slug])}
    files |= {f"models/{slug}/{METRICS}": path for slug, path in metrics.items()}
    lineage = {
        "version": version,
        **{fact: document["data"][fact] for fact in _DATA},
        "code_revision": revision,
        "accuracy": document["accuracy"],
        "macro_f1": document["macro_f1"],
        "cover_types": cover_types,
    }
    return Release(version, files | dict(report), lineage)


def _bundle_files(folder: Path) -> list[Path]:
    return [folder / name for name in (bundle.METADATA, bundle.MODEL, bundle.PREPROCESSOR)]


def _facts(slug: str, model: Path, metrics: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the lineage says of a model, after comparing the bundle's checksums."""
    metadata, judged = bundle.read(model).metadata, _read(metrics)
    if metadata["cover_type"] != slug:
        raise BadDataError(f"this is about cover type {metadata['cover_type']!r}, not {slug!r}", where=str(model))
    if metadata["data_sha256"] != data["data_sha256"]:
        raise BadDataError("this model is not from the report's data", where=str(model), fix="register one run's files")
    if (judged.get("cover_type"), judged.get("threshold")) != (slug, metadata["threshold"]):
        raise BadDataError("these are another model's metrics", where=str(metrics), fix="register one run's files")
    return {
        **{fact: metadata[fact] for fact in ("label", "seed", "threshold", "code_sha256", "libraries")},
        **{fact: judged[fact] for fact in ("rows", "support")},
        "pr_auc": judged["metrics"]["pr_auc"]["value"],
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        document = storage.read_json(path)
    except ValueError as error:
        raise BadDataError(f"not JSON ({error})", where=str(path), fix="run the step that makes it again") from None
    if not isinstance(document, dict):
        raise BadDataError("not a JSON object", where=str(path), fix="run the step that makes it again")
    return document


def register(release: Release, registry: Destination, gate: Gate) -> dict[str, Any]:
    """Publish a release, move the aliases, and return what ``--registration`` holds.

    Registering the same again changes no version; the aliases are looked at again.

    Raises:
        AlreadyExistsError: the registry holds this version with other content.
        TransientError: the service failed, or others kept moving the aliases.
    """
    done = publishing.publish(release.files, registry.below(f"versions/{release.version}"), release.lineage)
    candidate = move(registry, "candidate", release.version)
    champion = move_champion(registry, release.lineage, gate)
    return _registration(release.version, registry.location, done, {"candidate": candidate, "champion": champion})


def _registration(version: str, registry: str, done: Published, moves: Mapping[str, Move]) -> dict[str, Any]:
    manifest = done.manifest
    return {
        "version": version,
        "registry": registry,
        "already": done.already,
        "manifest": {"uri": f"{manifest.location}/{MANIFEST}", "generation": manifest.generation},
        "files": [
            {"name": entry.name, "uri": manifest.uri(entry), "generation": entry.generation, "sha256": entry.sha256}
            for entry in manifest.files
        ],
        "aliases": {name: move.to_dict() for name, move in moves.items()},
    }


def summarise(registration: Mapping[str, Any]) -> str:
    """Return the line that says what was registered where, and who is the champion."""
    version, champion = registration["version"], registration["aliases"]["champion"]
    state = "is now champion" if champion["moved"] else "is champion"
    if champion["version"] != version:
        state = f"not champion, {champion['version']} stays"
    done = "was registered already" if registration["already"] else "registered"
    return f"{version} {done} in {registration['registry']}, {state}: {champion['reason']}"
