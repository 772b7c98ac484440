"""What lies in a cache, and removing what nothing has used for a while."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core import storage
from steps.core.errors import TransientError
from workflows.local.cache import Result, read_action, remove

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.local.cache import Cache

_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class StepSummary:
    """The results of one step in a cache: how many, the bytes of their files, and when one was last used (Unix time).

    A file that several results share counts for each of them.
    """

    step: str
    results: int
    bytes: int
    used: float


@dataclass(frozen=True)
class Pruned:
    """What was removed, or would be: results, files or folders of the cache, and the bytes of these."""

    results: int
    objects: int
    bytes: int


def summarise(cache: Cache) -> list[StepSummary]:
    """Return a summary for each step that has results, by name."""
    found: dict[str, list[tuple[Path, Result]]] = {}
    for path in _actions(cache):
        if result := read_action(path):
            found.setdefault(result.step, []).append((path, result))
    return [
        StepSummary(
            step,
            len(results),
            sum(storage.size_of(cache.objects / digest) for _, result in results for digest in _objects_of(result)),
            max(path.stat().st_mtime for path, _ in results),
        )
        for step, results in sorted(found.items())
    ]


def prune(cache: Cache, *, older_than_days: float, dry_run: bool = False) -> Pruned:
    """Remove results not used for so many days, what no result refers to, and what a killed run left half-written.

    Raises:
        TransientError: a run is using the cache.
    """
    if not cache.root.is_dir():
        return Pruned(0, 0, 0)
    try:
        with cache.in_use(alone=True):
            return _prune(cache, time.time() - older_than_days * _DAY_SECONDS, dry_run=dry_run)
    except BlockingIOError:
        raise TransientError("a run is using the cache", where=str(cache.root), fix="prune when it has ended") from None


def _prune(cache: Cache, before: float, *, dry_run: bool) -> Pruned:
    results = {path: read_action(path) for path in _actions(cache)}
    old = [path for path, result in results.items() if result is None or path.stat().st_mtime <= before]
    kept = {digest for path, result in results.items() if result and path not in old for digest in _objects_of(result)}
    unused = [path for path in _entries(cache.objects) if path.name not in kept]
    unused += [path for path in _entries(cache.kept) if _written(path) <= before]
    partial = [path for path in _entries(cache.actions) if path.name.startswith(storage.PARTIAL)]
    size = sum(storage.size_of(path) for path in [*old, *unused, *partial])
    if not dry_run:
        for path in [*old, *partial, *unused]:  # results first: one without its objects would count as absent anyway
            remove(path)
    return Pruned(len(old), len(unused), size)


def _written(folder: Path) -> float:
    """Return when something in a folder was written last."""
    return max((path.stat().st_mtime for path in (folder, *folder.iterdir())), default=0.0)


def _objects_of(result: Result) -> set[str]:
    return set(result.artifacts.values())


def _actions(cache: Cache) -> list[Path]:
    return [path for path in _entries(cache.actions) if path.suffix == ".json" and path.name[0] != "."]


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
