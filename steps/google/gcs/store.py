"""List, download and upload objects in Cloud Storage, with checksums, retries and time limits.

The only credentials are application default credentials or Workload Identity. With ``STORAGE_EMULATOR_HOST``, which
only tests set, the official client uses that address without credentials.
"""

from __future__ import annotations

import io
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from steps.core import storage, uris
from steps.core.crc32c import crc32c_file
from steps.core.errors import AlreadyExistsError, DeniedError, NoInputError, UsageError, already_exists
from steps.google.gcs.errors import corrupt_error, is_transient, translate_error, translate_errors
from steps.google.gcs.transfer import Patience, Sink
from steps.google.session import use_own_credentials

if TYPE_CHECKING:
    from pathlib import Path

# The client would otherwise read the metadata of every bucket in the background, for telemetry that is off. That needs
# a permission besides those for objects (https://github.com/googleapis/google-cloud-python/issues/17650).
os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")

SCHEME = uris.BUCKET
GET, LIST, CREATE, DELETE = (f"storage.objects.{verb}" for verb in ("get", "list", "create", "delete"))
# A larger file is uploaded in chunks of this size, which are retried one by one.
_CHUNK_BYTES = 8 << 20
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_FIELDS = "items(bucket,name,generation,size,crc32c),nextPageToken"


PATIENCE = Patience()


@dataclass(frozen=True)
class Object:
    """One generation of an object: ``size`` is in bytes, ``crc32c`` in base64 as in Cloud Storage."""

    bucket: str
    name: str
    generation: int
    size: int
    crc32c: str

    @property
    def uri(self) -> str:
        """The address of the object, without its generation."""
        return f"{SCHEME}{self.bucket}/{self.name}"


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the name in ``gs://bucket/name``. The name may be empty.

    Raises:
        UsageError: The address has another form.
    """
    bucket, _, name = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not _BUCKET.fullmatch(bucket):
        raise UsageError(f"{uri!r} is not gs://bucket/name", fix="write it as gs://bucket/name")
    if any(ord(mark) < ord(" ") for mark in name):
        raise UsageError(f"{uri!r} contains a control character", fix="write it as gs://bucket/name")
    return bucket, name


def wildcard_pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of a name with wildcards. ``*`` and ``?`` do not match a slash, ``**`` does."""
    meaning = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*|\?)", name)))


def connect(patience: Patience | None = None) -> Store:
    """Return a store with application default credentials, without making a request.

    Args:
        patience: The time limits; None for ``PATIENCE``.

    Raises:
        DeniedError: There are no credentials.
    """
    with translate_errors("Cloud Storage", GET):
        from google.cloud.storage import Client  # type: ignore[import-untyped]

        return Store(use_own_credentials(Client(project=None)), patience or PATIENCE)


