"""Errors a person can act on, and the exit code each one ends a process with.

The codes follow BSD ``sysexits.h``; Argo's retry expression reads them, so 75 is the only one that is tried again.
"""

from __future__ import annotations

import errno
import os

RUN_FAILED = 1
USAGE = 2
INTERRUPTED = 130
TERMINATED = 143


class PipelineError(Exception):
    """Base of every expected error: one line that says what is wrong, where, and what to do.

    Args:
        what: what is wrong, a clause without a full stop.
        where: the file, column, row or option it is wrong in.
        fix: what the reader should do.
    """

    exit_code = RUN_FAILED

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__("".join((what, f", in {where}" if where else "", f": {fix}" if fix else "")))


class UsageError(PipelineError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = USAGE


class AlreadyThereError(UsageError):
    """What is to be written once is there already, with other content."""


class BadDataError(PipelineError):
    """The input was read, and what it says cannot be used."""

    exit_code = 65


class NoInputError(PipelineError):
    """The input does not exist."""

    exit_code = 66


class UnavailableError(PipelineError):
    """A service cannot be reached."""

    exit_code = 69


class TransientError(PipelineError):
    """It may work when tried again: the retry strategy tries again on this code alone."""

    exit_code = 75


class DeniedError(PipelineError):
    """A right is missing."""

    exit_code = 77


class BadConfigurationError(PipelineError):
    """A configuration or schema file is wrong."""

    exit_code = 78


# The codes of the errors above: what a person or a script may rely on.
DOCUMENTED = frozenset(kind.exit_code for kind in PipelineError.__subclasses__())

# A file cannot grow: what is wrong, and what to do, by the operating system's number.
FULL = {
    errno.ENOSPC: ("no space left on the disk", "free some space and run again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run again"),
    errno.EFBIG: ("the file is larger than is allowed here", "raise the limit (ulimit -f) and run again"),
}


def already_there(where: str) -> AlreadyThereError:
    """Return the error for a destination that holds other content."""
    return AlreadyThereError("already there with other content", where=where, fix="name another place")


def from_system_error(error: OSError | UnicodeEncodeError) -> PipelineError:
    """Map an error that any file or path may cause to the one of ours that says what to do about it."""
    return from_os_error(error) if isinstance(error, OSError) else _not_text(error)


def _not_text(error: UnicodeEncodeError) -> UsageError:
    """Return the error for the path of a file that is no text; what has no surrogates is no path, and not shown."""
    surrogates = any("\udc80" <= character <= "\udcff" for character in error.object)
    return UsageError(
        f"not text that {error.encoding} has characters for",
        where=ascii(error.object[:200]) if surrogates else None,
        fix="rename the file or folder, or set PYTHONUTF8=1",
    )


def from_os_error(error: OSError) -> PipelineError:
    """Map an operating system error to the one of ours that says what to do about it."""
    where = str(error.filename) if error.filename else None
    reason = (error.strerror or str(error)).lower()
    if error.errno in FULL:
        what, fix = FULL[error.errno]
        return TransientError(what, where=where, fix=fix)
    if isinstance(error, FileNotFoundError) and not where and reason == os.strerror(errno.ENOENT).lower():
        return NoInputError("the current folder does not exist any more", fix="change to one that does")
    if isinstance(error, FileNotFoundError):
        return NoInputError("no such file" if where else reason, where=where, fix="check the path")
    if isinstance(error, (FileExistsError, NotADirectoryError, IsADirectoryError)):
        return UsageError(reason, where=where, fix="a file is where a folder is needed, or the other way round")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return DeniedError(reason, where=where, fix="check the rights of this file and of its folder")
    return PipelineError(reason, where=where)
