"""Read the rows of a BigQuery table as record batches, by the Storage Read API or, if that is not allowed, by REST."""

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
from steps.google.bigquery.client import REQUEST_SECONDS, read_client, request_retry, stream_retry
from steps.google.bigquery.errors import message_of, translate_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from google.cloud.bigquery_storage import BigQueryReadClient
    from google.cloud.bigquery_storage_v1.types import ReadSession

# The number of rows of one answer by REST, whose JSON takes a hundred times the memory of its rows.
_PAGE_ROWS = 10_000
# The time without an answer of the Storage Read API after which REST is used.
_SESSION_SECONDS = 20.0
# The longest time between two messages of a stream.
_SILENCE_SECONDS = 180.0
# The time between two lines of progress.
_PROGRESS_SECONDS = 5.0
# Errors for which REST is used: no permission, not enabled, not reachable.
_REFUSALS = (api.Forbidden, api.MethodNotImplemented, api.ServiceUnavailable, api.GatewayTimeout, api.RetryError)


@dataclass(frozen=True)
class Rows:
    """The rows to read.

    Attributes:
        table: The table.
        fields: The columns to read.
        snapshot: The time at which the table is read; None for now.
        count: The number of rows; None if it is not known.
        where: The name of the source in messages.
    """

    table: bigquery.TableReference
    fields: Sequence[bigquery.SchemaField]
    snapshot: datetime | None
    count: int | None
    where: str

    def batches(self, client: bigquery.Client) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the order in which BigQuery stores them, which is the order of a query with ORDER BY.

        Memory use is that of one message or page. One stream is read, because several streams have no common order.

        Raises:
            TransientError: The service or the connection failed until retries ended, or rows are missing.
        """
        done, started, logged = 0, time.monotonic(), time.monotonic()
        total = "" if self.count is None else f" of {self.count:,}"
        names = [field.name for field in self.fields]
        for batch in self._read_batches(client):
            done += batch.num_rows
            if time.monotonic() - logged > _PROGRESS_SECONDS:
                logged = time.monotonic()
                runtime.log(f"{self.where}: {done:,}{total} rows read")
            yield batch.select(names)
        runtime.log(f"{self.where}: {done:,} rows read in {time.monotonic() - started:.1f} s")
        if self.count is not None and done != self.count:
            what = f"{done:,} rows arrived, there are {self.count:,}"
            raise TransientError(what, where=self.where, fix="run again")

    def _read_batches(self, client: bigquery.Client) -> Iterator[pa.RecordBatch]:
        with translate_errors(self.where):
            why = "there is no BIGQUERY_STORAGE_EMULATOR_HOST"
            if reader := read_client(client):
                with reader:
                    try:
                        session = self._create_session(reader, client.project)
                    except _REFUSALS as error:
                        why = _describe_refusal(error)
                    else:
                        yield from _read_stream(reader, session)
                        return
            runtime.log(f"{self.where}: read by REST, which is slower; the Storage Read API cannot be used: {why}")
            yield from self._read_by_rest(client)

    def _create_session(self, reader: BigQueryReadClient, project: str) -> ReadSession:
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
            retry=stream_retry().with_timeout(_SESSION_SECONDS),
            timeout=_SESSION_SECONDS,
        )

    def _read_by_rest(self, client: bigquery.Client) -> Iterator[pa.RecordBatch]:
        table = self.table
        if self.snapshot:
            decorator = int(self.snapshot.timestamp() * 1000)
            table = bigquery.DatasetReference(table.project, table.dataset_id).table(f"{table.table_id}@{decorator}")
        rows = client.list_rows(
            table, selected_fields=self.fields, page_size=_PAGE_ROWS, retry=request_retry(), timeout=REQUEST_SECONDS
        )
        yield from rows.to_arrow_iterable()


def _read_stream(reader: BigQueryReadClient, session: ReadSession) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a session's stream. The official reader resumes it if the connection breaks."""
    for stream in session.streams:  # one stream, or none if the table is empty
        schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
        with _limit_silence(reader):
            messages = iter(reader.read_rows(stream.name, retry=stream_retry()))  # type: ignore[no-untyped-call]
        while True:
            with _limit_silence(reader):
                message = next(messages, None)
            if message is None:
                break
            yield pa.ipc.read_record_batch(pa.py_buffer(message.arrow_record_batch.serialized_record_batch), schema)


@contextmanager
def _limit_silence(reader: BigQueryReadClient) -> Iterator[None]:
    """Close the connection if the block takes too long. gRPC itself would wait for a day."""
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
        if late.is_set():  # the error of a closed connection varies
            raise TimeoutError(f"no data arrived for {_SILENCE_SECONDS:g} s") from None
        raise
    finally:
        timer.cancel()


def _describe_refusal(error: Exception) -> str:
    cause = error.cause if isinstance(error, api.RetryError) else error
    return message_of(cause) if isinstance(cause, api.GoogleAPICallError) else str(cause)
