"""Clients of BigQuery, with application default credentials and time limits for requests and retries.

With ``BIGQUERY_EMULATOR_HOST`` (``http://127.0.0.1:9050``; the official client reads it too) no credentials are used.
The Storage Read API is then at ``BIGQUERY_STORAGE_EMULATOR_HOST`` (``127.0.0.1:9060``, without TLS), or missing.
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

# The time limit of one request, and of all retries of a request that fails temporarily.
REQUEST_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
FIRST_WAIT_SECONDS = 1.0
_EMULATOR, _STORAGE_EMULATOR = "BIGQUERY_EMULATOR_HOST", "BIGQUERY_STORAGE_EMULATOR_HOST"
_TEMPORARY_ERRORS = (api.ServiceUnavailable, api.InternalServerError, api.DeadlineExceeded, api.TooManyRequests)


def connect(project: str, location: str = "") -> bigquery.Client:
    """Return a client.

    Args:
        project: The project to bill; empty for the project of the credentials.
        location: The location of jobs; empty for the service's default.

    Raises:
        UsageError: There is no project.
        google.auth.exceptions.DefaultCredentialsError: There are no credentials.
    """
    credentials, own = _credentials()
    if not (project or own):
        fix = "use --source bq://PROJECT, or set GOOGLE_CLOUD_PROJECT"
        raise UsageError("there is no project that BigQuery could bill", where="--source", fix=fix)
    project = project or own
    return use_own_credentials(bigquery.Client(project=project, credentials=credentials, location=location or None))


def own_project() -> str:
    """Return the project of the credentials, empty if they name none; errors as for :func:`connect`."""
    return _credentials()[1]


def _credentials() -> tuple[Credentials, str]:
    if os.environ.get(_EMULATOR):
        return AnonymousCredentials(), os.environ.get("GOOGLE_CLOUD_PROJECT", "")  # type: ignore[no-untyped-call]
    credentials, project = google.auth.default(scopes=bigquery.Client.SCOPE)
    return credentials, project or ""


def read_client(rest: bigquery.Client) -> BigQueryReadClient | None:
    """Return a client of the Storage Read API with the credentials of a client, None if only REST is emulated."""
    from google.cloud.bigquery_storage import BigQueryReadClient

    if not os.environ.get(_EMULATOR):
        own = rest._credentials  # noqa: SLF001 - there is no public attribute
        return BigQueryReadClient(credentials=own)  # type: ignore[no-untyped-call]
    if not (address := os.environ.get(_STORAGE_EMULATOR)):
        return None
    import grpc  # type: ignore[import-untyped]
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

    channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
    return BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))  # type: ignore[no-untyped-call]


def request_retry() -> Retry:
    """Return the retries of the official client, with a time limit."""
    return bigquery.DEFAULT_RETRY.with_delay(initial=FIRST_WAIT_SECONDS, maximum=20.0).with_timeout(PATIENCE_SECONDS)


def stream_retry() -> Retry:
    """Return the retries of the Storage Read API. A stream that broke is resumed at the next row."""
    return Retry(
        if_exception_type(*_TEMPORARY_ERRORS), initial=FIRST_WAIT_SECONDS, maximum=20.0, timeout=PATIENCE_SECONDS
    )
