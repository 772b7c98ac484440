"""Errors that a user can act on, each with the exit code of the process that it ends.

The codes follow BSD ``sysexits.h``. Argo's retry expression reads them and retries 75 (temporary failure).
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN_FAILED = 1
USAGE = 2
INTERRUPTED = 130
TERMINATED = 143
# A process that signal n ended counts as one with exit code 128 + n, as in a shell.
SIGNAL_CODES = 128


def shell_exit_code(code: int) -> int:
    """Return the exit code of a process as a shell gives it.

    Args:
        code: The exit code as Python gives it, -n after signal n.
    """
    return SIGNAL_CODES - code if code < 0 else code


class PipelineError(Exception):
    """Base class of all expected errors. Its text is one line: what is wrong, where, and how to fix it.

    Args:
        what: The problem, as a clause without a full stop.
        where: The file, column, row or option that has the problem.
        fix: The action that the user should take.
    """

    exit_code = RUN_FAILED

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__("".join((what, f", in {where}" if where else "", f": {fix}" if fix else "")))

    def rename(self, old: str, new: str) -> None:
        """Write another name of a file or option wherever the text has it."""
        where, fix = (text.replace(old, new) if text else text for text in (self.where, self.fix))
        PipelineError.__init__(self, self.what.replace(old, new), where=where, fix=fix)


class UsageError(PipelineError):
    """The command line is wrong: an option is unknown, or two options contradict each other."""

    exit_code = USAGE


class AlreadyExistsError(UsageError):
    """The destination already exists with different content and must not be overwritten."""


class BadDataError(PipelineError):
    """The input was read, but its content is not usable."""

    exit_code = 65


class BadRowError(BadDataError):
    """A value in a row is not usable; other rows may be.

    Args:
        what: The problem, as a clause without a full stop.
        row: The position of the row in its file.
        file: The name of the file.
        fix: The action that the user should take.
    """

    def __init__(self, what: str, *, row: int, file: str, fix: str) -> None:
        self.row, self.file = row, file
        super().__init__(what, where=f"row {row} of {file}", fix=fix)


class NoInputError(PipelineError):
    """The input does not exist."""

    exit_code = 66


class UnavailableError(PipelineError):
    """A service cannot be reached."""

    exit_code = 69


class TransientError(PipelineError):
    """A temporary failure: the same command may succeed later. The retry strategy retries this exit code."""

    exit_code = 75


class NotLoggedError(PipelineError):
    """A finished run could not be logged to MLflow. The run itself is complete."""

    exit_code = 76


class DeniedError(PipelineError):
    """A permission is missing."""

    exit_code = 77


class BadConfigurationError(PipelineError):
    """A configuration or schema file is wrong."""

    exit_code = 78


# Exit codes that users and scripts may rely on.
DOCUMENTED_EXIT_CODES = frozenset(kind.exit_code for kind in PipelineError.__subclasses__())

# Problem and fix for each errno that means that a file cannot grow.
DISK_FULL = {
    errno.ENOSPC: ("no space left on the disk", "free some space and run again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run again"),
    errno.EFBIG: ("the file is larger than the limit", "raise the limit (ulimit -f) and run again"),
}


@contextmanager
def renamed(old: object, new: str) -> Iterator[None]:
    """Let errors in the block have another name of a file or option: that which the user knows.

    Args:
        old: The name in the text of an error, such as a temporary folder.
        new: The name instead, such as the location whose files are copied there.
    """
    try:
        yield
    except PipelineError as error:
        error.rename(str(old), new)
        raise


def already_exists(where: str) -> AlreadyExistsError:
    """Return the error for a destination that already exists with different content."""
    return AlreadyExistsError("already exists with different content", where=where, fix="choose another destination")


def from_system_error(error: OSError | UnicodeEncodeError) -> PipelineError:
    """Convert an error that any file access can raise to a :class:`PipelineError` with a fix."""
    return from_os_error(error) if isinstance(error, OSError) else _from_encode_error(error)


def _from_encode_error(error: UnicodeEncodeError) -> UsageError:
    """Convert the error for a text that cannot be encoded.

    A text with surrogates is a path that is not valid in the file system's encoding, so it is shown. Any other text
    is content and may be long or private, so it is not shown.
    """
    surrogates = any("\udc80" <= character <= "\udcff" for character in error.object)
    return UsageError(
        f"the text cannot be encoded as {error.encoding}",
        where=ascii(error.object[:200]) if surrogates else None,
        fix="rename the file or folder, or set PYTHONUTF8=1",
    )


def from_os_error(error: OSError) -> PipelineError:
    """Convert an operating system error to a :class:`PipelineError` with a fix."""
    where = str(error.filename) if error.filename else None
    reason = (error.strerror or str(error)).lower()
    if error.errno in DISK_FULL:
        what, fix = DISK_FULL[error.errno]
        return TransientError(what, where=where, fix=fix)
    if isinstance(error, FileNotFoundError) and not where and reason == os.strerror(errno.ENOENT).lower():
        return NoInputError("the current folder does not exist any more", fix="change to an existing folder")
    if isinstance(error, FileNotFoundError):
        return NoInputError("no such file" if where else reason, where=where, fix="check the path")
    too_long = error.errno == errno.ENAMETOOLONG
    if too_long or isinstance(error, (FileExistsError, NotADirectoryError, IsADirectoryError)):
        fix = "there is a file instead of a folder, or a folder instead of a file"
        return UsageError(reason, where=where, fix="use a name of at most 255 bytes" if too_long else fix)
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return DeniedError(reason, where=where, fix="check the permissions of this file and of its folder")
    return PipelineError(reason, where=where)
