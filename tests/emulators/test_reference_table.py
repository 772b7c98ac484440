"""A reference table in Cloud Storage, S3 and BigQuery decides what becomes champion, or changes nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.buckets import Store
from steps.core import storage
from steps.io import connect_to_bucket
from steps.prediction.models import Ensemble
from tests.emulators import s3_server, storage_server
from tests.emulators.bucket_faults import Fault, proxied
from tests.emulators.conftest import connected, load
from tests.emulators.faults import Fault as BigQueryFault
from tests.emulators.faults import rest_proxy
from tests.registered_run import register_run
from tests.support import TARGET, decoded, leftovers, write_table
from tests.workflows.command_line import invoke

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.emulators.bigquery_server import Emulator
    from tests.emulators.s3_server import S3Server
    from tests.emulators.storage_server import Server
    from tests.nights import Nights

GS, S3, BQ = "gs", "s3", "bq"
DENIED = "Access Denied: Table p1:d.x: Permission bigquery.tables.getData denied on table p1:d.x (or it may not exist)."


@dataclass
class Cloud:
    """A service that holds tables, and how a test refuses its requests."""

    kind: str
    place: str
    folder: Path
    patch: pytest.MonkeyPatch
    server: Any

    def address(self, name: str) -> str:
        return f"{self.place}.{name}" if self.kind == BQ else f"{self.place}/{name}.parquet"

    def put(self, name: str, table: pa.Table) -> str:
        """Make a table, or replace it, and return its address."""
        if self.kind == BQ:
            client = connected(self.server)
            client.delete_table(self.address(name).removeprefix("bq://"), not_found_ok=True)
            load(client, name, table)
            client.close()  # type: ignore[no-untyped-call]
        else:
            path = write_table(self.folder / f"{name}.parquet", table)
            connect_to_bucket(self.place).upload(path, self.address(name), if_absent=False)
        return self.address(name)

    def refusing(self) -> AbstractContextManager[Any]:
        """Return what refuses every request of a reader as one without permission."""
        if self.kind == BQ:
            fault = BigQueryFault("GET ", status=403, reason="accessDenied", message=DENIED)
            return rest_proxy(self.server.rest, fault)
        return proxied(self.server.port, keep_host=self.kind == S3)

    def use(self, proxy: Any) -> None:
        """Let this process go through a proxy of :meth:`refusing`."""
        if self.kind == BQ:
            self.patch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
            return
        proxy.faults = [Fault(method, "", status=403, code="AccessDenied" * (self.kind == S3)) for method in METHODS]
        if self.kind == S3:
            s3_server.use(self.server, self.patch, proxy.url)
        else:
            self.patch.setenv("STORAGE_EMULATOR_HOST", proxy.url)


METHODS = ("GET", "HEAD")


@pytest.fixture(params=[GS, S3, BQ])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cloud:
    """Each of the three services, which this process finds."""
    kind = request.param
    if kind == BQ:
        emulator: Emulator = request.getfixturevalue("bigquery_server")
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("steps.google.bigquery.client.PATIENCE_SECONDS", 1.0)
        return Cloud(kind, "bq://p1.d", tmp_path, monkeypatch, emulator)
    if kind == S3:
        s3: S3Server = request.getfixturevalue("s3_server")
        s3_server.use(s3, monkeypatch)
        return Cloud(kind, f"s3://{s3.bucket()}", tmp_path, monkeypatch, s3)
    gcs: Server = request.getfixturevalue("server")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs.url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    monkeypatch.setattr("steps.google.gcs.store.PATIENCE", storage_server.IMPATIENT)
    return Cloud(kind, f"gs://{gcs.bucket()}", tmp_path, monkeypatch, gcs)


@pytest.fixture(scope="module")
def both(nights: Nights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with the versions of both nights. The first one is champion: they have no test rows in common."""
    registry = tmp_path_factory.mktemp("both") / "registry"
    shutil.copytree(nights.registry, registry)
    register_run(nights.folder / "second", registry, "second")
    return registry


