from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import TransientError
from workflows.local import upkeep
from workflows.local.cache import Cache, json_digest

if TYPE_CHECKING:
    from pathlib import Path

KEY = json_digest({"step": "a"})


def test_prune_removes_what_is_old_and_what_nothing_refers_to(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    new = json_digest({"step": "new"})
    kept = cache.store_result(new, "steps.new", {"file": tmp_path / "file", "new": tmp_path / "new"}, {})
    month_ago = time.time() - 31 * 86_400
    os.utime(cache.actions / f"{KEY}.json", (month_ago, month_ago))
    (cache.actions / ".partial-x").write_text("half")
    (cache.objects / ".partial-y").write_text("half")
    summaries = upkeep.summarise_cache(cache)
    assert [(found.step, found.results) for found in summaries] == [("steps.a", 1), ("steps.new", 1)]
    planned = upkeep.prune_cache(cache, older_than_days=30, dry_run=True)
    assert cache.find_result(new)
    assert upkeep.prune_cache(cache, older_than_days=30) == planned
    assert (planned.results, planned.objects) == (1, 2)  # the folder, and the half-written object
    assert {path.name for path in cache.objects.iterdir()} == set(kept.artifacts.values())
    assert [path.name for path in cache.actions.iterdir()] == [f"{new}.json"]
    assert upkeep.prune_cache(cache, older_than_days=0).results == 1
    assert not list(cache.objects.iterdir())


def test_a_use_makes_a_result_young_again(cache: Cache) -> None:
    os.utime(cache.actions / f"{KEY}.json", (0, 0))
    assert cache.find_result(KEY)
    assert upkeep.prune_cache(cache, older_than_days=1).results == 0


def test_prune_waits_for_no_run_and_disturbs_none(cache: Cache) -> None:
    with cache.locked(), cache.locked(), pytest.raises(TransientError, match="a run is using the cache"):
        upkeep.prune_cache(cache, older_than_days=0)
    assert cache.find_result(KEY)
    assert upkeep.prune_cache(cache, older_than_days=0).results == 1


def test_a_file_of_several_results_counts_for_each_of_them(cache: Cache, tmp_path: Path) -> None:
    cache.store_result(json_digest({"step": "b"}), "steps.b", {"same": tmp_path / "file"}, {})
    sizes = {summary.step: summary.bytes for summary in upkeep.summarise_cache(cache)}
    assert sizes == {"steps.a": len("file") + len("part"), "steps.b": len("file")}


def test_outputs_to_resume_are_pruned_by_their_last_change(cache: Cache) -> None:
    old, recent = cache.kept / "old", cache.kept / "recent"
    for folder in (old, recent):
        folder.mkdir(parents=True)
        (folder / "study.jsonl").write_text("{}")
    for path in (old, old / "study.jsonl", recent):
        os.utime(path, (0, 0))
    assert upkeep.prune_cache(cache, older_than_days=1).objects == 1
    assert [path.name for path in cache.kept.iterdir()] == ["recent"]


def test_a_cache_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "nowhere")
    assert upkeep.summarise_cache(cache) == []
    assert upkeep.prune_cache(cache, older_than_days=0) == upkeep.PruneSummary(0, 0, 0)
    assert not cache.root.exists()
