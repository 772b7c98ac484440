"""The cache of results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.workflows.finished_runs import finished_run
from workflows.local.cache import Cache, content_digest, json_digest
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path

KEY = json_digest({"step": "a"})


def test_it_is_empty_until_a_result_is_stored(cache: Cache, tmp_path: Path) -> None:
    assert Cache(tmp_path / "elsewhere").empty
    assert not cache.empty


def test_returns_what_was_stored(cache: Cache, tmp_path: Path) -> None:
    found = cache.find_result(KEY)
    assert found
    assert found.parameters == {"note": "n"}
    for name, digest in found.artifacts.items():
        cache.restore_object(digest, tmp_path / "back" / name)
        assert content_digest(tmp_path / "back" / name) == digest == content_digest(tmp_path / name)
    assert cache.find_result(json_digest({"step": "b"})) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"step": "s", "artifacts": {"file": "../../file"}, "parameters": {}}',
        '{"step": "s", "artifacts": {"file": null}, "parameters": {}}',
        '{"step": "s", "artifacts": [1], "parameters": {}}',
        json.dumps({"step": "s", "artifacts": {"file": "0" * 64}, "parameters": {}}),
    ],
)
def test_an_invalid_action_counts_as_absent(cache: Cache, text: str) -> None:
    (cache.actions / f"{KEY}.json").write_text(text)
    assert cache.find_result(KEY) is None


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "part changed", "part gone", "part added"])
def test_a_damaged_object_counts_as_absent_and_can_be_stored_again(cache: Cache, tmp_path: Path, damage: str) -> None:
    found = cache.find_result(KEY)
    assert found
    file, folder = (cache.objects / found.artifacts[name] for name in ("file", "folder"))
    part = folder / "part" if damage.startswith("part") else file
    part.unlink()  # only in the cache, because the stored file is a link to the same bytes
    if "changed" in damage:
        part.write_text("pork")
    elif damage == "cut":
        part.write_text("fil")
    elif damage == "part added":
        part.write_text("part")
        (folder / "more").touch()
    assert cache.find_result(KEY) is None
    cache.store_result(KEY, "steps.a", {"file": tmp_path / "file", "folder": tmp_path / "folder"}, {})
    assert cache.find_result(KEY)


def test_an_edit_of_one_run_reaches_no_other(cache: Cache, tmp_path: Path) -> None:
    def run(name: str) -> Path:
        """Restore a report and a model from the cache, as a run does."""
        found, folder = cache.find_result(KEY), tmp_path / name
        assert found
        root = finished_run({"report": 0, "aspen-train": 0})
        for child, artifact, digest in (("report", "report", "file"), ("aspen-train", "model", "folder")):
            node = root.children[child]
            node.folder = folder / "nodes" / child
            node.outputs.artifacts = {artifact: node.folder / artifact}
            cache.restore_object(found.artifacts[digest], node.folder / artifact)
        results.copy_results(folder, root)
        return folder

    first, second = run("first"), run("second")
    for path in ("report.html", "models/aspen/part"):
        with (first / path).open("a") as file:
            file.write("edited")
    third = run("third")
    for folder in (second, third):
        assert ((folder / "report.html").read_text(), (folder / "models/aspen/part").read_text()) == ("file", "part")
    for path in ("nodes/report/report", "nodes/aspen-train/model/part"):
        assert (first / path).samefile(third / path)
        assert (first / path).stat().st_mode & 0o222 == 0
