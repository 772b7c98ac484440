"""Draws bytes of almost valid files: damaged, in another encoding, or with unusual tokens; and random bytes."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A token: a quoted text, a word or a number, a punctuation mark, or a line end.
_TOKEN = re.compile(rb'"[^"\n]*"|[\w.+-]+|[^\w\s]|\n', re.ASCII)
_NESTED = 20_000
COMMON = (
    *("", " ", "\t", "\n", "\r", "\r\n", "\x00", "\x1b", "\ufeff", "\u2028", "\u00a0", '"', "'", '""', '"""', "'''"),
    *("#", "\\"),
    *("nan", "inf", "-inf", "1e999", "-1e999", "1e-999", "-0", "-0.0", "9" * 5000, "1e" + "9" * 20, "0." + "1" * 5000),
    *("9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809", "1_000", "0x1F"),
    "1e5",
    *("true", "false", "null", "NA", "x" * 70_000, "é", "🌲", "\udcff", "1979-05-27", "2023-13-45", "25:61:61", "{}"),
    "[]",
)
OF_TOML = (
    *("[" * _NESTED, "]" * 9, "[" * 500 + "]" * 500, "{a=" * _NESTED, "{a=" * 400 + "1" + "}" * 400, "[[a]]\n"),
    *("[a]\n", "[a.b]\n"),
    *('"\\ud800"', '"\\U00110000"', '"\\x"', '"\\u0000"', "a.b.c = 1\n", ".", "=", "= =", "0001-01-01T00:00:00Z", "+1"),
    "01",
    *("9999-12-31T23:59:59.999999+24:00", "1979-05-27T00:32:00-99:99", "a." * 5000 + "a=1\n", "'''a\n'''", "{ }"),
    "[1, 'a']",
)
OF_YAML = (
    *("[" * _NESTED, "{" * _NESTED, "- " * _NESTED, "? " * _NESTED, "[" * 400 + "]" * 400, "&a [*a]", "*a", "&a a"),
    "<<: *a",
    *("&a {a: *a}", "!!python/object/apply:os.system [true]", "!!binary a", "!!timestamp x", "!!int x", "!!set {a, b}"),
    "!x y",
    *("!!float x", "!!pairs [a: 1]", "!!omap [a: 1]", "2026-13-45", "2026-11-21 25:61:61", "0o9", "0b2", "190:20:30"),
    "1:60",
    *("---\n", "...\n", "--- a\n---\n", "%YAML 9.9\n---\n", "|\n", ">-9\n", "? [a]\n: b\n", "{[a]: b}", "a: b: c"),
    *("\t", "~", "=", "<<"),
    *("0x" + "f" * 6000, "1" * 6000 + ":1", "+.inf", ".nan", "-.INF", "2001-01-01t00:00:00.000000000000000000001Z"),
    *("@", "`", "%"),
)
OF_CSV = (
    *(",", ",,", ";", "\t", "|", ",\n", '"a\nb"', '"a', 'a"b', '"a""b"', '"a"b', "\n\n", "\r\r", "\r\n\r\n"),
    ",," * 5000,
    *("NA", "N/A", "nan", "-nan", "null", "#N/A", "-1.#IND", "1.#QNAN", "None", "<NA>", "inf", "1e39", "+5", " 5 "),
    *("5 ", "1,5"),
    *("9007199254740993", "2.5", "128", "-129", "TRUE", "\x1a", "\x0c", "\x85", "split", "height", "kind", "Oak"),
    *("oak ", "OAK"),
)
OF_JSON = (
    *("[" * _NESTED, "[" * 500 + "]" * 500, '{"a":' * _NESTED, "NaN", "Infinity", "-Infinity", "1" * 5000, '"\\ud800"'),
    *("{", "}"),
    *('{"a": 1}', "[]", "{}", '"', ",", ":", "1e999", "-0", '"\\u0000"', "tru", "null", "/* */", '"a": 1, "a": 2'),
)
_ENCODINGS = (
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "cp1252",
    "cp037",
    "shift-jis",
    "utf-7",
)
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF8 * 2)


