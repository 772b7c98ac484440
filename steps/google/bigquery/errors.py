"""What BigQuery and its clients raise, as the errors of :mod:`steps.core.errors`: one line that says what to do."""

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
_AGAIN = "it may work when tried again"
_PERMISSION = re.compile(r"bigquery\.[a-zA-Z]+\.[a-zA-Z]+")
_POSITION = re.compile(r" at \[(\d+):(\d+)\]")
# The smallest predefined role that holds a permission.
_ROLES = {
    "bigquery.jobs.create": "roles/bigquery.jobUser on the project",
    "bigquery.readsessions.create": "roles/bigquery.readSessionUser on the project",
    "bigquery.readsessions.getData": "roles/bigquery.readSessionUser on the project",
    "bigquery.tables.get": "roles/bigquery.dataViewer on the table or its dataset",
    "bigquery.tables.getData": "roles/bigquery.dataViewer on the table or its dataset",
}
# Reasons that BigQuery gives under several HTTP codes, 403 among them, and that pass.
_PASSING = {"rateLimitExceeded", "jobRateLimitExceeded", "backendError", "internalError", "jobBackendError"}
_TRANSIENT = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)

# TimeoutError: what a job's result() makes of a request's.
_NETWORK = (ConnectionError, TimeoutError)


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what the clients raise in the block into an error of ours about ``where``; anything else passes through."""
    try:
        yield
    except (api.GoogleAPIError, auth.GoogleAuthError, requests.RequestException, *_NETWORK) as error:
        raise explain(error, where) from None


def explain(error: Exception, where: str) -> PipelineError:
    """Return our error for one that a client of BigQuery raised."""
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        return explain(error.cause, where)
    if isinstance(error, auth.DefaultCredentialsError):
        return DeniedError("there are no Google credentials", where=where, fix=_LOGIN)
    if isinstance(error, auth.GoogleAuthError) and not isinstance(error, auth.TransportError):
        return DeniedError(f"the Google credentials were refused ({_first_line(error)})", where=where, fix=_LOGIN)
    if isinstance(error, api.GoogleAPICallError):
        return _of_answer(error, where)
    return TransientError(f"the connection to BigQuery broke ({_first_line(error)})", where=where, fix=_AGAIN)


def _of_answer(error: api.GoogleAPICallError, where: str) -> PipelineError:
    """Return our error for an answer; a gRPC status has the code of the HTTP status that it stands for."""
    message, reason, code = message_of(error), reason_of(error), int(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    known: PipelineError
    if reason in _PASSING or code in _TRANSIENT or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        known = TransientError(f"BigQuery answered {code} until retries ended ({message})", where=where, fix=_AGAIN)
    elif reason == "bytesBilledLimitExceeded":
        known = UsageError(message, where=where, fix="raise --maximum-bytes-billed if this is worth it")
    elif reason in {"quotaExceeded", "billingNotEnabled"}:
        known = DeniedError(message, where=where, fix="look at the project's quotas and billing")
    elif code == HTTPStatus.UNAUTHORIZED:
        known = DeniedError(f"the Google credentials were refused ({message})", where=where, fix=_LOGIN)
    elif code == HTTPStatus.FORBIDDEN:
        known = _denied(message, where)
    elif code == HTTPStatus.NOT_FOUND:
        elsewhere = ", or use --location where the dataset lies elsewhere" if "location" in message else ""
        known = NoInputError(message, where=where, fix=f"check the name{elsewhere}")
    else:
        known = _refused(message, where)
    return known


def _refused(message: str, where: str) -> UsageError:
    if not (position := _POSITION.search(message)):
        return UsageError(message, where=where, fix="correct the source or the query")
    at = f"line {position[1]}, column {position[2]} of {where}"
    return UsageError(_POSITION.sub("", message), where=at, fix="correct the query")


def _denied(message: str, where: str) -> DeniedError:
    if not (found := _PERMISSION.search(message)):
        return DeniedError(message, where=where, fix=f"ask for {_ROLES['bigquery.tables.getData']}")
    role = _ROLES.get(found[0])
    what = f"the permission {found[0]} is missing ({message})"
    return DeniedError(what, where=where, fix=f"ask for {role}" if role else "ask for a role that holds it")


def message_of(error: api.GoogleAPICallError) -> str:
    """Return the service's own sentence, without the address, the job and the repetitions that clients add to it."""
    first: object = error.errors[0] if error.errors else None
    said = first.get("message") if isinstance(first, dict) else None
    return _first_line(said or error.message or type(error).__name__)


def reason_of(error: api.GoogleAPICallError) -> str:
    """Return the service's word for the kind of error, such as ``rateLimitExceeded``; empty where it gave none."""
    first: object = error.errors[0] if error.errors else None
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def _first_line(said: object) -> str:
    lines = str(said).strip().splitlines() or [type(said).__name__]
    return lines[0][:300].rstrip(".")
