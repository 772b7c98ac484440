"""Objects in Cloud Storage: find, download and upload them, with checksums, retries and an end to the waiting.

Credentials are application default credentials or Workload Identity, nothing else. With ``STORAGE_EMULATOR_HOST`` the
official client itself goes to that address without credentials: only tests set it.
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
from steps.google.gcs.errors import corrupt, explain, explained, transient
from steps.google.gcs.transfer import Patience, Sink
from steps.google.session import use_own_credentials

if TYPE_CHECKING:
    from pathlib import Path

# The client looks at every bucket in the background otherwise, for telemetry that is off: that takes a permission which
# whoever may read and write objects need not have (https://github.com/googleapis/google-cloud-python/issues/17650).
os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")

SCHEME = uris.BUCKET
GET, LIST, CREATE, DELETE = (f"storage.objects.{verb}" for verb in ("get", "list", "create", "delete"))
# Larger files are sent in pieces of this many bytes, each tried again by itself.
_PIECE = 8 << 20
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_FIELDS = "items(bucket,name,generation,size,crc32c),nextPageToken"


PATIENCE = Patience()


@dataclass(frozen=True)
class Object:
    """One generation of an object; ``size`` in bytes, ``crc32c`` in base64 as Cloud Storage gives it."""

    bucket: str
    name: str
    generation: int
    size: int
    crc32c: str

    @property
    def uri(self) -> str:
        """The object's address without its generation."""
        return f"{SCHEME}{self.bucket}/{self.name}"


def split(uri: str) -> tuple[str, str]:
    """Return the bucket and the name in ``gs://bucket/name``; the name may be empty. UsageError for anything else."""
    bucket, _, name = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not _BUCKET.fullmatch(bucket):
        raise UsageError(f"{uri!r} is no gs://bucket/name", fix="write it as gs://bucket/name")
    if any(ord(mark) < ord(" ") for mark in name):
        raise UsageError(f"{uri!r} holds a control character", fix="write it as gs://bucket/name")
    return bucket, name


def pattern(name: str) -> re.Pattern[str]:
    """Return what matches a name with wildcards: ``*`` and ``?`` end at a slash, ``**`` does not."""
    meaning = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*|\?)", name)))


def connect(patience: Patience | None = None) -> Store:
    """Return the store that application default credentials open; no request is made yet.

    Raises:
        DeniedError: there are no credentials.
    """
    with explained("Cloud Storage", GET):
        from google.cloud.storage import Client  # type: ignore[import-untyped]

        return Store(use_own_credentials(Client(project=None)), patience or PATIENCE)