class Store:
    """Cloud Storage, through an official client. Every call ends with a result or a :class:`PipelineError`.

    All methods raise DeniedError for a missing permission, TransientError if the service, the network or a checksum
    failed until the time limit, UnavailableError if nothing answers, and UsageError for an invalid address.

    Args:
        client: A ``google.cloud.storage.Client``.
        patience: The time limits.
    """

    def __init__(self, client: Any, patience: Patience = PATIENCE) -> None:  # noqa: ANN401 - the class is imported late
        self.client, self.patience = client, patience
        self._options: dict[str, Any] = {"timeout": patience.timeout, "retry": patience.retry()}

    @property
    def principal(self) -> str:
        """The account of the credentials; empty if the credentials do not name one."""
        email = getattr(self.client._credentials, "service_account_email", None)  # noqa: SLF001 - there is no public way
        return str(email) if email and email != "default" else ""

    def objects(self, uri: str) -> list[Object]:
        """Return an object, or all objects that a name with wildcards matches, sorted by name.

        Raises:
            NoInputError: There is no such object or no such bucket.
        """
        bucket, name = split_uri(uri)
        if "*" not in name and "?" not in name:
            return [self.get(uri)]
        wanted, prefix = wildcard_pattern(name), re.split(r"[*?]", name)[0]
        with translate_errors(uri, LIST, self.principal):
            listed = self.client.list_blobs(bucket, prefix=prefix, fields=_FIELDS, **self._options)
            found = [_to_object(blob) for blob in listed if wanted.fullmatch(blob.name) and not blob.name.endswith("/")]
        if not found:
            raise NoInputError("no object matches", where=uri, fix="check the name")
        return sorted(found, key=lambda each: each.name)

    def get(self, uri: str) -> Object:
        """Return the newest generation of an object; NoInputError if there is none."""
        bucket, name = split_uri(uri)
        if not name or name.endswith("/"):
            raise UsageError("this names a folder, an object is needed", where=uri, fix="name one object, or add *")
        blob = self.client.bucket(bucket).blob(name)
        with translate_errors(uri, GET, self.principal):
            blob.reload(**self._options)
        return _to_object(blob)

    def read(self, wanted: Object) -> bytes:
        """Return the content of a small object; errors as for :meth:`download`."""
        target = io.BytesIO()
        self._transfer(wanted, target)
        return target.getvalue()

    def download(self, wanted: Object, target: Path) -> None:
        """Write this generation of an object to ``target``, completely or not at all.

        After a broken connection the next attempt requests the remaining bytes only. The bytes are those that are
        stored: a ``Content-Encoding`` is not decoded.

        Raises:
            NoInputError: The object, or this generation of it, no longer exists.
            TransientError: The CRC32C is wrong, or as for all methods.
        """
        with storage.atomic_path(target) as temporary, temporary.open("wb") as file:
            self._transfer(wanted, file)

    def _transfer(self, wanted: Object, file: BinaryIO) -> None:
        blob = self.client.bucket(wanted.bucket).blob(wanted.name, generation=wanted.generation)
        sink = Sink(file, wanted.uri, wanted.size, self.patience)
        wait = self.patience.first_wait
        while sink.done < wanted.size:
            before = sink.done
            try:
                blob.download_to_file(
                    sink,
                    start=before or None,
                    raw_download=True,
                    checksum=None,
                    retry=None,
                    timeout=self.patience.timeout,
                )
                sink.check_whole()
            except Exception as error:
                known = translate_error(error, wanted.uri, GET, self.principal)
                if known is None:
                    raise
                wait = self.patience.first_wait if sink.done > before else 2 * wait
                if not is_transient(known) or sink.is_exhausted(wait):
                    raise known from None
                time.sleep(wait)
        if sink.crc32c != wanted.crc32c:
            raise corrupt_error(wanted.uri)

    def upload(
        self, path: Path, uri: str, *, if_absent: bool, generation: int | None = None, content_type: str | None = None
    ) -> Object:
        """Upload a file as an object, completely or not at all.

        Args:
            path: The file. It must not change during the upload.
            uri: The address of the object.
            if_absent: Do not replace an existing object. It is no error if the object exists with the same content,
                because an earlier attempt may have uploaded it.
            generation: Replace this generation only.
            content_type: The content type; None to guess it from the name of the object.

        Raises:
            AlreadyExistsError: With ``if_absent``, the object exists with other content. With ``generation``, the
                object has another generation now.
            TransientError: The CRC32C of the object is wrong, or as for all methods.
        """
        size, crc32c = path.stat().st_size, crc32c_file(path)
        if if_absent and size > _CHUNK_BYTES and (existing := self._find_existing(uri)):
            return _require_same_content(existing, size, crc32c)  # saves the upload of a large file
        try:
            sent = self._upload_file(path, uri, 0 if if_absent else generation, content_type)
        except AlreadyExistsError:
            # The object may come from an earlier attempt whose answer was lost.
            if existing := self._find_existing(uri):
                return _require_same_content(existing, size, crc32c)
            raise
        if (sent.size, sent.crc32c) != (size, crc32c):
            raise corrupt_error(uri)
        return sent

    def _upload_file(self, path: Path, uri: str, match: int | None, content_type: str | None) -> Object:
        bucket, name = split_uri(uri)
        if not name or name.endswith("/"):
            raise UsageError("this names a folder, an object is needed", where=uri, fix="name one object")
        blob = self.client.bucket(bucket).blob(name, chunk_size=_CHUNK_BYTES)
        with translate_errors(uri, CREATE, self.principal):
            blob.upload_from_filename(
                str(path), if_generation_match=match, checksum="crc32c", content_type=content_type, **self._options
            )
        return _to_object(blob)

    def _find_existing(self, uri: str) -> Object | None:
        """Return the existing object, None if there is none or the account may not read it."""
        with suppress(DeniedError, NoInputError):
            return self.get(uri)
        return None

    def delete(self, unwanted: Object) -> None:
        """Delete this generation of an object. It is no error if it no longer exists."""
        blob = self.client.bucket(unwanted.bucket).blob(unwanted.name, generation=unwanted.generation)
        with suppress(NoInputError), translate_errors(unwanted.uri, DELETE, self.principal):
            blob.delete(if_generation_match=unwanted.generation, **self._options)


def _require_same_content(existing: Object, size: int, crc32c: str) -> Object:
    """Return the existing object if it has this content; AlreadyExistsError otherwise."""
    if (existing.size, existing.crc32c) != (size, crc32c):
        raise already_exists(existing.uri)
    return existing


def _to_object(blob: Any) -> Object:  # noqa: ANN401 - the class is imported late
    return Object(blob.bucket.name, blob.name, int(blob.generation), int(blob.size), str(blob.crc32c))
