"""The interface of a store of objects in buckets: list, download and upload them with checksums.

A kind of bucket implements the methods whose names begin with an underscore.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from steps.buckets import address
from steps.buckets.transfer import Patience, Sink, receive
from steps.core import storage, uris
from steps.core.crc32c import crc32c_file
from steps.core.errors import (
    AlreadyExistsError,
    BadDataError,
    DeniedError,
    NoInputError,
    PipelineError,
    UsageError,
    already_exists,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from steps.core.crc32c import Crc32c

# A larger file is uploaded in several requests, each of which is retried by itself. It is compared before the upload.
CHUNK_BYTES = 8 << 20


@dataclass(frozen=True)
class Object:
    """One generation of an object.

    Attributes:
        bucket: The bucket.
        name: The name of the object.
        generation: What differs from one content of the object to the next: a number in Cloud Storage, the ETag in S3.
        size: The size in bytes.
        crc32c: The CRC32C in base64; empty if it is unknown.
        scheme: The scheme of the address.
    """

    bucket: str
    name: str
    generation: int | str
    size: int
    crc32c: str
    scheme: str = uris.GCS

    @property
    def uri(self) -> str:
        """The address of the object, without its generation."""
        return f"{self.scheme}{self.bucket}/{self.name}"


@dataclass(frozen=True)
class Upload:
    """A file to upload.

    Attributes:
        path: The file.
        size: The size in bytes.
        crc32c: The CRC32C in base64.
        if_absent: Do not replace an existing object.
        generation: Replace this generation only; None for any.
        report_progress: Called with the number of bytes of each part that has arrived.
    """

    path: Path
    size: int
    crc32c: str
    if_absent: bool
    generation: int | str | None = None
    report_progress: Callable[[int], None] = lambda _: None

    def require_unchanged(self, read: Crc32c) -> None:
        """Raise BadDataError if the bytes that were read for the upload have another CRC32C."""
        if read.base64 != self.crc32c:
            raise BadDataError("the file changed while it was uploaded", where=str(self.path), fix="run again")


class Store(ABC):
    """A store of objects. Every call ends with a result or a :class:`PipelineError`.

    All methods raise DeniedError for a missing permission, TransientError if the service, the network or a checksum
    failed until the time limit, UnavailableError if nothing answers, and UsageError for an invalid address.

    Args:
        client: The client of the service.
        patience: The time limits.

    Attributes:
        scheme: The scheme of the addresses, such as ``gs://``.
    """

    scheme: ClassVar[str]

    def __init__(self, client: Any, patience: Patience) -> None:  # noqa: ANN401 - the classes are imported late
        self.client, self.patience = client, patience

    @abstractmethod
    def _list(self, bucket: str, prefix: str, where: str) -> Iterable[Object]:
        """Yield the objects whose names begin with a prefix; ``where`` is the address for error messages."""

    @abstractmethod
    def _find(self, bucket: str, name: str) -> Object:
        """Return the newest generation of an object; NoInputError if there is none."""

    @abstractmethod
    def _receive(self, wanted: Object, sink: Sink) -> None:
        """Request the bytes of an object from ``sink.done`` on once, and write them to the sink."""

    @abstractmethod
    def _send(self, upload: Upload, bucket: str, name: str) -> Object:
        """Upload a file; AlreadyExistsError if the condition of the upload does not hold."""

    @abstractmethod
    def _remove(self, unwanted: Object) -> None:
        """Delete a generation of an object; NoInputError if it no longer exists."""

    @abstractmethod
    def _translate(self, error: Exception, where: str) -> PipelineError | None:
        """Return the translation of an error of a download, None if it is not an error of the client."""

    def objects(self, uri: str) -> list[Object]:
        """Return an object, or all objects that a name with wildcards matches, sorted by name.

        Raises:
            NoInputError: There is no such object or no such bucket.
        """
        bucket, name = address.split_uri(uri, self.scheme)
        if not address.has_wildcard(name):
            return [self.get(uri)]
        wanted = address.wildcard_pattern(name)
        listed = self._list(bucket, address.fixed_prefix(name), uri)
        found = [each for each in listed if wanted.fullmatch(each.name) and not each.name.endswith("/")]
        if not found:
            raise NoInputError("no object matches", where=uri, fix="check the name")
        return sorted(found, key=lambda each: each.name)

    def get(self, uri: str) -> Object:
        """Return the newest generation of an object; NoInputError if there is none."""
        bucket, name = address.split_uri(uri, self.scheme)
        if not name or name.endswith("/"):
            raise UsageError("this names a folder, an object is needed", where=uri, fix="name one object, or add *")
        return self._find(bucket, name)

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
            TransientError: A checksum is wrong, or as for all methods.
        """
        with storage.atomic_path(target) as temporary, temporary.open("wb") as file:
            self._transfer(wanted, file)

    def _transfer(self, wanted: Object, file: BinaryIO) -> None:
        sink = Sink(file, wanted.uri, wanted.size, self.patience)
        sink.crc32c = wanted.crc32c
        receive(
            sink,
            wanted.size,
            self.patience,
            lambda sink: self._receive(wanted, sink),
            lambda error: self._translate(error, wanted.uri),
        )

    def upload(  # noqa: PLR0913 - the conditions and what a caller knows
        self,
        path: Path,
        uri: str,
        *,
        if_absent: bool,
        generation: int | str | None = None,
        crc32c: str = "",
        report_progress: Callable[[int], None] = lambda _: None,
    ) -> Object:
        """Upload a file as an object, completely or not at all.

        Args:
            path: The file. It must not change during the upload.
            uri: The address of the object.
            if_absent: Do not replace an existing object. It is no error if the object exists with the same content,
                because an earlier attempt may have uploaded it.
            generation: Replace this generation only.
            crc32c: The CRC32C that the file must have, in base64; empty to compute it.
            report_progress: Called with the number of bytes of each part that has arrived, if there are several.

        Raises:
            AlreadyExistsError: With ``if_absent``, the object exists with other content. With ``generation``, the
                object has another generation now.
            BadDataError: The file has another CRC32C. Nothing is uploaded.
            TransientError: The checksum of the object is wrong, or as for all methods.
        """
        bucket, name = address.split_uri(uri, self.scheme)
        if not name or name.endswith("/"):
            raise UsageError("this names a folder, an object is needed", where=uri, fix="name one object")
        upload = Upload(path, path.stat().st_size, crc32c or crc32c_file(path), if_absent, generation, report_progress)
        if if_absent and upload.size > CHUNK_BYTES and (existing := self._find_existing(uri)):
            return _require_same_content(existing, upload)  # saves the upload of a large file
        try:
            return self._send(upload, bucket, name)
        except AlreadyExistsError:
            # The object may come from an earlier attempt whose answer was lost.
            if existing := self._find_existing(uri):
                return _require_same_content(existing, upload)
            raise

    def _find_existing(self, uri: str) -> Object | None:
        """Return the existing object, None if there is none or the account may not read it."""
        with suppress(DeniedError, NoInputError):
            return self.get(uri)
        return None

    def delete(self, unwanted: Object) -> None:
        """Delete this generation of an object. It is no error if it no longer exists."""
        with suppress(NoInputError):
            self._remove(unwanted)


def _require_same_content(existing: Object, upload: Upload) -> Object:
    """Return the existing object if it has the content of a file; AlreadyExistsError otherwise."""
    if (existing.size, existing.crc32c) != (upload.size, upload.crc32c):
        raise already_exists(existing.uri)
    return existing
