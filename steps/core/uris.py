"""Addresses of tables and of destinations: ``builtin:``, a path, ``file://``, ``gs://`` or ``bq://``, read in one way.

Schemes are case-insensitive (RFC 3986, section 3.1). A ``file:`` address names this machine (RFC 8089): its authority
is empty or ``localhost``, its path is absolute and percent-encoded. Every other text is a path, taken as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from steps.core import texts
from steps.core.errors import UsageError

BUILTIN, PATH, FILE, BUCKET, TABLE = "builtin:", "a path", "file://", "gs://", "bq://"
SOURCES = (BUILTIN, PATH, FILE, BUCKET, TABLE)
DESTINATIONS = (BUCKET, PATH, FILE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(//)?(.*)", re.IGNORECASE | re.DOTALL)
_KNOWN = {"builtin": BUILTIN, "file": FILE, "gs": BUCKET, "bq": TABLE}
_OTHER = "another kind"


@dataclass(frozen=True)
class Uri:
    """An address: ``kind`` is one of ``SOURCES``, ``text`` the address with its scheme in lower case."""

    kind: str
    text: str

    @property
    def local(self) -> bool:
        """Whether it names files of the machine that reads it."""
        return self.kind in (PATH, FILE)

    @property
    def path(self) -> Path:
        """The path that a local address names."""
        return Path(unquote(self.text.removeprefix(FILE)) if self.kind == FILE else self.text)


def parse(text: str, accepted: tuple[str, ...] = SOURCES, *, what: str = "source", where: str = "--source") -> Uri:
    """Read an address.

    Args:
        text: as a person wrote it.
        accepted: the kinds that it may be of.
        what: what messages call it.
        where: the option that gave it, for messages.

    Raises:
        UsageError: it is of another kind, or not written as its kind is.
    """
    if why := texts.problem(text) if text.strip() else "is empty":
        raise UsageError(f"the {what} {text!r} {why}", where=where, fix=f"write {_listed(accepted)}")
    found = _SCHEME.fullmatch(text)
    scheme, slashes, rest = found.groups() if found else ("", "", text)
    scheme = scheme.lower()
    kind = _KNOWN.get(scheme, _OTHER if slashes else PATH)
    if kind not in accepted:
        named = f"{scheme}:" if kind == BUILTIN else f"{scheme}://"
        raise UsageError(
            f"unknown kind of {what} {text if kind == PATH else named}", where=where, fix=f"use {_listed(accepted)}"
        )
    if kind == PATH:
        return Uri(PATH, text)
    if kind == BUILTIN:
        if slashes or rest:
            raise UsageError(f"{text!r} is no {what}", where=where, fix=f"write {BUILTIN} and nothing after it")
        return Uri(BUILTIN, BUILTIN)
    if kind == FILE:
        return Uri(FILE, FILE + _absolute(rest, where, authority=bool(slashes)))
    if not slashes:
        raise UsageError(f"{text!r} has no slashes after its scheme", where=where, fix=f"write {kind}{rest}")
    return Uri(kind, kind + rest)


def _listed(kinds: tuple[str, ...]) -> str:
    return f"{', '.join(kinds[:-1])} or {kinds[-1]}" if len(kinds) > 1 else kinds[0]


def _absolute(rest: str, where: str, *, authority: bool) -> str:
    """Return the encoded absolute path of a ``file:`` address; UsageError where it names another machine or no path."""
    host, slash, path = rest.partition("/") if authority else ("", rest[:1], rest[1:])
    if slash != "/" or host.lower() not in ("", "localhost"):
        fix = f"write file:///ABSOLUTE/PATH, or the path {rest} alone" if rest else "write file:///ABSOLUTE/PATH"
        what = f"{host!r} is a machine's name" if host and slash else "there is no absolute path"
        raise UsageError(f"{what} in file:{'//' if authority else ''}{rest}", where=where, fix=fix)
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        decoded = "\0"
    if texts.problem(decoded):
        fix = "encode UTF-8 text, or write the path as it is"
        raise UsageError(f"what is percent-encoded in file:///{path} is no text", where=where, fix=fix)
    return f"/{path}"
