"""S3 as a store of objects, by the official low-level client, which is botocore.

The credentials, the region and the endpoint come from where Amazon's own tools take them: the environment variables
``AWS_...``, the files in ``~/.aws``, or the service account of a pod. ``AWS_ENDPOINT_URL`` names another store.
"""

from __future__ import annotations

import mimetypes
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from steps import buckets
from steps.buckets.store import CHUNK_BYTES, Object, Upload
from steps.buckets.transfer import Patience, Sink
from steps.core import uris
from steps.core.crc32c import Crc32c
from steps.core.errors import AlreadyExistsError, BadConfigurationError, NoInputError, PipelineError
from steps.s3 import multipart
from steps.s3.errors import missing_credentials, translate_error
from steps.s3.requests import DELETE, GET, LIST, PUT, Requests, body_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = Patience()
# The user metadata in which this pipeline keeps the checksum of an object: not every store keeps checksums itself.
_CRC32C = "crc32c"
_PLAIN_MD5 = re.compile(r"[0-9a-f]{32}")
# The bytes of an answer that are in memory at a time. So many at most are lost when a connection breaks.
_RECEIVED_BYTES = 16 << 10
# S3 encrypts an object with a key of its own. Its ETag is then no MD5.
_KEY_ENCRYPTION = ("aws:kms", "aws:kms:dsse")


@dataclass(frozen=True)
class Access:
    """How to reach a store that is not the environment's.

    Attributes:
        endpoint: The address of the store, such as ``http://minio:9000``; empty for Amazon's.
        region: The region of the bucket; empty for the environment's.
        access_key: The access key; empty for the environment's credentials.
        secret_key: The secret key.
    """

    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)


def connect(access: Access | None = None, patience: Patience | None = None) -> Store:
    """Return a store, without making a request.

    Args:
        access: How to reach the store; None for what the environment says.
        patience: The time limits; None for ``PATIENCE``.

    Raises:
        DeniedError: There are no credentials.
        BadConfigurationError: The endpoint or a file in ``~/.aws`` is not valid.
    """
    configured, access, patience = access is None, access or Access(), patience or PATIENCE
    try:
        import botocore.session
        from botocore.config import Config

        session = botocore.session.get_session()
        if access.access_key:
            session.set_credentials(access.access_key, access.secret_key)
        config = Config(
            connect_timeout=patience.connect,
            read_timeout=patience.silence,
            retries={"total_max_attempts": 1, "mode": "standard"},
            # Other stores do not know the checksums that Amazon's adds. Every part has an MD5.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=None if configured else True,
        )
        client = session.create_client(
            "s3", config=config, endpoint_url=access.endpoint or None, region_name=access.region or None
        )
        credentials = session.get_credentials()
        secrets = _secrets_of(credentials) if credentials else []
    except Exception as error:
        known = translate_error(error, "S3", LIST)
        if known is None:
            raise
        raise known from None
    if not credentials:
        raise missing_credentials()
    return Store(client, patience, secrets)


def _secrets_of(credentials: Any) -> list[str]:  # noqa: ANN401 - botocore has no types
    frozen = credentials.get_frozen_credentials()
    return [each for each in (frozen.access_key, frozen.secret_key, frozen.token) if each]


