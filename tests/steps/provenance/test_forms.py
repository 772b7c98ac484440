"""Documents of another form; which link they break is in test_verification.py."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from steps.provenance import forms
from steps.provenance.evidence import Evidence, collect_version
from steps.registry.destinations import Folder
from steps.registry.versions import read_version
from tests.registered_run import SLUGS, VERSION

if TYPE_CHECKING:
    from pathlib import Path

SLUG = SLUGS[0]
METRICS = f"models/{SLUG}/metrics.json"
METADATA = f"models/{SLUG}/metadata.json"


@pytest.fixture(scope="module")
def stored(registered: Path, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """The files of a version, which tests leave as they are."""
    registry = Folder(registered)
    return collect_version(registry, VERSION, read_version(registry, VERSION), tmp_path_factory.mktemp("files"))


def test_what_this_project_writes_passes(stored: Evidence) -> None:
    assert forms.without_malformed(stored) == stored
    assert forms.find_lineage_problem(stored.lineage) == ""


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("report.json", ("data",), []),
        ("report.json", ("steps",), {}),
        ("report.json", ("steps", 0, "name"), None),
        ("report.json", ("steps", 0, "options"), {"a": 1}),
        ("report.json", ("cover_types", SLUG), 5),
        ("report.json", ("accuracy",), "high"),
        ("report.json", ("accuracy",), float("nan")),
        ("profile.json", ("data_sha256",), None),
        ("profile.json", ("datasets",), {"aspen": 1}),
        (METRICS, ("rows",), "many"),
        (METRICS, ("threshold",), True),
        (METRICS, ("confusion",), None),
        (METRICS, ("metrics", "f1"), None),
        (METRICS, ("metrics", "f1", "low"), "0"),
        (METRICS, ("metrics",), {}),
        (METADATA, ("libraries",), []),
        (METADATA, ("schema",), "{"),
        (METADATA, ("schema",), "{}"),
        (METADATA, ("calibration",), {"slope": 1}),
        (METADATA, ("calibration",), [1]),
    ],
)
def test_a_document_of_another_form(
    stored: Evidence, tmp_path: Path, name: str, path: tuple[Any, ...], value: object
) -> None:
    document = at = copy.deepcopy(stored.document(name))
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    (tmp_path / "changed").write_text(json.dumps(document))
    found = forms.without_malformed(
        Evidence(VERSION, stored.lineage, {**stored.paths, name: tmp_path / "changed"}, stored.problems)
    )
    assert set(found.problems) == {name}
    assert found.problems[name].startswith("it has ")
    assert "\n" not in found.problems[name]
    assert name not in found.paths


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 1),
        ("images", "one"),
        ("cover_types", {"aspen": None}),
        ("parameters", {"prepare": {"seed": 1}}),
        ("accuracy", "high"),
        ("macro_f1", float("inf")),
    ],
)
def test_a_lineage_of_another_form(stored: Evidence, key: str, value: object) -> None:
    assert forms.find_lineage_problem({**stored.lineage, key: value}).startswith("the lineage has ")