class Store:
    """Cloud Storage by an official ``client``. Every call ends, with a result or one of :mod:`steps.core.errors`.

    All methods raise DeniedError for a missing permission, TransientError where the service, the network or a checksum
    failed until ``patience`` ran out, UnavailableError where nothing answers, UsageError for an address that is none.
    """

    def __init__(self, client: Any, patience: Patience = PATIENCE) -> None:  # noqa: ANN401 - imported only when needed
        self.client, self.patience = client, patience
        self._options: dict[str, Any] = {"timeout": patience.timeout, "retry": patience.retry()}

    @property
    def principal(self) -> str:
        """Whose credentials these are, as far as they say it themselves."""
        email = getattr(self.client._credentials, "service_account_email", None)  # noqa: SLF001 - no public way
        return str(email) if email and email != "default" else ""

    def objects(self, uri: str) -> list[Object]:
        """Return the object, or those that a name with ``*`` or ``?`` matches, sorted by name.

        Raises:
            NoInputError: there is none, or no such bucket.
        """
        bucket, name = split(uri)
        if "*" not in name and "?" not in name:
            return [self.get(uri)]
        wanted, prefix = pattern(name), re.split(r"[*?]", name)[0]
        with explained(uri, LIST, self.principal):
            listed = self.client.list_blobs(bucket, prefix=prefix, fields=_FIELDS, **self._options)
            found = [_described(blob) for blob in listed if wanted.fullmatch(blob.name) and not blob.name.endswith("/")]
        if not found:
            raise NoInputError("no object matches", where=uri, fix="check the name")
        return sorted(found, key=lambda each: each.name)

    def get(self, uri: str) -> Object:
        """Return the object's newest generation; NoInputError where there is none."""
        bucket, name = split(uri)
        if not name or name.endswith("/"):
            raise UsageError("this names a folder, an object is needed", where=uri, fix="name one object, or add *")
        blob = self.client.bucket(bucket).blob(name)
        with explained(uri, GET, self.principal):
            blob.reload(**self._options)
        return _described(blob)

    def read(self, wanted: Object) -> bytes:
        """Return the bytes of a small object, checked like :meth:`download`."""
        target = io.BytesIO()
        self._transfer(wanted, target)
        return target.getvalue()

    def download(self, wanted: Object, target: Path) -> None:
        """Write exactly this generation to ``target``, which is whole or absent.

        What arrived before the connection broke is kept: the next attempt asks for the rest. The bytes are as stored: a
        ``Content-Encoding`` is not undone.

        Raises:
            NoInputError: the object, or this generation of it, is gone.
            TransientError: also where the crc32c is not the object's.
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
                known = explain(error, wanted.uri, GET, self.principal)
                if known is None:
                    raise
                wait = self.patience.first_wait if sink.done > before else 2 * wait
                if not transient(known) or sink.gave_up(wait):
                    raise known from None
                time.sleep(wait)
        if sink.crc32c != wanted.crc32c:
            raise corrupt(wanted.uri)

    def upload(
        self, path: Path, uri: str, *, if_absent: bool, generation: int | None = None, content_type: str | None = None
    ) -> Object:
        """Make an object of a file; it appears whole or not at all.

        Args:
            path: the file, which must not change meanwhile.
            uri: the object.
            if_absent: leave what is there alone; a retry whose first attempt did arrive is no error.
            generation: replace this generation and no other.
            content_type: guessed from the object's name by default.

        Raises:
            AlreadyExistsError: with ``if_absent``, there is an object with other content; with ``generation``, the
                object has another one by now.
            TransientError: also where the service's crc32c is not the file's.
        """
        size, crc32c = path.stat().st_size, crc32c_file(path)
        if if_absent and size > _PIECE and (there := self._there(uri)):
            return _same(there, size, crc32c)  # before sending it all for nothing
        try:
            sent = self._send(path, uri, 0 if if_absent else generation, content_type)
        except AlreadyExistsError:
            # Perhaps it is what an attempt of ours left whose answer was lost.
            if there := self._there(uri):
                return _same(there, size, crc32c)
            raise
        if (sent.size, sent.crc32c) != (size, crc32c):
            raise corrupt(uri)
        return sent

    def _send(self, path: Path, uri: str, match: int | None, content_type: str | None) -> Object:
        bucket, name = split(uri)
        if not name or name.endswith("/"):
            raise UsageError("this names a folder, an object is needed", where=uri, fix="name one object")
        blob = self.client.bucket(bucket).blob(name, chunk_size=_PIECE)
        with explained(uri, CREATE, self.principal):
            blob.upload_from_filename(
                str(path), if_generation_match=match, checksum="crc32c", content_type=content_type, **self._options
            )
        return _described(blob)

    def _there(self, uri: str) -> Object | None:
        """Return what is there, None where it cannot be seen: an identity that writes need not be one that reads."""
        with suppress(DeniedError, NoInputError):
            return self.get(uri)
        return None

    def delete(self, unwanted: Object) -> None:
        """Remove this generation of an object; nothing happens where it is gone."""
        blob = self.client.bucket(unwanted.bucket).blob(unwanted.name, generation=unwanted.generation)
        with suppress(NoInputError), explained(unwanted.uri, DELETE, self.principal):
            blob.delete(if_generation_match=unwanted.generation, **self._options)


def _same(there: Object, size: int, crc32c: str) -> Object:
    """Return the object that is there if it has this content; AlreadyExistsError otherwise."""
    if (there.size, there.crc32c) != (size, crc32c):
        raise already_exists(there.uri)
    return there


def _described(blob: Any) -> Object:  # noqa: ANN401 - imported only when needed
    return Object(blob.bucket.name, blob.name, int(blob.generation), int(blob.size), str(blob.crc32c))
