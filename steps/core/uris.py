"""Parse addresses of sources and destinations: ``builtin:``, a path, ``file://``, ``gs://``, ``s3://`` or ``bq://``.

Schemes are case-insensitive (RFC 3986, section 3.1). A ``file:`` address names a file of this machine (RFC 8089): its
authority is empty or ``localhost``, its path is absolute and percent-encoded. Any text without a scheme is a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from steps.core import texts
from steps.core.errors import UsageError

BUILTIN, PATH, FILE, GCS, S3, TABLE = "builtin:", "a path", "file://", "gs://", "s3://", "bq://"
BUCKETS = (GCS, S3)
SOURCES = (BUILTIN, PATH, FILE, *BUCKETS, TABLE)
DESTINATIONS = (*BUCKETS, PATH, FILE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(//)?(.*)", re.IGNORECASE | re.DOTALL)
_KIND_BY_SCHEME = {"builtin": BUILTIN, "file": FILE, "gs": GCS, "s3": S3, "bq": TABLE}
_UNKNOWN_KIND = "another kind"


@dataclass(frozen=True)
class Uri:
    """A parsed address.

    Attributes:
        kind: One of ``SOURCES``.
        text: The address with its scheme in lower case.
    """

    kind: str
    text: str

    @property
    def local(self) -> bool:
        """Whether the address names files of this machine."""
        return self.kind in (PATH, FILE)

    @property
    def path(self) -> Path:
        """The path of a local address."""
        return Path(unquote(self.text.removeprefix(FILE)) if self.kind == FILE else self.text)


def parse(text: str, accepted: tuple[str, ...] = SOURCES, *, what: str = "source", where: str = "--source") -> Uri:
    """Parse an address.

    Args:
        text: The address as the user wrote it.
        accepted: The kinds of address that are allowed.
        what: The noun for the address in error messages.
        where: The option that the address comes from, for error messages.

    Raises:
        UsageError: The address is of another kind, or is not valid for its kind.
    """
    if why := texts.find_problem(text) if text.strip() else "is empty":
        raise UsageError(f"the {what} {text!r} {why}", where=where, fix=f"write {_join_kinds(accepted)}")
    found = _SCHEME.fullmatch(text)
    scheme, slashes, rest = found.groups() if found else ("", "", text)
    scheme = scheme.lower()
    kind = _KIND_BY_SCHEME.get(scheme, _UNKNOWN_KIND if slashes else PATH)
    if kind not in accepted:
        named = f"{scheme}:" if kind == BUILTIN else f"{scheme}://"
        raise UsageError(
            f"unknown kind of {what} {text if kind == PATH else named}", where=where, fix=f"use {_join_kinds(accepted)}"
        )
    if kind == PATH:
        return Uri(PATH, text)
    if kind == BUILTIN:
        if slashes or rest:
            raise UsageError(f"{text!r} is not a {what}", where=where, fix=f"write {BUILTIN} and nothing after it")
        return Uri(BUILTIN, BUILTIN)
    if kind == FILE:
        return Uri(FILE, FILE + _absolute_path(rest, where, authority=bool(slashes)))
    if not slashes:
        raise UsageError(f"{text!r} has no slashes after its scheme", where=where, fix=f"write {kind}{rest}")
    return Uri(kind, kind + rest)


def _join_kinds(kinds: tuple[str, ...]) -> str:
    return f"{', '.join(kinds[:-1])} or {kinds[-1]}" if len(kinds) > 1 else kinds[0]


def _absolute_path(rest: str, where: str, *, authority: bool) -> str:
    """Return the percent-encoded absolute path of a ``file:`` address.

    Args:
        rest: The address without ``file:``, and without ``//`` if there is an authority.
        where: The option that the address comes from, for error messages.
        authority: Whether ``rest`` begins with an authority.

    Raises:
        UsageError: The address names another machine, has no absolute path, or decodes to invalid text.
    """
    host, slash, path = rest.partition("/") if authority else ("", rest[:1], rest[1:])
    if slash != "/" or host.lower() not in ("", "localhost"):
        fix = f"write file:///ABSOLUTE/PATH, or the path {rest} alone" if rest else "write file:///ABSOLUTE/PATH"
        what = f"{host!r} is the name of another machine" if host and slash else "there is no absolute path"
        raise UsageError(f"{what} in file:{'//' if authority else ''}{rest}", where=where, fix=fix)
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        decoded = "\0"
    if texts.find_problem(decoded):
        fix = "encode UTF-8 text, or write the path without encoding"
        raise UsageError(f"the percent-encoding in file:///{path} does not give valid text", where=where, fix=fix)
    return f"/{path}"
