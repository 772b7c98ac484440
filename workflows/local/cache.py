"""Results of steps by what went into them: ``objects/`` holds files by their SHA-256, ``actions/`` what a step gave.

``kept/`` holds what a step writes as it goes, such as the trials of a search, for a later attempt to go on from.

An action is written last, in one rename, after its objects: whatever is killed at whatever moment, an action that is
there is whole. Objects are checked against their name when they are used; a damaged one counts as absent. Runs share an
object's files by hard links in their ``nodes/``, which are read-only; what a run gives to people is copies.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.core import storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_DIGEST = re.compile(r"(tree-)?[0-9a-f]{64}")


@dataclass(frozen=True)
class Result:
    """What a step gave: the digest of each output artifact (absent ones left out) and the output parameters."""

    step: str
    artifacts: dict[str, str]
    parameters: dict[str, str]


def key_of(parts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a step's ingredients, as canonical JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def digest_of(path: Path) -> str:
    """Return the digest of a file's bytes, or of a folder's files by relative name."""
    if path.is_file():
        return storage.sha256_file(path)
    listing = {
        part.relative_to(path).as_posix(): storage.sha256_file(part)
        for part in sorted(path.rglob("*"))
        if part.is_file()
    }
    return "tree-" + key_of(listing)


class Cache:
    """A cache folder, safe for several runs at once: every name in it appears by one rename or link."""

    def __init__(self, root: Path) -> None:
        self.root, self.objects, self.actions = root, root / "objects", root / "actions"
        self.kept = root / "kept"

    @contextmanager
    def in_use(self, *, alone: bool = False) -> Iterator[None]:
        """Hold the cache while a run uses it, as many runs may, or ``alone``; a process's death lets go of it.

        Raises:
            BlockingIOError: it was to be held alone, and a run is using it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
            yield

    def find(self, key: str) -> Result | None:
        """Return the result of a step, or None where there is none or one of its objects is missing or damaged."""
        path = self.actions / f"{key}.json"
        result = read_action(path)
        if result is None or not all(self._whole(digest) for digest in result.artifacts.values()):
            return None
        os.utime(path)  # what was used last is pruned last
        return result

    def restore(self, digest: str, target: Path) -> None:
        """Put an object at ``target``: its files are shared with other runs, and read-only."""
        protect(self.objects / digest)
        place(self.objects / digest, target)

    def store(self, key: str, step: str, artifacts: Mapping[str, Path], parameters: Mapping[str, str]) -> Result:
        """Keep the outputs of a step and return them as a result; ``step`` is only there to be listed."""
        result = Result(step, {name: self._keep(path) for name, path in artifacts.items()}, dict(parameters))
        self.actions.mkdir(parents=True, exist_ok=True)
        storage.write_json(self.actions / f"{key}.json", asdict(result))
        return result

    def _keep(self, path: Path) -> str:
        digest = digest_of(path)
        target = self.objects / digest
        if target.exists() and not self._whole(digest):
            remove(target)
        if not target.exists():
            temporary = self.objects / f"{storage.PARTIAL}{digest}-{os.getpid()}"
            try:
                place(path, temporary)
                protect(temporary)
                temporary.rename(target)
            except OSError:
                if not target.exists():  # else another run has put it there meanwhile
                    raise
            finally:
                remove(temporary)
        return digest

    def _whole(self, digest: str) -> bool:
        path = self.objects / digest
        return path.exists() and digest_of(path) == digest


def read_action(path: Path) -> Result | None:
    """Return what an action says, or None where it is missing or not what :meth:`Cache.store` writes."""
    try:
        entry = storage.read_json(path)
        result = Result(entry["step"], dict(entry["artifacts"]), dict(entry["parameters"]))
        whole = all(_DIGEST.fullmatch(digest) for digest in result.artifacts.values())
        whole &= all(isinstance(value, str) for value in result.parameters.values())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return result if whole else None


def remove(path: Path) -> None:
    """Remove a file or a folder; one that is not there is fine."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def protect(path: Path) -> None:
    """Take the permission to write from a file, or from a folder's files, which hard links share with other runs."""
    for part in path.rglob("*") if path.is_dir() else (path,):
        if part.is_file():
            with suppress(PermissionError):  # it is another user's
                part.chmod(part.stat().st_mode & ~_WRITE)


def place(source: Path, target: Path) -> None:
    """Put a file, or a folder's files, at a name that does not exist yet: hard links where possible, else copies."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for part in source.iterdir():
            place(part, target / part.name)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(source, target)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # on another file system, or on one without links
        storage.copy_file(source, target)
