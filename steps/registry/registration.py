"""Register the models of a run as a new version of a registry, and let the gate decide whether it becomes champion.

A registry is ``gs://bucket/prefix``, ``s3://bucket/prefix`` or a folder. ``versions/VERSION`` contains the bundles
with their metrics, the report, the profile and the test scores, and is published once, with its manifest last.
``aliases/candidate.json`` and ``aliases/champion.json`` each name a version. ``decisions/VERSION/N.json`` are the
decisions about a version.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.bundles import folder as bundle_folder
from steps.core import storage
from steps.core.errors import BadDataError, UsageError
from steps.models import bundle
from steps.registry import champion, publishing
from steps.registry.aliases import CANDIDATE, CHAMPION, move_alias
from steps.registry.lineage import run_facts
from steps.registry.manifest import MANIFEST
from steps.registry.paths import PROFILE, REPORT_JSON, is_valid_name, metrics_path, version_path
from steps.tables import fingerprints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.comparison.policy import Policy
    from steps.comparison.reference import ReferenceTable
    from steps.registry.aliases import AliasMove
    from steps.registry.champion import Outcome
    from steps.registry.destinations import Destination
    from steps.registry.publishing import Published

# The keys of ``data`` in report.json that are part of the lineage.
_DATA_KEYS = ("source", "source_sha256", "data_sha256")


@dataclass(frozen=True)
class Release:
    """A version before it is registered.

    Attributes:
        version: The name of the version.
        files: The files to publish by name.
        lineage: The metadata of the version's manifest: data, code, and the facts about each model.
    """

    version: str
    files: dict[str, Path]
    lineage: dict[str, Any]


def collect_release(
    version: str, models: Mapping[str, Path], metrics: Mapping[str, Path], documents: Mapping[str, Path], revision: str
) -> Release:
    """Check that bundles, metrics, report and profile belong together, and return them as a release.

    Args:
        version: The name of the version.
        models: The folders of the bundles by slug.
        metrics: The ``metrics.json`` of each model by slug.
        documents: ``report.html``, ``report.json``, ``profile.json`` and further files of the run by these names.
        revision: The revision of the code; may be empty.

    Raises:
        UsageError: The version is not a valid name, or there is not one metrics file for each model.
        BadDataError: A file is damaged, or belongs to another cover type, other data or another model.
    """
    if not is_valid_name(version):
        raise UsageError(f"{version!r} is not a version", where="--version", fix="use letters, digits and . _ -")
    if wrong := models.keys() ^ metrics.keys():
        raise UsageError(f"{min(wrong)!r} is not in both", where="--model and --metrics", fix="give both for each")
    document = _read_json_object(documents[REPORT_JSON])
    if _read_json_object(documents[PROFILE]).get("data_sha256") != document["data"]["data_sha256"]:
        what = "the profile is not of the data of the report"
        raise BadDataError(what, where=str(documents[PROFILE]), fix="register the files of one run")
    record = _describe_record(documents.get(fingerprints.FILE), document["data"]["data_sha256"])
    if document.get("missing") or document.get("cover_types", {}).keys() != models.keys():
        what = f"the report is not about these {len(models)} models"
        raise BadDataError(what, where=str(documents[REPORT_JSON]), fix="give the report of the models to register")
    cover_types = {slug: _model_facts(slug, models[slug], metrics[slug], document["data"]) for slug in models}
    files = {f"models/{slug}/{path.name}": path for slug in models for path in _bundle_files(models[slug])}
    files |= {metrics_path(slug): path for slug, path in metrics.items()}
    lineage = {
        "version": version,
        **{key: document["data"][key] for key in _DATA_KEYS},
        "code_revision": revision,
        **run_facts(document),
        "accuracy": document["accuracy"],
        "macro_f1": document["macro_f1"],
        **record,
        "cover_types": cover_types,
    }
    return Release(version, files | dict(documents), lineage)


def _describe_record(path: Path | None, data_sha256: str) -> dict[str, Any]:
    """Return the entry of the fingerprints in the lineage, after checking that they belong to the data."""
    if path is None:
        return {}
    found = fingerprints.read_fingerprints(path)
    if found.data_sha256 != data_sha256:
        what = "the fingerprints are not of the data of the report"
        raise BadDataError(what, where=str(path), fix="register the files of one run")
    return {"row_fingerprints": {"distinct": len(found.values), "complete": found.complete}}


def _bundle_files(folder: Path) -> list[Path]:
    return [folder / name for name in bundle_folder.FILES]


def _model_facts(slug: str, model: Path, metrics: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a model in the lineage, after checking that its files belong together."""
    metadata, measured = bundle.read(model).metadata, _read_json_object(metrics)
    fix = "register the files of one run"
    if metadata["cover_type"] != slug:
        raise BadDataError(f"this is about cover type {metadata['cover_type']!r}, not {slug!r}", where=str(model))
    if metadata["data_sha256"] != data["data_sha256"]:
        raise BadDataError("this model was not trained on the data of the report", where=str(model), fix=fix)
    if (measured.get("cover_type"), measured.get("threshold")) != (slug, metadata["threshold"]):
        raise BadDataError("these are the metrics of another model", where=str(metrics), fix=fix)
    return {
        **{fact: metadata[fact] for fact in ("label", "seed", "threshold", "code_sha256", "libraries")},
        **{fact: measured[fact] for fact in ("rows", "support")},
        "pr_auc": measured["metrics"]["pr_auc"]["value"],
    }


def _read_json_object(path: Path) -> dict[str, Any]:
    try:
        document = storage.read_json(path)
    except ValueError as error:
        raise BadDataError(f"not JSON ({error})", where=str(path), fix="run the step that makes it again") from None
    if not isinstance(document, dict):
        raise BadDataError("not a JSON object", where=str(path), fix="run the step that makes it again")
    return document


def register(
    release: Release, registry: Destination, policy: Policy, reference: ReferenceTable | None = None
) -> dict[str, Any]:
    """Publish a release and move the aliases.

    Registering the same release again does not change the version. The aliases are moved again if necessary.

    Args:
        release: The release.
        registry: The registry.
        policy: The conditions for a new champion.
        reference: The table whose rows decide; None for the test rows that the versions have in common.

    Returns:
        The content of ``registration.json``.

    Raises:
        AlreadyExistsError: The registry has this version with other content.
        TransientError: The service failed, or others kept moving the aliases.
    """
    done = publishing.publish(release.files, registry.below(version_path(release.version)), release.lineage)
    candidate = move_alias(registry, CANDIDATE, release.version)
    request = champion.Request(release.version, policy, scores=release.files.get(champion.SCORES), reference=reference)
    return _describe_registration(
        release.version, registry.location, done, candidate, champion.promote(registry, request)
    )


def _describe_registration(
    version: str, registry: str, done: Published, candidate: AliasMove, outcome: Outcome
) -> dict[str, Any]:
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
        "aliases": {CANDIDATE: candidate.to_dict(), CHAMPION: outcome.move.to_dict()},
        "decision": outcome.decision.to_dict() if outcome.decision else None,
    }


def summarise(registration: Mapping[str, Any]) -> str:
    """Return the line about a registration that the log and the Argo UI display.

    Args:
        registration: The result of :func:`register`.
    """
    version, alias = registration["version"], registration["aliases"][CHAMPION]
    state = "is now champion" if alias["moved"] else "is champion"
    if alias["version"] != version:
        state = f"not champion, {alias['version']} stays" if alias["version"] else "not champion, there is none"
    done = "was registered already" if registration["already"] else "registered"
    return f"{version} {done} in {registration['registry']}, {state}: {alias['reason']}"
