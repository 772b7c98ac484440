"""Keeps secrets out of messages and logs: credentials in addresses, tokens of known formats, private keys."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"
# Environment variables whose value is a secret.
_VARIABLES = ("ARGO_TOKEN",)
# A shorter word may occur in any message, and is no secret worth its name.
_SHORTEST = 6
_KEY = r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
_JSON = r"""(?P<before>["'](private_key|refresh_token|client_secret|access_token|id_token)["']: ?)("[^"]*"|'[^']*')"""
_PATTERNS = (
    (re.compile(_KEY, re.DOTALL), MASK),
    (re.compile(_JSON), rf"\g<before>{MASK}"),
    (re.compile(r"(?P<scheme>\bhttps?://)\S*@"), rf"\g<scheme>{MASK}@"),
    (re.compile(r"(?P<scheme>\b\w+://)[^\s/]*@"), rf"\g<scheme>{MASK}@"),
    (re.compile(r"(?P<kind>\b(Bearer|Basic)) [\w.~+/-]{6,}=*", re.IGNORECASE), rf"\g<kind> {MASK}"),
    # JSON web tokens, and access and refresh tokens of Google's.
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(\.[\w-]+)?|\bya29\.[\w.-]+|\b1//[\w-]{16,}"), MASK),
)
_USER = re.compile(r"(\w+://)?[^/]*@")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return ``text`` with a mask for ``secrets``, for those in the environment, and for all that looks like one."""
    known = {word for secret in (*secrets, *map(_value, _VARIABLES)) for word in secret.split()}
    for word in sorted((word for word in known if len(word) >= _SHORTEST and word != "Bearer"), key=len, reverse=True):
        text = text.replace(word, MASK)
    for pattern, mask in _PATTERNS:
        text = pattern.sub(mask, text)
    return text


def _value(variable: str) -> str:
    return os.environ.get(variable, "")


def names_a_user(address: str) -> bool:
    """Return whether an address holds a user name or password, as in ``https://user:password@host``."""
    return _USER.match(address) is not None
