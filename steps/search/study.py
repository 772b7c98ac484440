"""A study: the file of a search's trials, from which a search that was interrupted is resumed.

The file has JSON lines. The first line identifies the study. Then follows one line for each finished trial, synced to
the disk before the next trial starts. A last line without a line end comes from an interrupted write: it is dropped,
and the trial is run again.

One process at a time locks the file, and only that process may replace it. A process that waited for the lock
therefore checks that the path still names the file that it locked, and otherwise opens the path again.
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

# Trials of version 1 cannot be compared: they were evaluated on all validation rows, with another PR-AUC.
VERSION = 2
# The versions whose points can be read, to be tried again.
READABLE_VERSIONS = (1, VERSION)
COMPLETE, PRUNED = "complete", "pruned"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A finished trial.

    Attributes:
        number: The number of the trial, from 1.
        origin: The origin of its point, such as ``preset`` or ``tpe``.
        state: ``complete`` or ``pruned``.
        value: The best value of the objective on the selection rows, of the rounds that were trained.
        values: The searched hyperparameters.
        parameters: All hyperparameters.
        best_rounds: The number of rounds with this value.
        seconds: The wall time in seconds.
        curve: The objective after each tenth of the rounds (``"1"`` to ``"10"``), for the pruner.
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
# The words for a difference in each key of a study's identity, in the order in which they are compared.
_DIFFERENCES = {
    "cover_type": "about another cover type",
    "data": "of other data",
    "space": "of another search space",
    "objective": "of another objective",
    "start": "of another preset",
    "seed": "of another seed",
}


class Study:
    """The trials so far, and the file that stores them, if there is one. Open it with :func:`open_study`."""

    def __init__(self, trials: list[Trial], file: BinaryIO | None = None) -> None:
        self.trials = trials
        self._file = file

    def add(self, trial: Trial) -> None:
        """Append a trial. It is on the disk when this function returns."""
        if self._file is not None:
            _append_line(self._file, asdict(trial))
        self.trials.append(trial)


@contextmanager
def open_study(path: Path | None, identity: Mapping[str, Any], earlier: Path | None = None) -> Iterator[Study]:
    """Open a study, or begin it if the file does not exist or is empty.

    Args:
        path: The file; None for a study in memory. Another process that opens the same file waits until the block
            ends, and then reads its trials.
        identity: The values that a study must have to be resumed: ``cover_type data space objective start seed``.
        earlier: A study with whose trials a new study begins.

    Raises:
        UsageError: The study has another identity.
        BadDataError: The file is damaged, or is not a study.
        OSError: The file cannot be written, or the disk is full.
    """
    if path is None:
        yield Study([])
        return

    def check_earlier(content: bytes, where: Path) -> None:
        _require_identity(_parse(content, where)[0], identity, where)

    with _open_with_earlier(path, earlier, check_earlier) as file:
        content = _read_whole_lines(file)
        file.truncate(len(content))
        if content:
            found, trials = _parse(content, path)
            _require_identity(found, identity, path)
        else:
            trials = []
            _append_line(file, {"study": VERSION, **identity})
        yield Study(trials, file)


def create_study(path: Path, earlier: Path | None) -> None:
    """Create an empty study, or a copy of an earlier one, if the file does not exist or is empty."""
    if earlier is None:  # nothing is written, so there is no need to wait for a search that has locked the study
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return
    with _open_with_earlier(path, earlier, _parse):
        pass


@contextmanager
def _open_with_earlier(path: Path, earlier: Path | None, check: Callable[[bytes, Path], object]) -> Iterator[BinaryIO]:
    """Open and lock a study. If it is empty, copy an earlier one into it first.

    The copy replaces the empty file in one rename while that is locked. A process that is killed leaves the whole copy
    or none, and a process that waits for the lock notices that its file was replaced.

    Args:
        path: The file of the study.
        earlier: The file of the earlier study; None for no copy.
        check: Called with the content and the file of the earlier study before it is copied.
    """
    while True:
        with _open_locked(path) as file:
            if earlier is None or _read_whole_lines(file):
                yield file
                return
            content = _cut_to_whole_lines(earlier.read_bytes())
            if not content:
                yield file
                return
            check(content, earlier)
            storage.write_bytes(path, content)


@contextmanager
def _open_locked(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or create it, and lock it until the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a+b") as file:
            _wait_for_lock(file, path)
            if _is_file_at(file, path):
                yield file
                return


def _is_file_at(file: BinaryIO, path: Path) -> bool:
    """Return whether ``path`` still names an open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _read_whole_lines(file: BinaryIO) -> bytes:
    file.seek(0)
    return _cut_to_whole_lines(file.read())


