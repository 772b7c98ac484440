"""Results of steps, stored under a hash of everything that they depend on.

A cache folder contains:

- ``objects/``: files and folders by the digest of their content.
- ``actions/``: a JSON file for each executed step, with the digests of its output artifacts and its output parameters.
- ``kept/``: outputs that a step extends while it runs. A later attempt resumes them.

An action is written after its objects, by one rename, so a killed run leaves a whole action or none. The digest of an
object is checked whenever it is used; a damaged object counts as absent. Runs share the files of an object by read-only
hard links in ``nodes/``. The report and the models of a run are copies.
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
    """The outputs of a step.

    Attributes:
        step: module of the step.
        artifacts: digests of the output artifacts by name, without absent ones.
        parameters: output parameters by name.
    """

    step: str
    artifacts: dict[str, str]
    parameters: dict[str, str]


def json_digest(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a value as canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def content_digest(path: Path) -> str:
    """Return the digest of the bytes of a file, or of the relative names and bytes of the files in a folder."""
    if path.is_file():
        return storage.sha256_file(path)
    listing = {
        part.relative_to(path).as_posix(): storage.sha256_file(part)
        for part in sorted(path.rglob("*"))
        if part.is_file()
    }
    return "tree-" + json_digest(listing)


class Cache:
    """A cache folder. Several runs can use it at once, because every file in it appears by one rename or link."""

    def __init__(self, root: Path) -> None:
        self.root, self.objects, self.actions = root, root / "objects", root / "actions"
        self.kept = root / "kept"

    @property
    def empty(self) -> bool:
        """Whether no result has ever been stored, or all have been pruned."""
        return next(self.actions.glob("*.json"), None) is None

    @contextmanager
    def locked(self, *, exclusive: bool = False) -> Iterator[None]:
        """Hold a lock on the cache, shared with other runs or exclusive. The end of the process releases it.

        Raises:
            BlockingIOError: an exclusive lock was requested, and a run holds one.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
            yield

    def find_result(self, key: str) -> Result | None:
        """Return the result under a key; None where there is none, or an object of it is missing or damaged."""
        path = self.actions / f"{key}.json"
        result = read_action(path)
        if result is None or not all(self._is_intact(digest) for digest in result.artifacts.values()):
            return None
        os.utime(path)  # pruning goes by the time of the last use
        return result

    def restore_object(self, digest: str, target: Path) -> None:
        """Link an object to ``target``. Its files are read-only, because other runs share them."""
        make_read_only(self.objects / digest)
        link_or_copy(self.objects / digest, target)

    def store_result(self, key: str, step: str, artifacts: Mapping[str, Path], parameters: Mapping[str, str]) -> Result:
        """Store the outputs of a step and return them as a result.

        Args:
            key: hash of everything that the outputs depend on.
            step: module of the step, for listings.
            artifacts: paths of the output artifacts by name.
            parameters: output parameters by name.
        """
        result = Result(step, {name: self._store_object(path) for name, path in artifacts.items()}, dict(parameters))
        self.actions.mkdir(parents=True, exist_ok=True)
        storage.write_json(self.actions / f"{key}.json", asdict(result))
        return result

    def _store_object(self, path: Path) -> str:
        digest = content_digest(path)
        target = self.objects / digest
        if target.exists() and not self._is_intact(digest):
            remove_path(target)
        if not target.exists():
            temporary = self.objects / f"{storage.PARTIAL}{digest}-{os.getpid()}"
            try:
                link_or_copy(path, temporary)
                make_read_only(temporary)
                temporary.rename(target)
            except OSError:
                if not target.exists():  # otherwise another run has stored it meanwhile
                    raise
            finally:
                remove_path(temporary)
        return digest

    def _is_intact(self, digest: str) -> bool:
        path = self.objects / digest
        return path.exists() and content_digest(path) == digest


def read_action(path: Path) -> Result | None:
    """Return the result in an action file; None where the file is missing or damaged."""
    try:
        entry = storage.read_json(path)
        result = Result(entry["step"], dict(entry["artifacts"]), dict(entry["parameters"]))
        valid = all(_DIGEST.fullmatch(digest) for digest in result.artifacts.values())
        valid &= all(isinstance(value, str) for value in result.parameters.values())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return result if valid else None


def remove_path(path: Path) -> None:
    """Remove a file or a folder, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def make_read_only(path: Path) -> None:
    """Remove the write permission of a file, or of the files in a folder."""
    for part in path.rglob("*") if path.is_dir() else (path,):
        if part.is_file():
            with suppress(PermissionError):  # another user owns it
                part.chmod(part.stat().st_mode & ~_WRITE)


def link_or_copy(source: Path, target: Path) -> None:
    """Make hard links of a file, or of the files in a folder, at a new path; copies where links are impossible."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for part in source.iterdir():
            link_or_copy(part, target / part.name)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy_file(source, target)


def _link_or_copy_file(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another file system, or one without hard links
        storage.copy_file(source, target)
