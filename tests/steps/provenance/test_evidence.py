"""The files of a version, with what is wrong with each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.core.errors import BadDataError
from steps.io import open_destination
from steps.provenance.evidence import Evidence, collect_version
from steps.registry import publishing
from tests.registered_run import SLUGS, VERSION, flip_byte

if TYPE_CHECKING:
    from pathlib import Path


def collect(registry: Path, folder: Path) -> Evidence:
    destination = open_destination(str(registry))
    manifest = publishing.read_manifest(destination.below(f"versions/{VERSION}"))
    return collect_version(destination, VERSION, manifest, folder)


def test_all_files_are_there(registry: Path, tmp_path: Path) -> None:
    found = collect(registry, tmp_path / "files")
    assert (found.slugs, found.problems) == (list(SLUGS), {})
    assert found.metadata("aspen")["cover_type"] == "aspen"
    assert set(found.usages()) >= {"prepare", "aspen-split", "krummholz-train"}
    scores = found.test_scores()
    assert scores is not None
    assert set(scores.slugs) == set(SLUGS)


def test_each_file_is_wrong_by_itself(registry: Path, tmp_path: Path) -> None:
    version = registry / "versions" / VERSION
    flip_byte(version / "profile.json")
    (version / "report.html").unlink()
    found = collect(registry, tmp_path / "files")
    assert set(found.problems) == {"profile.json", "report.html"}
    assert found.document("profile.json") == {}
    assert list(found.wrong("report.html", "report.json", "nothing.json")) == [
        "report.html: it is listed in the manifest and missing",
        "nothing.json is missing",
    ]


def test_what_is_no_json_object(tmp_path: Path) -> None:
    for name, text in {"a.json": "[1]", "b.json": "{"}.items():
        (tmp_path / name).write_text(text)
    found = Evidence("v", {}, {name: tmp_path / name for name in ("a.json", "b.json")})
    assert list(found.wrong("a.json", "b.json")) == ["a.json is not a JSON object", "b.json is not a JSON object"]


def test_scores_that_are_not_stored_or_damaged(finished: Path, tmp_path: Path) -> None:
    paths = {f"models/{slug}/model.ubj": finished / slug / "model" / "model.ubj" for slug in SLUGS}
    assert Evidence("v", {}, paths).test_scores() is None
    (tmp_path / "test-scores.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadDataError):
        Evidence("v", {}, {"test-scores.parquet": tmp_path / "test-scores.parquet"}).test_scores()
