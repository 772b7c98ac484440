"""The cache of results on its own."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from steps.core import runtime
from steps.core.errors import TransientError
from workflows.covertype import app
from workflows.local import upkeep
from workflows.local.cache import Cache, digest_of, key_of
from workflows.local.nodes import Node
from workflows.rendered.document import Container, Slots, Template
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path

KEY = key_of({"step": "a"})


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache with one result: a file and a folder."""
    (tmp_path / "file").write_text("file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "part").write_text("part")
    cache = Cache(tmp_path / "runs" / ".cache")
    cache.store(KEY, "steps.a", {"file": tmp_path / "file", "folder": tmp_path / "folder"}, {"note": "n"})
    return cache


def test_gives_back_what_was_stored(cache: Cache, tmp_path: Path) -> None:
    found = cache.find(KEY)
    assert found
    assert found.parameters == {"note": "n"}
    for name, digest in found.artifacts.items():
        cache.restore(digest, tmp_path / "back" / name)
        assert digest_of(tmp_path / "back" / name) == digest == digest_of(tmp_path / name)
    assert cache.find(key_of({"step": "b"})) is None


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
def test_an_action_that_says_nothing_of_use_counts_as_absent(cache: Cache, text: str) -> None:
    (cache.actions / f"{KEY}.json").write_text(text)
    assert cache.find(KEY) is None


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "part changed", "part gone", "part added"])
def test_a_damaged_object_counts_as_absent_and_can_be_stored_again(cache: Cache, tmp_path: Path, damage: str) -> None:
    found = cache.find(KEY)
    assert found
    file, folder = (cache.objects / found.artifacts[name] for name in ("file", "folder"))
    part = folder / "part" if damage.startswith("part") else file
    part.unlink()  # the name in the cache alone: the file that was stored is a link to the same bytes
    if "changed" in damage:
        part.write_text("pork")
    elif damage == "cut":
        part.write_text("fil")
    elif damage == "part added":
        part.write_text("part")
        (folder / "more").touch()
    assert cache.find(KEY) is None
    cache.store(KEY, "steps.a", {"file": tmp_path / "file", "folder": tmp_path / "folder"}, {})
    assert cache.find(KEY)


def test_an_edit_of_one_run_reaches_no_other(cache: Cache, tmp_path: Path) -> None:
    def run(name: str) -> Path:
        """Take a report and a model from the cache, as a run does."""
        found, folder = cache.find(KEY), tmp_path / name
        assert found
        template, step = Template("main", Slots(), Slots()), Template("step", Slots(), Slots(), Container("m", (), {}))
        root = Node((), template, folder)
        for child, artifact, digest in (("report", "html", "file"), ("aspen", "model", "folder")):
            node = root.children[child] = Node((child,), step, folder / "nodes" / child)
            node.outputs.artifacts = {artifact: node.folder / artifact}
            cache.restore(found.artifacts[digest], node.folder / artifact)
        results.publish(folder, root)
        return folder

    first, second = run("first"), run("second")
    for path in ("report.html", "models/aspen/part"):
        with (first / path).open("a") as file:
            file.write("edited")
    third = run("third")
    for folder in (second, third):
        assert ((folder / "report.html").read_text(), (folder / "models/aspen/part").read_text()) == ("file", "part")
    for path in ("nodes/report/html", "nodes/aspen/model/part"):
        assert (first / path).samefile(third / path)
        assert (first / path).stat().st_mode & 0o222 == 0


def test_prune_removes_what_is_old_and_what_nothing_refers_to(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    new = key_of({"step": "new"})
    kept = cache.store(new, "steps.new", {"file": tmp_path / "file", "new": tmp_path / "new"}, {})
    month_ago = time.time() - 31 * 86_400
    os.utime(cache.actions / f"{KEY}.json", (month_ago, month_ago))
    (cache.actions / ".partial-x").write_text("half")
    (cache.objects / ".partial-y").write_text("half")
    assert [(found.step, found.results) for found in upkeep.summarise(cache)] == [("steps.a", 1), ("steps.new", 1)]
    planned = upkeep.prune(cache, older_than_days=30, dry_run=True)
    assert cache.find(new)
    assert upkeep.prune(cache, older_than_days=30) == planned
    assert (planned.results, planned.objects) == (1, 2)  # the folder, and the half-written object
    assert {path.name for path in cache.objects.iterdir()} == set(kept.artifacts.values())
    assert [path.name for path in cache.actions.iterdir()] == [f"{new}.json"]
    assert upkeep.prune(cache, older_than_days=0).results == 1
    assert not list(cache.objects.iterdir())


def test_a_use_makes_a_result_young_again(cache: Cache) -> None:
    os.utime(cache.actions / f"{KEY}.json", (0, 0))
    assert cache.find(KEY)
    assert upkeep.prune(cache, older_than_days=1).results == 0


def test_prune_waits_for_no_run_and_disturbs_none(cache: Cache) -> None:
    with cache.in_use(), cache.in_use(), pytest.raises(TransientError, match="a run is using the cache"):
        upkeep.prune(cache, older_than_days=0)
    assert cache.find(KEY)
    assert upkeep.prune(cache, older_than_days=0).results == 1


def test_the_verbs(cache: Cache, capsys: pytest.CaptureFixture[str]) -> None:
    def invoke(*words: object) -> str:
        given = ["cache", *map(str, words), "--output", str(cache.root.parent)]
        assert runtime.run_to_exit_code(lambda: app(args=given, standalone_mode=False) or 0) == 0
        return capsys.readouterr().out

    assert json.loads(invoke("ls", "--json"))[0]["results"] == 1
    assert invoke("ls").splitlines()[1].split()[:4] == ["a", "1", "0.0", "MB"]
    assert invoke("prune") == "removed 0 results and 0 files of 0.0 MB\n"
    assert invoke("prune", "--older-than", 0, "--dry-run") == "would remove 1 results and 2 files of 0.0 MB\n"
    assert json.loads(invoke("prune", "--older-than", 0, "--json"))["results"] == 1
    assert invoke("ls") == "the cache is empty\n"
