"""Emulators of Google's services, each started at most once in a process of tests, when one needs it first."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.emulators import s3_server as s3_emulator
from tests.emulators import storage_server
from tests.emulators.bigquery_server import PROJECT, Emulator, running
from tests.support import decoded, real_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.emulators.buckets import Bucket
    from tests.emulators.s3_server import S3Server
    from tests.emulators.storage_server import GcsServer

COUNT = 3500
NAMES = ("BIGQUERY_EMULATOR_HOST", "BIGQUERY_STORAGE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT", "COVERTYPE_RUN")


def numbered() -> pa.Table:
    """Return real rows with their position ``n`` and a column that no schema knows."""
    table = decoded(real_rows(COUNT))
    positions = pa.array(range(len(table)), pa.int64())
    return table.append_column("n", positions).append_column("note", pa.array(["-"] * len(table)))


@pytest.fixture(scope="session")
def bigquery_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A BigQuery that has the table ``p1.d.cover`` and the view ``p1.d.shown`` of it."""
    with running(tmp_path_factory.mktemp("bigquery")) as emulator:
        client = connected(emulator)
        client.create_dataset("d")
        load(client, "cover", numbered())
        view = bigquery.Table(f"{PROJECT}.d.shown")
        view.view_query = f"SELECT * FROM `{PROJECT}.d.cover` WHERE n < 2000"  # noqa: S608 - the test's own
        client.create_table(view)
        client.close()  # type: ignore[no-untyped-call]
        yield emulator


def connected(emulator: Emulator) -> bigquery.Client:
    """Return an official client of the emulator. The caller closes it."""
    options = {"api_endpoint": emulator.rest}
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    return bigquery.Client(PROJECT, credentials=credentials, client_options=options)


def load(client: bigquery.Client, name: str, table: pa.Table) -> None:
    """Make a table of the dataset ``d``."""
    data = io.BytesIO()
    pq.write_table(table, data)
    data.seek(0)
    configuration = bigquery.LoadJobConfig(source_format="PARQUET")
    client.load_table_from_file(data, f"{PROJECT}.d.{name}", job_config=configuration).result()


@pytest.fixture(scope="module")
def gcs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GcsServer]:
    """A Cloud Storage with nothing in it."""
    with storage_server.running(tmp_path_factory.mktemp("gcs")) as found:
        yield found


@pytest.fixture
def cloud(bigquery_server: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The same BigQuery, which steps that run in this process find, and whose failures they soon give up on."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in bigquery_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("steps.google.bigquery.client.FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr("steps.google.bigquery.client.PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr("steps.google.bigquery.rows._SESSION_SECONDS", 1.0)
    return bigquery_server


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 with nothing in it."""
    with s3_emulator.running(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture
def gcs_bucket(gcs_server: GcsServer, tmp_path: Path) -> Iterator[Bucket]:
    """A bucket in Cloud Storage."""
    (tmp_path / "files").mkdir()
    with gcs_server.bucket(tmp_path / "files") as found:
        yield found


@pytest.fixture
def s3_bucket(s3_server: S3Server, tmp_path: Path) -> Iterator[Bucket]:
    """A bucket in S3."""
    (tmp_path / "files").mkdir()
    with s3_server.bucket(tmp_path / "files") as found:
        yield found


@pytest.fixture(params=["gcs", "s3"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    """A bucket in each kind of store."""
    found: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return found