@st.composite
def files(draw: st.DrawFn, valid: Sequence[bytes], tokens: Sequence[str]) -> bytes:
    """Draw the bytes of a text file: a damaged valid file, or in one of nine cases random bytes."""
    if draw(st.integers(0, 8)) == 0:
        return draw(
            st.one_of(st.binary(max_size=300), st.text(max_size=100).map(lambda text: text.encode(errors="replace")))
        )
    data = draw(st.sampled_from(valid))
    odd = st.sampled_from([token.encode(errors="surrogateescape") for token in (*COMMON, *tokens)])
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        data = draw(st.sampled_from(_CHANGES))(draw, data, odd)
    return data


@st.composite
def binaries(draw: st.DrawFn, valid: Sequence[bytes]) -> bytes:
    """Draw the bytes of a binary file. Most damage is at its end, which describes the content."""
    data = bytearray(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(1, 4))):
        near_end = len(data) - 1 - draw(st.integers(0, min(len(data) - 1, 700)))
        at = near_end if draw(st.booleans()) else draw(st.integers(0, len(data) - 1))
        change = draw(st.integers(0, 4))
        if change == 0:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif change == 1:
            data[at] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
        elif change == 2:
            data[at : at + draw(st.integers(1, 9))] = draw(st.binary(max_size=9))
        elif change == 3:
            data[at : at + 4] = draw(st.sampled_from([b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00" * 4, b"PAR1"]))
        elif draw(st.integers(0, 3)) == 0:
            del data[at:]
        if not data:
            return b""
    return bytes(data)


_Odd = st.SearchStrategy[bytes]


def _replace(draw: st.DrawFn, data: bytes, odd: _Odd) -> bytes:
    """Replace a token by an unusual one."""
    found = list(_TOKEN.finditer(data))
    if not found:
        return data + draw(odd)
    token = found[draw(st.integers(0, len(found) - 1))]
    return data[: token.start()] + draw(odd) + data[token.end() :]


def _insert(draw: st.DrawFn, data: bytes, odd: _Odd) -> bytes:
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(odd) + data[at:]


def _swap(draw: st.DrawFn, data: bytes, odd: _Odd) -> bytes:
    """Replace a token by another one of the file."""
    found = list(_TOKEN.finditer(data))
    if len(found) < 2:
        return data + draw(odd)
    token, other = (found[draw(st.integers(0, len(found) - 1))] for _ in range(2))
    return data[: token.start()] + other[0] + data[token.end() :]


def _flip(draw: st.DrawFn, data: bytes, odd: _Odd) -> bytes:
    del odd
    if not data:
        return data
    at = draw(st.integers(0, len(data) - 1))
    return data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]


def _cut(draw: st.DrawFn, data: bytes, odd: _Odd) -> bytes:
    del odd
    first = draw(st.integers(0, len(data)))
    last = draw(st.one_of(st.just(len(data)), st.integers(first, len(data))))
    return data[:first] + data[last:]


def _line(draw: st.DrawFn, data: bytes, odd: _Odd) -> bytes:
    """Remove or repeat a line, or change all line ends."""
    lines = data.split(b"\n")
    at = draw(st.integers(0, len(lines) - 1))
    change = draw(st.integers(0, 3))
    if change == 0:
        return b"\n".join(lines[:at] + lines[at + 1 :])
    if change == 1:
        return b"\n".join([*lines[:at], lines[at], *lines[at:]])
    if change == 2:
        return b"\n".join([*lines[:at], draw(odd), *lines[at:]])
    return draw(st.sampled_from([b"\r", b"\r\n", b"\n\r", b"\n\n", b"\x0b", b" \n", "\u2028".encode()])).join(lines)


def _encode(draw: st.DrawFn, data: bytes, odd: _Odd) -> bytes:
    del odd
    if draw(st.booleans()):
        return draw(st.sampled_from(_BOMS)) + data
    text = data.decode(errors="replace") + draw(st.sampled_from(["", "é", "# Größe\n"]))
    return text.encode(draw(st.sampled_from(_ENCODINGS)), errors="replace")


_CHANGES: tuple[Callable[[st.DrawFn, bytes, _Odd], bytes], ...] = (
    *(_replace, _replace, _replace, _insert, _swap, _flip, _cut, _line, _encode),
)
