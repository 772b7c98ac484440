"""The manifest and the aliases of a version."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from steps.io import open_destination
from steps.provenance import publication
from steps.provenance.evidence import Evidence, collect_version
from steps.provenance.links import State
from steps.registry import publishing
from tests.registered_run import VERSION, change_json, register_run

if TYPE_CHECKING:
    from pathlib import Path


def collect(registry: Path, folder: Path) -> Evidence:
    destination = open_destination(str(registry))
    manifest = publishing.read_manifest(destination.below(f"versions/{VERSION}"))
    return collect_version(destination, VERSION, manifest, folder)


def test_the_manifest(registry: Path, tmp_path: Path) -> None:
    evidence = collect(registry, tmp_path / "files")
    assert publication.manifest_link(evidence).state is State.OK
    moved = dataclasses.replace(evidence, name="other")
    assert publication.manifest_link(moved).detail == f"the lineage is that of version {VERSION!r}"
    without = {name: path for name, path in evidence.paths.items() if name != "models/aspen/metrics.json"}
    link = publication.manifest_link(dataclasses.replace(evidence, paths=without))
    assert link.detail == "models/aspen/metrics.json is not listed"
    fewer = dataclasses.replace(evidence, lineage={**evidence.lineage, "cover_types": {}})
    assert publication.manifest_link(fewer).state is State.BROKEN


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "does not name a version"),
        ('{"version": "gone"}', "no version of this registry"),
    ],
)
def test_an_alias_that_names_nothing(registry: Path, text: str, words: str) -> None:
    (registry / "aliases" / "candidate.json").write_text(text)
    link = publication.aliases_link(open_destination(str(registry)), VERSION)
    assert (link.state, words in link.detail) == (State.BROKEN, True), link


def test_an_alias_that_names_another_version_than_its_decision(registry: Path, finished: Path) -> None:
    register_run(finished, registry, "v2")
    destination = open_destination(str(registry))
    assert publication.aliases_link(destination, "v2").detail == "candidate"
    change_json(registry / "aliases" / "champion.json", version="v2")
    link = publication.aliases_link(destination, "v2")
    assert (link.state, "is not about that version" in link.detail) == (State.BROKEN, True), link


def test_a_decision_that_did_not_promote(registry: Path) -> None:
    alias = json.loads((registry / "aliases" / "champion.json").read_text())
    change_json(registry / alias["decision"], promotes=False)
    link = publication.aliases_link(open_destination(str(registry)), VERSION)
    assert (link.state, "did not promote" in link.detail) == (State.BROKEN, True), link
