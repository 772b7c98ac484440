"""Translate the errors of S3 and its client to errors of :mod:`steps.core.errors`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from steps.buckets.transfer import corrupt_error
from steps.core.errors import (
    BadConfigurationError,
    DeniedError,
    NoInputError,
    PipelineError,
    TransientError,
    UnavailableError,
    already_exists,
)
from steps.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Collection

_RUN_AGAIN = "run again"
_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile"
_SHOWN = 200
# What each error code of S3 means: the kind of error, what is wrong, and how to fix it. MinIO's own begin with X.
_CODES: dict[str, tuple[type[PipelineError], str, str]] = {
    "NoSuchBucket": (NoInputError, "no such bucket", "check the name"),
    "NoSuchKey": (NoInputError, "no such object", "check the name"),
    "InvalidAccessKeyId": (DeniedError, "the store does not know the access key", _KEYS),
    "SignatureDoesNotMatch": (DeniedError, "the secret key does not belong to the access key", _KEYS),
    "ExpiredToken": (DeniedError, "the credentials have expired", "log in again, for example by `aws sso login`"),
    "InvalidToken": (DeniedError, "the session token is not valid", "check AWS_SESSION_TOKEN"),
    "RequestTimeTooSkewed": (
        DeniedError,
        "the clock of this machine differs too much from the store's",
        "set the clock of this machine",
    ),
    "AuthorizationHeaderMalformed": (BadConfigurationError, "the bucket is in another region", "set AWS_REGION"),
    "PermanentRedirect": (BadConfigurationError, "the bucket is in another region", "set AWS_REGION"),
    "NotImplemented": (
        BadConfigurationError,
        "the store lacks a function that is needed, such as conditional writes",
        "use another store",
    ),
    **dict.fromkeys(
        ("QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"),
        (TransientError, "the bucket is full", "delete objects, or raise its quota, and run again"),
    ),
}
# Codes after which the same request may succeed, besides all answers with a status of 500 or above.
_TRANSIENT = {
    "ConditionalRequestConflict",
    "OperationAborted",
    "SlowDown",
    "RequestTimeout",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
}
_TRANSIENT_STATUS = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
# Codes that a HEAD request gets, whose answer has no body: the status alone.
_UNEXPLAINED = {"400", "403"}


def error_code(error: Exception) -> str:
    """Return S3's code of an error, such as ``NoSuchKey``; empty if it is no answer of S3."""
    response = getattr(error, "response", None)
    return str(response["Error"].get("Code", "")) if isinstance(response, dict) and "Error" in response else ""


def is_unexplained(error: Exception) -> bool:
    """Return whether an error is the answer to a HEAD request, which names no reason."""
    return error_code(error) in _UNEXPLAINED


def missing_credentials() -> DeniedError:
    """Return the error for a machine without credentials."""
    fix = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    return DeniedError("there are no AWS credentials", where="S3", fix=fix)


def translate_error(
    error: Exception, where: str, permission: str, secrets: Collection[str] = ()
) -> PipelineError | None:
    """Return the translation of an error, None if it is not an error of the client.

    Args:
        error: The error.
        where: The address, for the message.
        permission: The permission that the request needs, named in the message if it is missing.
        secrets: The keys, which no message shows.
    """
    import urllib3
    from botocore import exceptions as aws

    network = (aws.HTTPClientError, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)
    broken = (aws.ConnectionClosedError, aws.ReadTimeoutError, aws.ResponseStreamingError, aws.IncompleteReadError)
    reason = redact(" ".join(str(error).split()), secrets)[:_SHOWN]
    known: PipelineError | None = None
    if isinstance(error, aws.ClientError):
        known = _from_answer(error, where, permission, secrets)
    elif isinstance(error, (aws.NoCredentialsError, aws.PartialCredentialsError)):
        known = missing_credentials()
    elif isinstance(error, (aws.CredentialRetrievalError, aws.TokenRetrievalError, aws.SSOError)):
        known = DeniedError(f"the AWS credentials cannot be fetched ({reason})", where=where, fix="log in again")
    elif isinstance(error, (aws.SSLError, aws.ProxyConnectionError)):
        fix = "check AWS_ENDPOINT_URL, AWS_CA_BUNDLE and HTTPS_PROXY"
        known = UnavailableError(f"S3 cannot be reached safely ({reason})", where=where, fix=fix)
    elif isinstance(error, (aws.EndpointConnectionError, aws.ConnectTimeoutError)):
        known = UnavailableError("S3 cannot be reached", where=where, fix="check the network and AWS_ENDPOINT_URL")
    elif isinstance(error, (*broken, *network)):
        known = TransientError(f"the connection broke again and again ({reason})", where=where, fix=_RUN_AGAIN)
    elif isinstance(error, (aws.BotoCoreError, ValueError)) and "endpoint" in str(error).lower():
        known = BadConfigurationError("not the address of a store", where="AWS_ENDPOINT_URL", fix="write https://HOST")
    elif isinstance(error, aws.BotoCoreError):
        known = BadConfigurationError(f"the S3 client fails ({reason})", where=where, fix="check ~/.aws and AWS_REGION")
    return known


def _from_answer(error: Exception, where: str, permission: str, secrets: Collection[str]) -> PipelineError:
    response = error.response  # type: ignore[attr-defined]
    code, status = error_code(error), int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _CODES:
        kind, what, fix = _CODES[code]
        return kind(what, where=where, fix=fix)
    if code in _TRANSIENT or status in _TRANSIENT_STATUS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(f"S3 answered {status} again and again", where=where, fix=_RUN_AGAIN)
    if code == "BadDigest":
        return corrupt_error(where, "md5")
    message = " ".join(str(response["Error"].get("Message", "")).split())
    reason = redact(f"{code}: {message}" if message else code, secrets)[:_SHOWN]
    errors: dict[int, PipelineError] = {
        HTTPStatus.PRECONDITION_FAILED: already_exists(where),
        HTTPStatus.CONFLICT: already_exists(where),
        HTTPStatus.NOT_FOUND: NoInputError("no such object or bucket", where=where, fix="check the name"),
        HTTPStatus.FORBIDDEN: _denied_error(where, permission),
        HTTPStatus.UNAUTHORIZED: _denied_error(where, permission),
    }
    fix = "check AWS_REGION and AWS_ENDPOINT_URL"
    return errors.get(status) or BadConfigurationError(f"S3 answered {status} ({reason})", where=where, fix=fix)


def _denied_error(where: str, permission: str) -> DeniedError:
    fix = "have it granted on the bucket, and check the bucket's name"
    return DeniedError(f"the caller lacks the permission {permission}", where=where, fix=fix)
