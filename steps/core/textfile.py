"""Read text files written by people: UTF-8, with or without a byte-order mark.

This module imports the standard library only, because ``workflows`` uses it too.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from steps.core.errors import BadConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from steps.core.errors import PipelineError

# UTF-32 comes first because its little-endian mark begins with the one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
SAVE_AS_UTF8 = "save it as UTF-8"


def read(path: Path, error: type[PipelineError] = BadConfigurationError) -> str:
    """Return the text of a UTF-8 file, without its byte-order mark and with line feeds as line ends.

    Args:
        path: The file.
        error: The class of the error to raise if the file is not UTF-8 text.

    Raises:
        PipelineError: The file is in another encoding, which the message names, or contains a NUL byte.
        OSError: The file cannot be read.
    """
    data = path.read_bytes()
    if encoding := wide_encoding(data):
        raise error(f"this is {encoding} text, UTF-8 is needed", where=str(path), fix=SAVE_AS_UTF8)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        what = f"this is not UTF-8 text: byte 0x{data[problem.start]:02x} on line {line} ({problem.reason})"
        raise error(what, where=str(path), fix=f"{SAVE_AS_UTF8} (is it Latin-1 or Windows-1252?)") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise error(f"there is a NUL byte on line {line}", where=str(path), fix=f"write it again, or {SAVE_AS_UTF8}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def wide_encoding(data: bytes) -> str:
    """Return ``UTF-16`` or ``UTF-32`` if the first bytes are typical of that encoding, otherwise an empty string.

    Without a byte-order mark, UTF-16 is recognised by its first two characters, of which one byte each is 0.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    zeros = [byte == 0 for byte in data[:4]]
    return "UTF-16" if zeros in ([True, False, True, False], [False, True, False, True]) else ""