class Store(buckets.Store):
    """S3; ``client`` is botocore's, and ``secrets`` are the keys, which no message shows."""

    scheme = uris.S3

    def __init__(self, client: Any, patience: Patience = PATIENCE, secrets: list[str] | None = None) -> None:  # noqa: ANN401 - made at run time
        super().__init__(client, patience)
        self._requests = Requests(client, patience, secrets or [])
        self._conditional: set[str] = set()

    def _list(self, bucket: str, prefix: str, where: str) -> Iterator[Object]:
        page: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        while True:
            answer = self._requests.call("list_objects_v2", where, LIST, **page)
            for entry in answer.get("Contents", ()):
                yield Object(bucket, entry["Key"], _version(entry), int(entry["Size"]), "", uris.S3)
            if not answer.get("IsTruncated"):
                return
            page["ContinuationToken"] = answer["NextContinuationToken"]

    def _find(self, bucket: str, name: str) -> Object:
        found = self._requests.call("head_object", f"{uris.S3}{bucket}/{name}", GET, Bucket=bucket, Key=name)
        crc32c = found.get("Metadata", {}).get(_CRC32C, "")
        return Object(bucket, name, _version(found), int(found["ContentLength"]), crc32c, uris.S3)

    def _receive(self, wanted: Object, sink: Sink) -> None:
        first = {"Range": f"bytes={sink.done}-"} if sink.done else {}
        answer = self.client.get_object(
            Bucket=wanted.bucket, Key=wanted.name, IfMatch=f'"{wanted.generation}"', **first
        )
        if not sink.done:
            sink.crc32c = sink.crc32c or answer.get("Metadata", {}).get(_CRC32C, "")
            sink.md5 = "" if sink.crc32c else _md5_of(answer)
        body = answer["Body"]
        try:
            while piece := body.read(_RECEIVED_BYTES):
                sink.write(piece)
        finally:
            body.close()

    def _translate(self, error: Exception, where: str) -> PipelineError | None:
        known = self._requests.translate(error, where, GET)
        if isinstance(known, AlreadyExistsError):  # the ETag is another one now
            return NoInputError("the object was replaced by another one", where=where, fix="run again")
        return known

    def _send(self, upload: Upload, bucket: str, name: str) -> Object:
        condition = {"IfNoneMatch": "*"} if upload.if_absent else {}
        if upload.generation is not None:
            condition = {"IfMatch": f'"{upload.generation}"'}
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        description = {"Bucket": bucket, "Key": name, "ContentType": kind, "Metadata": {_CRC32C: upload.crc32c}}
        where = f"{uris.S3}{bucket}/{name}"
        if upload.size > CHUNK_BYTES:
            answer = multipart.send(self._requests, upload, where, description, condition)
        else:
            data = upload.path.read_bytes()
            checksum = Crc32c()
            checksum.update(data)
            upload.require_unchanged(checksum)
            whole = {**description, **body_arguments(data)}
            answer = self._requests.call("put_object", where, PUT, **whole, **condition)
            if upload.if_absent:
                self._check_conditional_writes(whole, where)
        return Object(bucket, name, _version(answer), upload.size, upload.crc32c, uris.S3)

    def _check_conditional_writes(self, whole: dict[str, Any], where: str) -> None:
        """Write the same object again, once for a bucket: a store that ignores the condition would accept it.

        On such a store two publishers could overwrite each other's manifest.

        Raises:
            BadConfigurationError: The store ignores the condition.
        """
        bucket = whole["Bucket"]
        if bucket in self._conditional:
            return
        try:
            self._requests.call("put_object", where, PUT, **whole, IfNoneMatch="*")
        except AlreadyExistsError:
            self._conditional.add(bucket)
            return
        what = "the store ignores If-None-Match, so that two publishers could overwrite each other"
        raise BadConfigurationError(what, where=where, fix="use a store with conditional writes")

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket. It is no error if it exists already."""
        with suppress(AlreadyExistsError):
            self._requests.call("create_bucket", f"{uris.S3}{bucket}", "s3:CreateBucket", Bucket=bucket)

    def _remove(self, unwanted: Object) -> None:
        self._requests.call("delete_object", unwanted.uri, DELETE, Bucket=unwanted.bucket, Key=unwanted.name)


def _version(answer: dict[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _md5_of(answer: dict[str, Any]) -> str:
    """Return the MD5 of an object, which is the ETag of one that was uploaded in one request; empty if it is none."""
    version = _version(answer)
    encrypted = answer.get("ServerSideEncryption") in _KEY_ENCRYPTION or "SSECustomerAlgorithm" in answer
    return version if _PLAIN_MD5.fullmatch(version) and not encrypted else ""
