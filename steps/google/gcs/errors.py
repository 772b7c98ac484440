"""What Cloud Storage and its client raise, as the errors of :mod:`steps.core.errors`: one line that says what to do."""

from __future__ import annotations

import re
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from steps.core.errors import (
    DeniedError,
    NoInputError,
    PipelineError,
    TransientError,
    UnavailableError,
    already_exists,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_AGAIN, _LOG_IN = "run again", "run `gcloud auth application-default login`"
_TRANSIENT = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
# "NAME@PROJECT.iam.gserviceaccount.com does not have storage.objects.get access to ...", or "Anonymous caller ..."
_PRINCIPAL = re.compile(r"([^\s\":]+@[^\s\"]+|Anonymous caller) does not have")
# Where the client hands on the whole answer.
_MESSAGE = re.compile(r'"message": ?"([^"]+)"')
_PERMISSION = re.compile(r"storage\.[a-zA-Z]+\.[a-zA-Z]+")


@contextmanager
def explained(where: str, permission: str, principal: str = "") -> Iterator[None]:
    """Turn what the client raises in the block into an error of ours; anything else passes through.

    ``permission`` is what the block needs, ``principal`` who asks, where it is known: a refusal says them unless the
    service's answer names them itself.
    """
    try:
        yield
    except Exception as error:
        known = explain(error, where, permission, principal)
        if known is None:
            raise
        raise known from None


def explain(error: Exception, where: str, permission: str, principal: str = "") -> PipelineError | None:
    """Return our error for one that the client raised, None where it is not the client's."""
    import requests
    import urllib3
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from google.cloud.storage import exceptions as media  # type: ignore[import-untyped]

    network = (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)
    asked = permission, principal
    known: PipelineError | None = None
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        known = explain(error.cause, where, *asked)
    elif isinstance(error, api.GoogleAPICallError):
        known = _of_status(int(error.code or 0), str(error.message), where, asked)
    elif isinstance(error, media.InvalidResponse):
        known = _of_status(error.response.status_code, error.response.text, where, asked)
    elif isinstance(error, media.DataCorruption):
        known = corrupt(where)
    elif isinstance(error, auth.GoogleAuthError):
        known = _of_credentials(error, where)
    elif isinstance(error, network):
        known = _of_network(error, where)
    return known


def corrupt(where: str) -> TransientError:
    """Return the error for bytes whose crc32c is not the one they should have."""
    return TransientError("the bytes that arrived have another crc32c", where=where, fix=_AGAIN)


def transient(error: PipelineError | None) -> bool:
    """Return whether the error is one that trying again may mend."""
    return isinstance(error, (TransientError, UnavailableError))


def _of_status(status: int, message: str, where: str, asked: tuple[str, str]) -> PipelineError:
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(f"Cloud Storage answered {status} again and again", where=where, fix=_AGAIN)
    if status == HTTPStatus.NOT_FOUND:
        what = "no such bucket" if re.search(r"bucket does not exist", message) else "no such object or bucket"
        return NoInputError(what, where=where, fix="check the name")
    if status == HTTPStatus.FORBIDDEN or (status == HTTPStatus.UNAUTHORIZED and _PERMISSION.search(message)):
        return _denied(message, where, *asked)
    if status == HTTPStatus.UNAUTHORIZED:
        return DeniedError("the Google credentials were refused", where=where, fix=_LOG_IN)
    if status == HTTPStatus.PRECONDITION_FAILED:
        return already_exists(where)
    said = _MESSAGE.search(message)
    reason = said[1] if said else message.strip() or "no reason given"
    return PipelineError(f"Cloud Storage answered {status} ({reason.splitlines()[0][:200]})", where=where)


def _denied(message: str, where: str, permission: str, principal: str) -> DeniedError:
    named, who = _PERMISSION.search(message), _PRINCIPAL.search(message)
    permission, principal = named[0] if named else permission, who[1] if who else principal
    what = f"{principal or 'the caller'} lacks the permission {permission}"
    return DeniedError(what, where=where, fix="have it granted on the bucket, and check the bucket's name")


def _of_credentials(error: Exception, where: str) -> PipelineError:
    from google.auth import exceptions as auth

    if isinstance(error, auth.TransportError):
        return TransientError(f"no token could be fetched ({_short(error)})", where=where, fix=_AGAIN)
    missing = isinstance(error, auth.DefaultCredentialsError)
    what = "there are no Google credentials" if missing else f"the Google credentials were refused ({_short(error)})"
    return DeniedError(what, where=where, fix=_LOG_IN)


def _of_network(error: Exception, where: str) -> PipelineError:
    """Tell a service that does not exist from a connection that broke."""
    reason = str(error)
    if "NewConnectionError" in reason or "NameResolutionError" in reason or "Connection refused" in reason:
        return UnavailableError("Cloud Storage cannot be reached", where=where, fix="check the network and try again")
    return TransientError(f"the connection broke again and again ({_short(error)})", where=where, fix=_AGAIN)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:160]
