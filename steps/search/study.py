"""A search's trials in a file that grows by a line for each trial, from which a search that was killed is resumed.

The first line says what the study is of. A line for each trial that ended follows, synced to the disk before the next
trial starts. A last line without its end is that of a trial that was being written: it is dropped, and the trial is
made again. One process at a time has the file locked. Only that process may replace the file, so a process that waited
for the lock compares the path with what it has locked, and opens the path again where they differ.
"""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from steps.core import runtime, storage
from steps.core.errors import DISK_FULL, BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

# Version 1 had the values of trials on all validation rows, and another PR-AUC: they cannot be compared.
VERSION = 2
# Those whose points can be read, to be tried again.
VERSIONS = (1, VERSION)
COMPLETE, PRUNED = "complete", "pruned"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial that ended.

    ``number`` counts from 1; ``origin`` says where the point came from. ``values`` are the searched hyperparameters
    that its sampler chose, ``parameters`` all of them. ``value`` is the best of the objective on the selection rows,
    after ``best_rounds`` rounds; a pruned trial has those of the rounds it made. ``curve`` has the objective at each
    tenth of its rounds, for the pruner; ``seconds`` are wall time.
    """

    number: int
    origin: str
    state: str
    value: float
    values: Mapping[str, Any]
    parameters: Mapping[str, Any]
    best_rounds: int
    seconds: float
    curve: Mapping[str, float] = field(default_factory=dict)


_KINDS: dict[str, type | tuple[type, ...]] = {
    "number": int,
    "origin": str,
    "state": str,
    "value": (int, float),
    "values": dict,
    "parameters": dict,
    "best_rounds": int,
    "seconds": (int, float),
    "curve": dict,
}
# How two studies differ, by what they say they are of, in the order in which it is said.
_DIFFERENCES = {
    "cover_type": "about another cover type",
    "data": "of other data",
    "space": "of another search space",
    "objective": "of another objective",
    "start": "of another preset",
    "seed": "of another seed",
}


class Study:
    """The trials so far, and the file that they are stored in, if any; use :func:`opened`."""

    def __init__(self, trials: list[Trial], file: BinaryIO | None = None) -> None:
        self.trials = trials
        self._file = file

    def add(self, trial: Trial) -> None:
        """Append a trial, on the disk before this returns."""
        if self._file is not None:
            _append(self._file, asdict(trial))
        self.trials.append(trial)


@contextmanager
def opened(path: Path | None, identity: Mapping[str, Any], earlier: Path | None = None) -> Iterator[Study]:
    """Open the study in ``path``, or begin it where no file or an empty one is there; in memory without a path.

    Args:
        path: the file; another process that opens it so waits until the block ends, and then sees its trials.
        identity: what the study is of: ``cover_type data space objective start seed``.
        earlier: a study whose copy this one begins with.

    Raises:
        UsageError: the study there is of something else.
        BadDataError: the file is damaged, or no study.
        OSError: it cannot be written, or the disk is full.
    """
    if path is None:
        yield Study([])
        return
    with _begun(path, earlier, lambda content, where: _compare(_parse(content, where)[0], identity, where)) as file:
        content = _whole_lines(file)
        file.truncate(len(content))
        if content:
            was, trials = _parse(content, path)
            _compare(was, identity, path)
        else:
            trials = []
            _append(file, {"study": VERSION, **identity})
        yield Study(trials, file)


def begin(path: Path, earlier: Path | None) -> None:
    """Make an empty study, or a copy of the ``earlier`` one, where no file or an empty one is there."""
    if earlier is None:  # nothing to write, so no need to wait for a search that has the study locked
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return
    with _begun(path, earlier, _parse):
        pass


@contextmanager
def _begun(path: Path, earlier: Path | None, check: Callable[[bytes, Path], object]) -> Iterator[BinaryIO]:
    """Open and lock ``path``, and copy the checked ``earlier`` study into it first where it is empty.

    The copy replaces the empty file in one rename while that is locked: a process that is killed leaves the whole copy
    or none, and one that waits for the lock sees that its file was replaced.
    """
    while True:
        with _locked(path) as file:
            if earlier is None or _whole_lines(file):
                yield file
                return
            content = _whole_lines_of(earlier.read_bytes())
            if not content:
                yield file
                return
            check(content, earlier)
            storage.write_bytes(path, content)


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """Open ``path``, made where it is missing, and keep other processes from it until the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a+b") as file:
            _lock(file, path)
            if _is_at(file, path):
                yield file
                return


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file is still the one at ``path``."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _whole_lines(file: BinaryIO) -> bytes:
    file.seek(0)
    return _whole_lines_of(file.read())


