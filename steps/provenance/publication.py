"""The links of the registry: the manifest of a version, and the aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps.bundles import folder as bundle
from steps.comparison.scores import FILE as SCORES
from steps.core.errors import BadDataError, NoInputError
from steps.provenance.links import Link, make_link
from steps.registry import aliases, decisions
from steps.registry.manifest import MANIFEST
from steps.registry.paths import CARD, METRICS, PROFILE, REPORT_HTML, REPORT_JSON, version_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steps.provenance.evidence import Evidence
    from steps.registry.aliases import Alias
    from steps.registry.destinations import Destination

_OF_MODEL = (*bundle.FILES, METRICS)


def manifest_link(evidence: Evidence) -> Link:
    """Compare the lineage in the manifest with the version's name, and the list of files with what a version has."""
    problems = []
    if evidence.lineage.get("version") != evidence.name:
        problems.append(f"the lineage is that of version {evidence.lineage.get('version')!r}")
    listed = evidence.paths.keys() | evidence.problems.keys()
    stated = sorted(evidence.lineage.get("cover_types", {}))
    if stated != evidence.slugs:
        problems.append(f"the lineage has the cover types {', '.join(stated)}, the files {', '.join(evidence.slugs)}")
    wanted = {REPORT_JSON, REPORT_HTML, *(f"models/{slug}/{name}" for slug in evidence.slugs for name in _OF_MODEL)}
    problems += [f"{name} is not listed" for name in sorted(wanted - listed)]
    of_other_links = {*wanted, PROFILE, SCORES, CARD}
    problems += [f"{name}: {what}" for name, what in evidence.problems.items() if name not in of_other_links]
    return make_link("manifest", problems, f"{len(listed)} files, each with its digest")


def aliases_link(registry: Destination, version: str) -> Link:
    """Check that every alias names a version of the registry, and say which of them name this one."""
    problems: list[str] = []
    names: list[str] = []
    for alias in (aliases.CANDIDATE, aliases.CHAMPION):
        try:
            found = aliases.read_alias(registry, alias)
            problems += _wrong_alias(registry, alias, found) if found else []
        except (BadDataError, NoInputError) as error:
            problems.append(f"{alias}: {error.what}")
            continue
        if found and found.version == version:
            names.append(alias)
    return make_link("aliases", problems, ", ".join(names) or "none names this version")


def _wrong_alias(registry: Destination, name: str, alias: Alias) -> Iterator[str]:
    """Yield what is wrong with an alias: it names no version, or its decision is about another one or is missing."""
    if registry.read(f"{version_path(alias.version)}/{MANIFEST}") is None:
        yield f"{name} names {alias.version!r}, which is no version of this registry"
    if alias.decision:
        about = {each.path: each for each in decisions.list_decisions(registry, alias.version)}
        decision = about.get(alias.decision)
        if decision is None:
            yield f"{name} names {alias.version!r}, but its decision {alias.decision} is not about that version"
        elif not decision.document["promotes"]:
            yield f"{name} names {alias.version!r}, which the decision {alias.decision} did not promote"
