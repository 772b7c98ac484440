"""The command line that trains a version again, and the comparison of the models."""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from steps import pipeline
from steps.core import storage
from steps.core.errors import BadDataError, UsageError
from steps.io import open_destination
from steps.provenance import reproduction
from steps.provenance.evidence import Evidence, collect_version
from steps.registry import publishing
from tests.registered_run import SLUGS, VERSION
from tests.support import call

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def evidence(registered: Path, tmp_path: Path) -> Evidence:
    destination = open_destination(str(registered))
    manifest = publishing.read_manifest(destination.below(f"versions/{VERSION}"))
    return collect_version(destination, VERSION, manifest, tmp_path / "files")


def test_the_same_bytes_again(evidence: Evidence, tmp_path: Path) -> None:
    words = reproduction.training_words(evidence, tmp_path / "made", source="", schema="covertype")
    ended = call(pipeline.main, *words)
    assert ended.code == 0, ended.log
    found = reproduction.compare_models(evidence, tmp_path / "made")
    assert [(each.slug, each.equal) for each in found] == [(slug, True) for slug in SLUGS]
    assert reproduction.differing_libraries(evidence, tmp_path / "made") == []


def test_another_seed_gives_other_models(evidence: Evidence, tmp_path: Path) -> None:
    for slug in SLUGS:
        evidence.lineage["parameters"][f"{slug}-split"]["seed"] = "4"
    words = reproduction.training_words(evidence, tmp_path / "made", source="", schema="covertype")
    assert call(pipeline.main, *words).code == 0
    assert not any(each.booster for each in reproduction.compare_models(evidence, tmp_path / "made"))


def test_what_differs_between_the_environments(evidence: Evidence, tmp_path: Path) -> None:
    for slug in SLUGS:
        model = reproduction.model_of(tmp_path, slug)
        shutil.copytree(evidence.paths[f"models/{slug}/model.ubj"].parent, model)
        metadata = storage.read_json(model / "metadata.json")
        metadata["libraries"]["numpy"] = "1.0"
        storage.write_json(model / "metadata.json", metadata | {"code_sha256": "x", "threshold": 0.5})
    found = reproduction.differing_libraries(evidence, tmp_path)
    assert (len(found), found[0].endswith("then, 1.0 now"), found[1]) == (2, True, "other code")
    assert not any(each.equal for each in reproduction.compare_models(evidence, tmp_path))


def test_the_source_and_effects_of_prepare(evidence: Evidence, tmp_path: Path) -> None:
    evidence.lineage["parameters"]["prepare"]["output"] = "gs://bucket/x"
    words = reproduction.prepare_words(evidence, tmp_path, source="builtin:", schema="covertype")
    assert {"--source=builtin:", "--rows=900", "--schema=covertype"} <= set(words)
    assert not [word for word in words if word.startswith("--output")]
    assert f"--dataset=aspen={reproduction.dataset_of(tmp_path, 'aspen')}" in words


def test_rows_of_a_query(evidence: Evidence, tmp_path: Path) -> None:
    evidence.lineage["parameters"]["prepare"]["inside-bigquery"] = "gs://bucket/x"
    with pytest.raises(UsageError, match="cannot be repeated here"):
        reproduction.prepare_words(evidence, tmp_path, source="", schema="covertype")


def test_a_version_of_before(evidence: Evidence, tmp_path: Path) -> None:
    paths = {name: path for name, path in evidence.paths.items() if name != "report.json"}
    before = dataclasses.replace(evidence, lineage={}, paths=paths)
    with pytest.raises(BadDataError, match="the options of the step prepare were not recorded"):
        reproduction.training_words(before, tmp_path, source="", schema="covertype")


def test_the_schema_of_before_there_were_slices(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = evidence.metadata("aspen")
    assert metadata
    before = {key: value for key, value in json.loads(metadata["schema"]).items() if key != "slices"}
    monkeypatch.setattr(Evidence, "metadata", lambda _evidence, _slug: {**metadata, "schema": json.dumps(before)})
    assert reproduction.schema_reference(evidence, "") == "covertype"


def test_the_schema(evidence: Evidence) -> None:
    assert reproduction.schema_reference(evidence, "") == "covertype"
    with pytest.raises(UsageError, match="another schema"):
        reproduction.schema_reference(evidence, "tests/data/trees.toml")
    with pytest.raises(BadDataError, match="no model that can be read"):
        reproduction.schema_reference(Evidence("v", {}, {}), "")
