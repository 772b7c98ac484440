"""Translate the errors of Cloud Storage and its client to errors of :mod:`steps.core.errors`."""

from __future__ import annotations

import re
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from steps.buckets.transfer import corrupt_error
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

_RUN_AGAIN, _LOG_IN = "run again", "run `gcloud auth application-default login`"
_TRANSIENT = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
# "NAME@PROJECT.iam.gserviceaccount.com does not have storage.objects.get access to ...", or "Anonymous caller ..."
_PRINCIPAL = re.compile(r"([^\s\":]+@[^\s\"]+|Anonymous caller) does not have")
# The message in a whole answer, which some errors of the client contain.
_MESSAGE = re.compile(r'"message": ?"([^"]+)"')
_PERMISSION = re.compile(r"storage\.[a-zA-Z]+\.[a-zA-Z]+")


@contextmanager
def translate_errors(where: str, permission: str, principal: str = "") -> Iterator[None]:
    """Translate the client's errors in the block to a :class:`PipelineError`. Other errors pass unchanged.

    Args:
        where: The address, for the message.
        permission: The permission that the block needs, named in the message unless the service names one.
        principal: The account that is used, if it is known, named in the message unless the service names one.
    """
    try:
        yield
    except Exception as error:
        known = translate_error(error, where, permission, principal)
        if known is None:
            raise
        raise known from None


def translate_error(error: Exception, where: str, permission: str, principal: str = "") -> PipelineError | None:
    """Return the translation of an error, None if it is not an error of the client; see :func:`translate_errors`."""
    import requests
    import urllib3
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from google.cloud.storage import exceptions as media  # type: ignore[import-untyped]

    network = (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)
    access = permission, principal
    known: PipelineError | None = None
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        known = translate_error(error.cause, where, *access)
    elif isinstance(error, api.GoogleAPICallError):
        known = _from_status(int(error.code or 0), str(error.message), where, access)
    elif isinstance(error, media.InvalidResponse):
        known = _from_status(error.response.status_code, error.response.text, where, access)
    elif isinstance(error, media.DataCorruption):
        known = corrupt_error(where)
    elif isinstance(error, auth.GoogleAuthError):
        known = _from_auth_error(error, where)
    elif isinstance(error, network):
        known = _from_network_error(error, where)
    return known


def _from_status(status: int, message: str, where: str, access: tuple[str, str]) -> PipelineError:
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(f"Cloud Storage answered {status} again and again", where=where, fix=_RUN_AGAIN)
    if status == HTTPStatus.NOT_FOUND:
        what = "no such bucket" if re.search(r"bucket does not exist", message) else "no such object or bucket"
        return NoInputError(what, where=where, fix="check the name")
    if status == HTTPStatus.FORBIDDEN or (status == HTTPStatus.UNAUTHORIZED and _PERMISSION.search(message)):
        return _denied_error(message, where, *access)
    if status == HTTPStatus.UNAUTHORIZED:
        return DeniedError("the Google credentials were refused", where=where, fix=_LOG_IN)
    if status == HTTPStatus.PRECONDITION_FAILED:
        return already_exists(where)
    found = _MESSAGE.search(message)
    reason = found[1] if found else message.strip() or "no reason given"
    return PipelineError(f"Cloud Storage answered {status} ({reason.splitlines()[0][:200]})", where=where)


def _denied_error(message: str, where: str, permission: str, principal: str) -> DeniedError:
    named, who = _PERMISSION.search(message), _PRINCIPAL.search(message)
    permission, principal = named[0] if named else permission, who[1] if who else principal
    what = f"{principal or 'the caller'} lacks the permission {permission}"
    return DeniedError(what, where=where, fix="have it granted on the bucket, and check the bucket's name")


def _from_auth_error(error: Exception, where: str) -> PipelineError:
    from google.auth import exceptions as auth

    if isinstance(error, auth.TransportError):
        return TransientError(f"no token could be fetched ({_summary(error)})", where=where, fix=_RUN_AGAIN)
    missing = isinstance(error, auth.DefaultCredentialsError)
    what = "there are no Google credentials" if missing else f"the Google credentials were refused ({_summary(error)})"
    return DeniedError(what, where=where, fix=_LOG_IN)


def _from_network_error(error: Exception, where: str) -> PipelineError:
    """Distinguish a service that cannot be reached from a connection that broke."""
    reason = str(error)
    if "NewConnectionError" in reason or "NameResolutionError" in reason or "Connection refused" in reason:
        return UnavailableError("Cloud Storage cannot be reached", where=where, fix="check the network and try again")
    return TransientError(f"the connection broke again and again ({_summary(error)})", where=where, fix=_RUN_AGAIN)


def _summary(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:160]
