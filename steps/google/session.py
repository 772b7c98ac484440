"""The HTTP session of Google's clients, with their own credentials alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import requests


_Client = TypeVar("_Client")


def use_own_credentials(client: _Client) -> _Client:
    """Keep ``~/.netrc`` from a client's requests, where it would replace the token, and return the client."""
    session: Any = client._http  # type: ignore[attr-defined] # noqa: SLF001 - no public way
    session.auth = _as_it_is
    return client


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
