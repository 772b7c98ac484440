"""Let the HTTP sessions of Google's clients use only the credentials of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import requests


_Client = TypeVar("_Client")


def use_own_credentials(client: _Client) -> _Client:
    """Prevent the session of a client from reading ``~/.netrc``, which would replace its token. Return the client."""
    session: Any = client._http  # type: ignore[attr-defined] # noqa: SLF001 - there is no public attribute
    session.auth = _keep_request
    return client


def _keep_request(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
