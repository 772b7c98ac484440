"""The address of an object or of several: ``gs://bucket/name`` or ``s3://bucket/name``, with or without wildcards."""

from __future__ import annotations

import re

from steps.core.errors import UsageError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_WILDCARD = re.compile(r"(\*\*|\*|\?)")


def split_uri(uri: str, scheme: str) -> tuple[str, str]:
    """Return the bucket and the name in ``gs://bucket/name``. The name may be empty.

    Args:
        uri: The address.
        scheme: The scheme that it must have, such as ``gs://``.

    Raises:
        UsageError: The address has another form.
    """
    form = f"{scheme}bucket/name"
    bucket, _, name = uri.removeprefix(scheme).partition("/")
    if not uri.startswith(scheme) or not _BUCKET.fullmatch(bucket):
        raise UsageError(f"{uri!r} is not {form}", fix=f"write it as {form}")
    if any(ord(mark) < ord(" ") for mark in name):
        raise UsageError(f"{uri!r} contains a control character", fix=f"write it as {form}")
    return bucket, name


def has_wildcard(name: str) -> bool:
    """Return whether a name stands for all objects that it matches."""
    return _WILDCARD.search(name) is not None


def fixed_prefix(name: str) -> str:
    """Return the part of a name before its first wildcard."""
    return _WILDCARD.split(name)[0]


def wildcard_pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of a name with wildcards. ``*`` and ``?`` do not match a slash, ``**`` does."""
    meaning = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in _WILDCARD.split(name)))
