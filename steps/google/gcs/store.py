"""Cloud Storage as a store of objects, by the official client.

The only credentials are application default credentials or Workload Identity. With ``STORAGE_EMULATOR_HOST``, which
only tests set, the official client uses that address without credentials.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from steps import buckets
from steps.buckets import address
from steps.buckets.store import CHUNK_BYTES, Object, Upload
from steps.buckets.transfer import Patience, Sink, corrupt_error
from steps.core import uris
from steps.google.gcs.errors import translate_error, translate_errors
from steps.google.session import use_own_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steps.core.errors import PipelineError

# The client would otherwise read the metadata of every bucket in the background, for telemetry that is off. That needs
# a permission besides those for objects (https://github.com/googleapis/google-cloud-python/issues/17650).
os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")

SCHEME = uris.GCS
GET, LIST, CREATE, DELETE = (f"storage.objects.{verb}" for verb in ("get", "list", "create", "delete"))
_FIELDS = "items(bucket,name,generation,size,crc32c),nextPageToken"


PATIENCE = Patience()


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the name in ``gs://bucket/name``; errors as for ``steps.buckets.address.split_uri``."""
    return address.split_uri(uri, SCHEME)


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


class Store(buckets.Store):
    """Cloud Storage; ``client`` is a ``google.cloud.storage.Client``."""

    scheme = SCHEME

    def __init__(self, client: Any, patience: Patience = PATIENCE) -> None:  # noqa: ANN401 - the class is imported late
        super().__init__(client, patience)
        self._options: dict[str, Any] = {"timeout": patience.timeout, "retry": _make_retry(patience)}

    @property
    def principal(self) -> str:
        """The account of the credentials; empty if the credentials do not name one."""
        email = getattr(self.client._credentials, "service_account_email", None)  # noqa: SLF001 - there is no public way
        return str(email) if email and email != "default" else ""

    def _list(self, bucket: str, prefix: str, where: str) -> Iterator[Object]:
        with translate_errors(where, LIST, self.principal):
            for blob in self.client.list_blobs(bucket, prefix=prefix, fields=_FIELDS, **self._options):
                yield _to_object(blob)

    def _find(self, bucket: str, name: str) -> Object:
        blob = self.client.bucket(bucket).blob(name)
        with translate_errors(f"{SCHEME}{bucket}/{name}", GET, self.principal):
            blob.reload(**self._options)
        return _to_object(blob)

    def _receive(self, wanted: Object, sink: Sink) -> None:
        self._blob(wanted).download_to_file(
            sink, start=sink.done or None, raw_download=True, checksum=None, retry=None, timeout=self.patience.timeout
        )

    def _translate(self, error: Exception, where: str) -> PipelineError | None:
        return translate_error(error, where, GET, self.principal)

    def _send(self, upload: Upload, bucket: str, name: str) -> Object:
        blob = self.client.bucket(bucket).blob(name, chunk_size=CHUNK_BYTES)
        with translate_errors(f"{SCHEME}{bucket}/{name}", CREATE, self.principal):
            blob.upload_from_filename(
                str(upload.path),
                if_generation_match=0 if upload.if_absent else upload.generation,
                checksum="crc32c",
                **self._options,
            )
        sent = _to_object(blob)
        if (sent.size, sent.crc32c) != (upload.size, upload.crc32c):
            raise corrupt_error(sent.uri)
        return sent

    def _remove(self, unwanted: Object) -> None:
        with translate_errors(unwanted.uri, DELETE, self.principal):
            self._blob(unwanted).delete(if_generation_match=unwanted.generation, **self._options)

    def _blob(self, known: Object) -> Any:  # noqa: ANN401 - the class is imported late
        return self.client.bucket(known.bucket).blob(known.name, generation=known.generation)


def _make_retry(patience: Patience) -> Any:  # noqa: ANN401 - a google.api_core.retry.Retry, which is imported only here
    """Return the ``retry`` argument of the client's methods: for 408, 429, 5xx and broken connections."""
    from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[import-untyped]

    waits = DEFAULT_RETRY.with_delay(initial=patience.first_wait, maximum=patience.longest_wait, multiplier=2)
    return waits.with_timeout(patience.seconds)


def _to_object(blob: Any) -> Object:  # noqa: ANN401 - the class is imported late
    return Object(blob.bucket.name, blob.name, int(blob.generation), int(blob.size), str(blob.crc32c))