@pytest.fixture
def registry(both: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(both, tmp_path / "registry")
    return tmp_path / "registry"


def rows_of(nights: Nights) -> pa.Table:
    return decoded(pq.read_table(nights.reference))


def champion(registry: Path) -> str:
    return str(storage.read_json(registry / "aliases/champion.json")["version"])


def decision(registry: Path, version: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = storage.read_json(registry / f"decisions/{version}/{number}.json")
    return found


def policy_for(table: str, folder: Path) -> Path:
    (folder / "policy.toml").write_text(f'[reference]\ntable = "{table}"')
    return folder / "policy.toml"


def test_a_table_decides(
    cloud: Cloud, nights: Nights, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By ``compare``, ``promote`` and ``register``, with the numbers that the same rows in a file give."""
    table = cloud.put("reference", rows_of(nights))
    for on in (table, nights.reference):
        assert invoke("compare", "first", "second", "--registry", registry, "--on", on, "--json") == 0
    remote, local = map(json.loads, capsys.readouterr().out.splitlines())
    assert remote["reference"]["location"] == table
    counts = ("rows", "used", "left_out", "without_label", "fitted")
    assert [remote["reference"][key] for key in counts] == [local["reference"][key] for key in counts]
    if cloud.kind != BQ:  # its rows come in any order, which the sums of a metric may show in their last digits
        assert remote["metrics"] == local["metrics"]
    assert invoke("promote", "second", "--registry", registry, "--on", table) == 0
    assert champion(registry) == "second"
    assert decision(registry, "second", 2)["reference"]["location"] == table
    ended = register_run(nights.folder / "first", registry, "again", more=("--policy", policy_for(table, tmp_path)))
    assert ended.code == 0, ended.log
    stored = decision(registry, "again", 1)
    assert (champion(registry), stored["verdict"]) == ("second", "worse")
    assert stored["reference"]["used"] == remote["reference"]["used"]


def require_nothing(words: tuple[object, ...], code: int, text: str, registry: Path, capsys: Any) -> None:
    """Require that a command ends with one line, and changes nothing in the registry."""
    before = leftovers(registry)
    capsys.readouterr()
    assert invoke(*words, "--registry", registry) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert text in errors[0]
    assert leftovers(registry) == before


def test_a_table_that_is_not_there_or_has_no_labels(
    cloud: Cloud, nights: Nights, registry: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in (("compare", "first", "second"), ("promote", "second")):
        words = (*verb, "--on", cloud.address("absent"))
        require_nothing(words, 66, ": check the address of the reference table", registry, capsys)
    unlabelled = cloud.put("unlabelled", rows_of(nights).drop_columns([TARGET]))
    require_nothing(("promote", "second", "--on", unlabelled), 65, "has no labels", registry, capsys)


def test_a_table_without_permission_publishes_nothing(
    cloud: Cloud, nights: Nights, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = cloud.put("denied", rows_of(nights))
    before = leftovers(registry)
    with cloud.refusing() as proxy:
        cloud.use(proxy)
        require_nothing(("promote", "second", "--on", table), 77, "", registry, capsys)
        ended = register_run(
            nights.folder / "second", registry, "third", more=("--policy", policy_for(table, tmp_path))
        )
    assert (ended.code, len(ended.errors)) == (77, 1), ended.log
    assert leftovers(registry) == before


@pytest.fixture
def replacing(cloud: Cloud, nights: Nights, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Replace a table by half of its rows when its bytes are requested, or its rows scored; yields its address."""
    rows = rows_of(nights)
    found = [cloud.put("replaced", rows)]

    def replace() -> None:
        if len(found) == 1:
            found.append(cloud.put("replaced", rows.slice(0, len(rows) // 2)))

    download, scores = Store.download, Ensemble.scores

    def replaced_download(self: Store, wanted: Any, target: Path) -> None:
        replace()
        download(self, wanted, target)

    def replaced_scores(self: Ensemble, batch: pa.RecordBatch, threads: int) -> NDArray[Any]:
        replace()
        return scores(self, batch, threads)

    if cloud.kind == BQ:
        monkeypatch.setattr(Ensemble, "scores", replaced_scores)
    else:
        monkeypatch.setattr(Store, "download", replaced_download)
    yield found
    assert len(found) == 2


def test_a_table_that_is_replaced_meanwhile(
    cloud: Cloud, nights: Nights, registry: Path, replacing: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An object between its look-up and its download; a table of BigQuery after its rows were fetched."""
    words = ("promote", "second", "--on", replacing[0])
    if cloud.kind != BQ:
        require_nothing(words, 75, "replaced or deleted while it was fetched", registry, capsys)
        assert invoke(*words, "--registry", registry) == 0
        assert decision(registry, "second", 2)["reference"]["rows"] == len(rows_of(nights)) // 2
        return
    assert invoke(*words, "--registry", registry) == 0
    assert decision(registry, "second", 2)["reference"]["rows"] == len(rows_of(nights))
