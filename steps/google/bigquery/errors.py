"""Translate the errors of BigQuery and its clients to errors of :mod:`steps.core.errors`."""

from __future__ import annotations

import re
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from steps.core.errors import DeniedError, NoInputError, PipelineError, TransientError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGIN = "run `gcloud auth application-default login`, or give the pod's account an identity (Workload Identity)"
_RUN_AGAIN = "run again"
_PERMISSION = re.compile(r"bigquery\.[a-zA-Z]+\.[a-zA-Z]+")
_POSITION = re.compile(r" at \[(\d+):(\d+)\]")
# The smallest predefined role with a permission.
_ROLES = {
    "bigquery.jobs.create": "roles/bigquery.jobUser on the project",
    "bigquery.readsessions.create": "roles/bigquery.readSessionUser on the project",
    "bigquery.readsessions.getData": "roles/bigquery.readSessionUser on the project",
    "bigquery.tables.get": "roles/bigquery.dataViewer on the table or its dataset",
    "bigquery.tables.getData": "roles/bigquery.dataViewer on the table or its dataset",
}
# Reasons of temporary errors, which BigQuery sends with several HTTP codes, 403 among them.
_TEMPORARY_REASONS = {"rateLimitExceeded", "jobRateLimitExceeded", "backendError", "internalError", "jobBackendError"}
_TRANSIENT = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)

# A job's result() raises TimeoutError for the timeout of a request.
_NETWORK = (ConnectionError, TimeoutError)


@contextmanager
def translate_errors(where: str) -> Iterator[None]:
    """Translate the clients' errors in the block to a :class:`PipelineError` about ``where``. Others pass unchanged."""
    try:
        yield
    except (api.GoogleAPIError, auth.GoogleAuthError, requests.RequestException, *_NETWORK) as error:
        raise translate_error(error, where) from None


def translate_error(error: Exception, where: str) -> PipelineError:
    """Return the translation of an error that a client of BigQuery raised."""
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        return translate_error(error.cause, where)
    if isinstance(error, auth.DefaultCredentialsError):
        return DeniedError("there are no Google credentials", where=where, fix=_LOGIN)
    if isinstance(error, auth.GoogleAuthError) and not isinstance(error, auth.TransportError):
        return DeniedError(f"the Google credentials were refused ({_first_line(error)})", where=where, fix=_LOGIN)
    if isinstance(error, api.GoogleAPICallError):
        return _from_answer(error, where)
    return TransientError(f"the connection to BigQuery broke ({_first_line(error)})", where=where, fix=_RUN_AGAIN)


def _from_answer(error: api.GoogleAPICallError, where: str) -> PipelineError:
    """Return the error for an answer. The client gives a gRPC status the corresponding HTTP code."""
    message, reason, code = message_of(error), reason_of(error), int(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    known: PipelineError
    if reason in _TEMPORARY_REASONS or code in _TRANSIENT or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        known = TransientError(f"BigQuery answered {code} until retries ended ({message})", where=where, fix=_RUN_AGAIN)
    elif reason == "bytesBilledLimitExceeded":
        known = UsageError(message, where=where, fix="raise --maximum-bytes-billed to accept the cost")
    elif reason in {"quotaExceeded", "billingNotEnabled"}:
        known = DeniedError(message, where=where, fix="check the quotas and the billing of the project")
    elif code == HTTPStatus.UNAUTHORIZED:
        known = DeniedError(f"the Google credentials were refused ({message})", where=where, fix=_LOGIN)
    elif code == HTTPStatus.FORBIDDEN:
        known = _denied_error(message, where)
    elif code == HTTPStatus.NOT_FOUND:
        elsewhere = ", or use --location if the dataset is in another location" if "location" in message else ""
        known = NoInputError(message, where=where, fix=f"check the name{elsewhere}")
    else:
        known = _bad_request_error(message, where)
    return known


def _bad_request_error(message: str, where: str) -> UsageError:
    if not (position := _POSITION.search(message)):
        return UsageError(message, where=where, fix="correct the source or the query")
    at = f"line {position[1]}, column {position[2]} of {where}"
    return UsageError(_POSITION.sub("", message), where=at, fix="correct the query")


def _denied_error(message: str, where: str) -> DeniedError:
    if not (found := _PERMISSION.search(message)):
        return DeniedError(message, where=where, fix=f"ask for {_ROLES['bigquery.tables.getData']}")
    role = _ROLES.get(found[0])
    what = f"the permission {found[0]} is missing ({message})"
    return DeniedError(what, where=where, fix=f"ask for {role}" if role else "ask for a role with this permission")


def message_of(error: api.GoogleAPICallError) -> str:
    """Return the message of the service, without the address, the job and the repetitions that clients add."""
    first: object = error.errors[0] if error.errors else None
    message = first.get("message") if isinstance(first, dict) else None
    return _first_line(message or error.message or type(error).__name__)


def reason_of(error: api.GoogleAPICallError) -> str:
    """Return the reason of an error in the service's words, such as ``rateLimitExceeded``, empty if there is none."""
    first: object = error.errors[0] if error.errors else None
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def _first_line(message: object) -> str:
    lines = str(message).strip().splitlines() or [type(message).__name__]
    return lines[0][:300].rstrip(".")
