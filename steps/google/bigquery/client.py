"""Clients of BigQuery: application default credentials, requests and retries that end, emulators where they are named.

With ``BIGQUERY_EMULATOR_HOST`` (``http://127.0.0.1:9050``; the official client reads it too) no credentials are used,
and the Storage Read API is the one at ``BIGQUERY_STORAGE_EMULATOR_HOST`` (``127.0.0.1:9060``, without TLS) or none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import google.auth
from google.api_core import exceptions as api
from google.api_core.retry import Retry, if_exception_type
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from steps.core.errors import UsageError
from steps.google.session import use_own_credentials

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud.bigquery_storage import BigQueryReadClient

# Of one request, and how long one that fails in passing is tried again.
REQUEST_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
FIRST_WAIT_SECONDS = 1.0
_EMULATOR, _STORAGE_EMULATOR = "BIGQUERY_EMULATOR_HOST", "BIGQUERY_STORAGE_EMULATOR_HOST"
_PASSING_STATES = (api.ServiceUnavailable, api.InternalServerError, api.DeadlineExceeded, api.TooManyRequests)


def connect(project: str, location: str = "") -> bigquery.Client:
    """Return a client that bills ``project``, or the project of the credentials where it is empty.

    Raises:
        UsageError: there is no project.
        google.auth.exceptions.DefaultCredentialsError: there are no credentials.
    """
    credentials, own = _credentials()
    if not (project or own):
        fix = "use --source bq://PROJECT, or set GOOGLE_CLOUD_PROJECT"
        raise UsageError("no project is named that BigQuery could bill", where="--source", fix=fix)
    project = project or own
    return use_own_credentials(bigquery.Client(project=project, credentials=credentials, location=location or None))


def own_project() -> str:
    """Return the project of the credentials, empty where they name none; errors as :func:`connect`."""
    return _credentials()[1]


def _credentials() -> tuple[Credentials, str]:
    if os.environ.get(_EMULATOR):
        return AnonymousCredentials(), os.environ.get("GOOGLE_CLOUD_PROJECT", "")  # type: ignore[no-untyped-call]
    credentials, project = google.auth.default(scopes=bigquery.Client.SCOPE)
    return credentials, project or ""


def read_client(rest: bigquery.Client) -> BigQueryReadClient | None:
    """Return a client of the Storage Read API with the same credentials; None where only REST is emulated."""
    from google.cloud.bigquery_storage import BigQueryReadClient

    if not os.environ.get(_EMULATOR):
        own = rest._credentials  # noqa: SLF001 - the same, not found a second time
        return BigQueryReadClient(credentials=own)  # type: ignore[no-untyped-call]
    if not (address := os.environ.get(_STORAGE_EMULATOR)):
        return None
    import grpc  # type: ignore[import-untyped]
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

    channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
    return BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))  # type: ignore[no-untyped-call]


def patience() -> Retry:
    """Return the official client's retries, with an end."""
    return bigquery.DEFAULT_RETRY.with_delay(initial=FIRST_WAIT_SECONDS, maximum=20.0).with_timeout(PATIENCE_SECONDS)


def stream_patience() -> Retry:
    """Return retries for the calls of the Storage Read API; what broke in mid-stream goes on where it was."""
    return Retry(
        if_exception_type(*_PASSING_STATES), initial=FIRST_WAIT_SECONDS, maximum=20.0, timeout=PATIENCE_SECONDS
    )