def _cut_to_whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def read(path: Path) -> tuple[dict[str, Any], list[Trial]]:
    """Return the identity and the trials of a study, both empty for an empty file. The file is not changed.

    Raises:
        BadDataError: The file is damaged, or is not a study.
    """
    content = path.read_bytes()
    return _parse(_cut_to_whole_lines(content), path, READABLE_VERSIONS) if content else ({}, [])


def _wait_for_lock(file: BinaryIO, path: Path) -> None:
    """Lock a file, and wait while another process has it locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        runtime.log(f"waiting for another search that uses this study, {path}")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}:  # the file system has no locks
            raise


def _append_line(file: BinaryIO, document: Mapping[str, Any]) -> None:
    try:
        file.write(json.dumps(document, allow_nan=False, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno in DISK_FULL:
            error.filename = os.path.dirname(file.name)  # noqa: PTH120 - the file's name is a string
        raise


def _parse(content: bytes, path: Path, versions: Collection[int] = (VERSION,)) -> tuple[dict[str, Any], list[Trial]]:
    """Return the identity and the trials; BadDataError names the line that is damaged."""
    documents = [_parse_line(line, number, path) for number, line in enumerate(content.splitlines(), 1)]
    identity, *rows = documents or [{}]
    if (version := identity.get("study")) in READABLE_VERSIONS and version not in versions:
        what = "this study is from an older version, which evaluated its trials on other rows"
        raise BadDataError(what, where=str(path), fix="begin a new one; --warm-start reads the best points of this one")
    if version not in READABLE_VERSIONS:
        raise _damaged_error(1, path)
    trials = []
    for number, row in enumerate(rows, 1):
        if not is_trial(row) or row["number"] != number:
            raise _damaged_error(number + 1, path)
        trials.append(Trial(**row))
    return identity, trials


def _parse_line(line: bytes, number: int, path: Path) -> dict[str, Any]:
    try:
        document = storage.parse_json(line)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _damaged_error(number, path)
    return document


def _damaged_error(number: int, path: Path) -> BadDataError:
    what = f"the study is damaged: line {number} is not a trial" if number > 1 else "this is not a study"
    return BadDataError(what, where=str(path), fix="give a file that tune --study wrote, or a new one")


def is_trial(row: Any) -> bool:  # noqa: ANN401 - a JSON document
    """Return whether a JSON value is a trial: it has exactly the keys of one, with values of the correct types."""
    return (
        isinstance(row, dict)
        and row.keys() == _KINDS.keys()
        and all(isinstance(row[name], kind) and not isinstance(row[name], bool) for name, kind in _KINDS.items())
        and row["state"] in {COMPLETE, PRUNED}
        and math.isfinite(row["value"])
        and all(isinstance(value, (int, float)) for value in row["curve"].values())
    )


def _require_identity(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    for key, words in _DIFFERENCES.items():
        if found.get(key) != wanted[key]:
            both = f" ({found.get(key)}, not {wanted[key]})" if key in {"cover_type", "objective", "seed"} else ""
            what = f"this study is {words}{both}"
            raise UsageError(what, where=str(path), fix="give another study, or use the options it was made with")
