"""Read UBJSON, the format of XGBoost's model files.

Arrays of numbers become NumPy arrays without a Python object for each number. Source: https://ubjson.org (draft 12).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_CONSTANTS = {b"T": True, b"F": False, b"Z": None}
# Deeper documents are damaged. It is far below Python's recursion limit.
_MOST_LEVELS = 64


def parse(data: bytes) -> Any:  # noqa: ANN401 - any value that UBJSON can express
    """Return the value of a UBJSON document.

    Typed arrays are NumPy arrays in big-endian byte order, views of ``data``. Other values are those of :mod:`json`.

    Raises:
        ValueError: The document is damaged, or has a type that XGBoost does not write.
    """
    reader = _Reader(data)
    try:
        value = reader.value(reader.take(1), 0)
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    if reader.at != len(data):
        raise ValueError(f"{len(data) - reader.at} bytes after the end")
    return value


class _Reader:
    """A position in a document, and the methods that read the value there and move the position behind it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        start, self.at = self.at, self.at + size
        if size < 0 or self.at > len(self._data):
            raise ValueError("ends in the middle of a value")
        return self._data[start : self.at]

    def value(self, marker: bytes, level: int) -> Any:  # noqa: ANN401 - any value
        if level > _MOST_LEVELS:
            raise ValueError("nested too deeply")
        if marker in _NUMBERS:
            kind = np.dtype(_NUMBERS[marker])
            return np.frombuffer(self.take(kind.itemsize), kind)[0].item()
        if marker == b"S":
            return self._text()
        if marker == b"{":
            return self._object(level)
        if marker == b"[":
            return self._array(level)
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        raise ValueError(f"unknown type {marker!r} at byte {self.at - 1}")

    def _length(self) -> int:
        marker = self.take(1)
        if marker == b"L":  # the type that XGBoost writes
            (length,) = struct.unpack(">q", self.take(8))
        elif marker in _NUMBERS and marker not in b"dD":
            length = self.value(marker, 0)
        else:
            raise ValueError(f"a length of type {marker!r} at byte {self.at - 1}")
        return int(length)

    def _text(self) -> str:
        return self.take(self._length()).decode()

    def _object(self, level: int) -> dict[str, Any]:
        found = {}
        while (self._data[self.at : self.at + 1]) != b"}":
            key = self._text()
            found[key] = self.value(self.take(1), level + 1)
        self.at += 1
        return found

    def _array(self, level: int) -> Any:  # noqa: ANN401 - a list or an array
        marker = self.take(1)
        if marker == b"$":
            return self._typed_array()
        if marker == b"#":
            return [self.value(self.take(1), level + 1) for _ in range(self._length())]
        values = []
        while marker != b"]":
            values.append(self.value(marker, level + 1))
            marker = self.take(1)
        return values

    def _typed_array(self) -> NDArray[Any]:
        marker, separator = self.take(1), self.take(1)
        if marker not in _NUMBERS or separator != b"#":
            raise ValueError(f"an array of type {marker!r} at byte {self.at - 2}")
        kind, length = np.dtype(_NUMBERS[marker]), self._length()
        start, self.at = self.at, self.at + length * kind.itemsize
        if length < 0 or self.at > len(self._data):
            raise ValueError("ends in the middle of an array")
        return np.frombuffer(self._data, kind, length, start)
