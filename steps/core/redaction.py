"""Remove secrets from messages and logs: credentials in URLs, tokens of known formats, private keys."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"
# Environment variables whose value is a secret.
_SECRET_VARIABLES = (
    "ARGO_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "COVERTYPE_SERVE_TOKEN",
    "COVERTYPE_SIGNING_PASSWORD",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
# Shorter words are not masked: they occur in ordinary messages by chance.
_SHORTEST_SECRET = 6
_KEY = r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
_JSON = r"""(?P<before>["'](private_key|refresh_token|client_secret|access_token|id_token)["']: ?)("[^"]*"|'[^']*')"""
_PATTERNS = (
    (re.compile(_KEY, re.DOTALL), MASK),
    (re.compile(_JSON), rf"\g<before>{MASK}"),
    (re.compile(r"(?P<scheme>\bhttps?://)\S*@"), rf"\g<scheme>{MASK}@"),
    (re.compile(r"(?P<scheme>\b\w+://)[^\s/]*@"), rf"\g<scheme>{MASK}@"),
    (re.compile(r"(?P<kind>\b(Bearer|Basic)) [\w.~+/-]{6,}=*", re.IGNORECASE), rf"\g<kind> {MASK}"),
    # JSON web tokens, and Google's access and refresh tokens.
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(\.[\w-]+)?|\bya29\.[\w.-]+|\b1//[\w-]{16,}"), MASK),
)
_USER = re.compile(r"(\w+://)?[^/]*@")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return ``text`` with every secret replaced by ``***``.

    Args:
        text: A message or a line of a log.
        secrets: Known secrets, masked in addition to the values of secret environment variables and to everything
            that has the format of a secret. Each word of a secret is masked by itself.
    """
    environment = (os.environ.get(variable, "") for variable in _SECRET_VARIABLES)
    known = {word for secret in (*secrets, *environment) for word in secret.split()}
    words = (word for word in known if len(word) >= _SHORTEST_SECRET and word != "Bearer")
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, MASK)
    for pattern, mask in _PATTERNS:
        text = pattern.sub(mask, text)
    return text


def has_user(address: str) -> bool:
    """Return whether an address contains a user name or password, as in ``https://user:password@host``."""
    return _USER.match(address) is not None
