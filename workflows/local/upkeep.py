"""Lists the results in a cache and prunes unused ones."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core import storage
from steps.core.errors import TransientError
from workflows.local.cache import Result, read_action, remove_path

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.local.cache import Cache

_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class StepSummary:
    """The results of one step in a cache.

    Attributes:
        step: module of the step.
        results: number of results.
        bytes: size of their files. A file that several results share counts for each of them.
        used: Unix time of the last use.
    """

    step: str
    results: int
    bytes: int
    used: float


@dataclass(frozen=True)
class PruneSummary:
    """What was removed, or would be in a dry run.

    Attributes:
        results: number of results.
        objects: number of files and folders in the cache besides the results.
        bytes: size of all of these.
    """

    results: int
    objects: int
    bytes: int


def summarise_cache(cache: Cache) -> list[StepSummary]:
    """Return a summary for each step that has results, sorted by the name of the step."""
    found: dict[str, list[tuple[Path, Result]]] = {}
    for path in _action_paths(cache):
        if result := read_action(path):
            found.setdefault(result.step, []).append((path, result))
    return [
        StepSummary(
            step,
            len(results),
            sum(storage.size_of(cache.objects / digest) for _, result in results for digest in _object_digests(result)),
            max(path.stat().st_mtime for path, _ in results),
        )
        for step, results in sorted(found.items())
    ]


def prune_cache(cache: Cache, *, older_than_days: float, dry_run: bool = False) -> PruneSummary:
    """Remove old results, objects that no result refers to, and partial files of killed runs.

    Args:
        cache: the cache.
        older_than_days: remove results that were not used for so many days.
        dry_run: only return what would be removed.

    Raises:
        TransientError: a run is using the cache.
    """
    if not cache.root.is_dir():
        return PruneSummary(0, 0, 0)
    try:
        with cache.locked(exclusive=True):
            return _prune(cache, time.time() - older_than_days * _DAY_SECONDS, dry_run=dry_run)
    except BlockingIOError:
        raise TransientError("a run is using the cache", where=str(cache.root), fix="prune when it has ended") from None


def _prune(cache: Cache, before: float, *, dry_run: bool) -> PruneSummary:
    results = {path: read_action(path) for path in _action_paths(cache)}
    old = [path for path, result in results.items() if result is None or path.stat().st_mtime <= before]
    recent = [result for path, result in results.items() if result and path not in old]
    used = {digest for result in recent for digest in _object_digests(result)}
    unused = [path for path in _sorted_entries(cache.objects) if path.name not in used]
    unused += [path for path in _sorted_entries(cache.kept) if _last_modified(path) <= before]
    partial = [path for path in _sorted_entries(cache.actions) if path.name.startswith(storage.PARTIAL)]
    size = sum(storage.size_of(path) for path in [*old, *unused, *partial])
    if not dry_run:
        # Results first, so that an interrupted prune leaves no result without its objects.
        for path in [*old, *partial, *unused]:
            remove_path(path)
    return PruneSummary(len(old), len(unused), size)


def _last_modified(folder: Path) -> float:
    """Return the Unix time at which a folder or a file in it was last modified."""
    return max((path.stat().st_mtime for path in (folder, *folder.iterdir())), default=0.0)


def _object_digests(result: Result) -> set[str]:
    return set(result.artifacts.values())


def _action_paths(cache: Cache) -> list[Path]:
    return [path for path in _sorted_entries(cache.actions) if path.suffix == ".json" and path.name[0] != "."]


def _sorted_entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
