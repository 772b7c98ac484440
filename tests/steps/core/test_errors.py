from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from steps.core import errors

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.PipelineError, 1),
        (errors.UsageError, 2),
        (errors.AlreadyExistsError, 2),
        (errors.BadDataError, 65),
        (errors.NoInputError, 66),
        (errors.UnavailableError, 69),
        (errors.TransientError, 75),
        (errors.DeniedError, 77),
        (errors.BadConfigurationError, 78),
    ],
)
def test_exit_codes(kind: type[errors.PipelineError], code: int) -> None:
    assert kind("something").exit_code == code


def test_documented_exit_codes_are_those_of_the_errors() -> None:
    assert {2, 65, 66, 69, 75, 76, 77, 78} == errors.DOCUMENTED_EXIT_CODES


@pytest.mark.parametrize(
    ("where", "fix", "text"),
    [
        (None, None, "something"),
        ("a file", None, "something, in a file"),
        (None, "do this", "something: do this"),
        ("a file", "do this", "something, in a file: do this"),
    ],
)
def test_the_text_says_what_where_and_how_to_fix_it(where: str | None, fix: str | None, text: str) -> None:
    error = errors.PipelineError("something", where=where, fix=fix)
    assert (str(error), error.what, error.where, error.fix) == (text, "something", where, fix)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOENT, errors.NoInputError, "no such file, in a/file: check the path"),
        (errno.EACCES, errors.DeniedError, "check the permissions"),
        (errno.EPERM, errors.DeniedError, "check the permissions"),
        (errno.EROFS, errors.DeniedError, "check the permissions"),
        (errno.ENOSPC, errors.TransientError, "no space left on the disk, in a/file: free some space"),
        (errno.EDQUOT, errors.TransientError, "the disk quota is used up"),
        (errno.EFBIG, errors.TransientError, "the file is larger than the limit, in a/file: raise the limit"),
        (errno.ENOTDIR, errors.UsageError, "instead of a folder"),
        (errno.EISDIR, errors.UsageError, "instead of a file"),
        (errno.EEXIST, errors.UsageError, "file exists, in a/file"),
        (errno.ENAMETOOLONG, errors.UsageError, "file name too long, in a/file: use a name of at most 255 bytes"),
        (errno.EIO, errors.PipelineError, "input/output error, in a/file"),
    ],
)
def test_operating_system_errors(number: int, kind: type[errors.PipelineError], words: str) -> None:
    error = errors.from_system_error(OSError(number, os.strerror(number), "a/file"))
    assert type(error) is kind
    assert words in str(error)


def test_an_error_about_a_copy_names_the_original(tmp_path: Path) -> None:
    with pytest.raises(errors.BadRowError) as caught, errors.renamed(tmp_path, "gs://bucket/a"):
        raise errors.BadRowError("wrong", row=3, file=f"{tmp_path}/b.csv", fix=f"see {tmp_path}")
    assert str(caught.value) == "wrong, in row 3 of gs://bucket/a/b.csv: see gs://bucket/a"
    assert (caught.value.where, caught.value.row) == ("row 3 of gs://bucket/a/b.csv", 3)
    with pytest.raises(errors.UsageError, match=r"^a$"), errors.renamed("--source", "--input"):
        raise errors.UsageError("a")


def test_a_current_folder_that_was_removed() -> None:
    error = errors.from_os_error(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    assert str(error) == "the current folder does not exist any more: change to an existing folder"


def encode_error(text: str) -> UnicodeEncodeError:
    return UnicodeEncodeError("ascii", text, 0, 1, "ordinal not in range(128)")


def test_a_path_that_cannot_be_encoded_is_shown_and_content_is_not() -> None:
    error = errors.from_system_error(encode_error("a/\udcff"))
    assert isinstance(error, errors.UsageError)
    assert str(error).startswith(r"the text cannot be encoded as ascii, in 'a/\udcff': rename the file")
    assert "größe" not in str(errors.from_system_error(encode_error("größe")))


def test_a_destination_that_exists() -> None:
    error = errors.already_exists("gs://bucket/x")
    assert str(error) == "already exists with different content, in gs://bucket/x: choose another destination"


def test_a_signal_gives_the_exit_code_of_a_shell() -> None:
    assert [errors.shell_exit_code(code) for code in (0, 65, -9, -15)] == [0, 65, 137, errors.TERMINATED]