def _whole_lines_of(content: bytes) -> bytes:
    """Return what is before the end of the last whole line."""
    return content[: content.rfind(b"\n") + 1]


def read(path: Path) -> tuple[dict[str, Any], list[Trial]]:
    """Return what a study is of and its trials, without changing it; nothing for an empty file.

    Raises:
        BadDataError: the file is damaged, or no study.
    """
    content = path.read_bytes()
    return _parse(_whole_lines_of(content), path, VERSIONS) if content else ({}, [])


def _lock(file: BinaryIO, path: Path) -> None:
    """Wait until no other process has the file locked; the trials that it made are then resumed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        runtime.log(f"waiting for another search that is at work on this study, {path}")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}:  # a file system without locks
            raise


def _append(file: BinaryIO, document: Mapping[str, Any]) -> None:
    try:
        file.write(json.dumps(document, allow_nan=False, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno in DISK_FULL:
            error.filename = os.path.dirname(file.name)  # noqa: PTH120 - the file's name is a string
        raise


def _parse(content: bytes, path: Path, versions: Collection[int] = (VERSION,)) -> tuple[dict[str, Any], list[Trial]]:
    """Return the first line and the trials; BadDataError names the line that is none."""
    documents = [_parse_line(line, number, path) for number, line in enumerate(content.splitlines(), 1)]
    identity, *rows = documents or [{}]
    if (version := identity.get("study")) in VERSIONS and version not in versions:
        what = "this study is from an older version, which evaluated its trials on other rows"
        raise BadDataError(what, where=str(path), fix="begin a new one; --warm-start reads this one's best points")
    if version not in VERSIONS:
        raise BadDataError("this is no study", where=str(path), fix="give a file that tune --study wrote, or a new one")
    trials = []
    for number, row in enumerate(rows, 1):
        if not is_trial(row) or row["number"] != number:
            raise _damaged(number + 1, path)
        trials.append(Trial(**row))
    return identity, trials


def _parse_line(line: bytes, number: int, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _damaged(number, path)
    return document


def _damaged(number: int, path: Path) -> BadDataError:
    what = f"the study is damaged: line {number} is no trial" if number > 1 else "this is no study"
    return BadDataError(what, where=str(path), fix="give a file that tune --study wrote, or a new one")


def is_trial(row: Any) -> bool:  # noqa: ANN401 - a JSON document
    """Whether a JSON document is a trial's: all its keys and no others, with values of the right types."""
    return (
        isinstance(row, dict)
        and row.keys() == _KINDS.keys()
        and all(isinstance(row[name], kind) and not isinstance(row[name], bool) for name, kind in _KINDS.items())
        and row["state"] in {COMPLETE, PRUNED}
        and math.isfinite(row["value"])
        and all(isinstance(value, (int, float)) for value in row["curve"].values())
    )


def _compare(was: Mapping[str, Any], identity: Mapping[str, Any], path: Path) -> None:
    for key, words in _DIFFERENCES.items():
        if was.get(key) != identity[key]:
            both = f" ({was.get(key)}, not {identity[key]})" if key in {"cover_type", "objective", "seed"} else ""
            what = f"this study is {words}{both}"
            raise UsageError(what, where=str(path), fix="give another study, or tune as it was made")
