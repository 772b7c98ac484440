"""Rows of a BigQuery table as record batches: by the Storage Read API, by REST where that is refused."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from google.api_core import exceptions as api
from google.cloud import bigquery

from steps.core import runtime
from steps.core.errors import TransientError
from steps.google.bigquery.client import REQUEST_SECONDS, patience, read_client, stream_patience
from steps.google.bigquery.errors import explained, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from google.cloud.bigquery_storage import BigQueryReadClient
    from google.cloud.bigquery_storage_v1.types import ReadSession

# Of one answer by REST, whose JSON takes a hundred times the memory of its rows.
_PAGE_ROWS = 10_000
# Until REST is taken instead of a Storage Read API that does not answer.
_SESSION_SECONDS = 20.0
_SILENCE_SECONDS = 180.0
_PROGRESS_SECONDS = 5.0
# The Storage Read API is closed to this caller: no permission, not enabled, not reachable.
_REFUSALS = (api.Forbidden, api.MethodNotImplemented, api.ServiceUnavailable, api.GatewayTimeout, api.RetryError)


@dataclass(frozen=True)
class Rows:
    """What to read: the columns, of a moment where ``snapshot`` is one; ``count`` is the number of rows if known.

    ``where`` is what messages call it.
    """

    table: bigquery.TableReference
    fields: Sequence[bigquery.SchemaField]
    snapshot: datetime | None
    count: int | None
    where: str

    def batches(self, client: bigquery.Client) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the order in which BigQuery stores them: for a query that orders, in that order.

        Memory is bounded by one message or page. One stream is read, as several have no order among each other.

        Raises:
            TransientError: the service or the connection failed until retries ended, or rows are missing.
        """
        done, started, said = 0, time.monotonic(), time.monotonic()
        total = "" if self.count is None else f" of {self.count:,}"
        names = [field.name for field in self.fields]
        for batch in self._either_way(client):
            done += batch.num_rows
            if time.monotonic() - said > _PROGRESS_SECONDS:
                said = time.monotonic()
                runtime.log(f"{self.where}: {done:,}{total} rows read")
            yield batch.select(names)
        runtime.log(f"{self.where}: {done:,} rows read in {time.monotonic() - started:.1f} s")
        if self.count is not None and done != self.count:
            what = f"{done:,} rows arrived, there are {self.count:,}"
            raise TransientError(what, where=self.where, fix="it may work when tried again")

    def _either_way(self, client: bigquery.Client) -> Iterator[pa.RecordBatch]:
        with explained(self.where):
            why = "there is no BIGQUERY_STORAGE_EMULATOR_HOST"
            if reader := read_client(client):
                with reader:
                    try:
                        session = self._session(reader, client.project)
                    except _REFUSALS as error:
                        why = _why(error)
                    else:
                        yield from _stream(reader, session)
                        return
            runtime.log(f"{self.where}: read by REST, which is slower, as the Storage Read API cannot be used: {why}")
            yield from self._by_rest(client)

    def _session(self, reader: BigQueryReadClient, project: str) -> ReadSession:
        from google.cloud.bigquery_storage_v1 import types

        wanted = types.ReadSession(table=self.table.to_bqstorage(), data_format=types.DataFormat.ARROW)
        wanted.read_options.selected_fields.extend(field.name for field in self.fields)
        wanted.read_options.arrow_serialization_options = types.ArrowSerializationOptions(
            buffer_compression=types.ArrowSerializationOptions.CompressionCodec.LZ4_FRAME
        )
        if self.snapshot:
            wanted.table_modifiers.snapshot_time = self.snapshot
        return reader.create_read_session(
            parent=f"projects/{project}",
            read_session=wanted,
            max_stream_count=1,
            retry=stream_patience().with_timeout(_SESSION_SECONDS),
            timeout=_SESSION_SECONDS,
        )

    def _by_rest(self, client: bigquery.Client) -> Iterator[pa.RecordBatch]:
        table = self.table
        if self.snapshot:
            decorator = int(self.snapshot.timestamp() * 1000)
            table = bigquery.DatasetReference(table.project, table.dataset_id).table(f"{table.table_id}@{decorator}")
        rows = client.list_rows(
            table, selected_fields=self.fields, page_size=_PAGE_ROWS, retry=patience(), timeout=REQUEST_SECONDS
        )
        yield from rows.to_arrow_iterable()


def _stream(reader: BigQueryReadClient, session: ReadSession) -> Iterator[pa.RecordBatch]:
    """Read a session's stream; the official reader goes on after the last row where the connection breaks."""
    for stream in session.streams:  # one, or none where the table is empty
        schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
        with _not_silent(reader):
            messages = iter(reader.read_rows(stream.name, retry=stream_patience()))  # type: ignore[no-untyped-call]
        while True:
            with _not_silent(reader):
                message = next(messages, None)
            if message is None:
                break
            yield pa.ipc.read_record_batch(pa.py_buffer(message.arrow_record_batch.serialized_record_batch), schema)


@contextmanager
def _not_silent(reader: BigQueryReadClient) -> Iterator[None]:
    """Close the connection where the block has waited too long; gRPC itself would wait for a day."""
    late = threading.Event()

    def end() -> None:
        late.set()
        reader.transport.close()  # type: ignore[no-untyped-call]

    timer = threading.Timer(_SILENCE_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if late.is_set():  # whatever it is that a closed connection raises
            raise TimeoutError(f"nothing came for {_SILENCE_SECONDS:g} s") from None
        raise
    finally:
        timer.cancel()


def _why(error: Exception) -> str:
    cause = error.cause if isinstance(error, api.RetryError) else error
    return message_of(cause) if isinstance(cause, api.GoogleAPICallError) else str(cause)
