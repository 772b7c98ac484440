"""A reference table in Cloud Storage, S3 and BigQuery decides what becomes champion, or changes nothing."""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.buckets import Store
from steps.core import storage
from steps.prediction.models import Ensemble
from tests.emulators.bucket_faults import Fault
from tests.emulators.buckets import LONG
from tests.emulators.conftest import connected, load
from tests.emulators.faults import Fault as BigQueryFault
from tests.emulators.faults import rest_proxy
from tests.registered_run import register_run
from tests.support import TARGET, decoded, leftovers, write_table
from tests.workflows.command_line import invoke

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.emulators.bigquery_server import Emulator
    from tests.emulators.buckets import Bucket
    from tests.nights import Nights

DENIED = "Access Denied: Table p1:d.x: Permission bigquery.tables.getData denied on table p1:d.x (or it may not exist)."


@dataclass
class Cloud:
    """A service that holds tables: a bucket, or BigQuery if ``bucket`` is None."""

    bucket: Bucket | None
    emulator: Emulator | None
    folder: Path
    patch: pytest.MonkeyPatch

    def address(self, name: str) -> str:
        return self.bucket.uri(f"{name}.parquet") if self.bucket else f"bq://p1.d.{name}"

    def put(self, name: str, table: pa.Table) -> str:
        """Make a table, or replace it, and return its address."""
        if self.bucket:
            path = write_table(self.folder / f"{name}.parquet", table)
            self.bucket.store.upload(path, self.address(name), if_absent=False)
        if self.emulator:
            client = connected(self.emulator)
            client.delete_table(f"p1.d.{name}", not_found_ok=True)
            load(client, name, table)
            client.close()  # type: ignore[no-untyped-call]
        return self.address(name)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse every request of this process, as the service refuses an account without permission."""
        if self.bucket:
            self.bucket.proxy.faults = [Fault(method, "", status=403) for method in ("GET", "HEAD")]
            self.bucket.use(self.patch, LONG)
            yield
        if self.emulator:
            fault = BigQueryFault("GET ", status=403, reason="accessDenied", message=DENIED)
            with rest_proxy(self.emulator.rest, fault) as proxy:
                self.patch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
                yield


@pytest.fixture(params=["gcs_bucket", "s3_bucket", "cloud"])
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cloud:
    """Each of the three services, which this process finds."""
    found = request.getfixturevalue(request.param)
    if request.param == "cloud":
        return Cloud(None, found, tmp_path, monkeypatch)
    found.use(monkeypatch)
    return Cloud(found, None, tmp_path, monkeypatch)


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
    service: Cloud, nights: Nights, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By ``compare``, ``promote`` and ``register``, with the numbers that the same rows in a file give."""
    table = service.put("reference", rows_of(nights))
    for on in (table, nights.reference):
        assert invoke("compare", "first", "second", "--registry", registry, "--on", on, "--json") == 0
    remote, local = map(json.loads, capsys.readouterr().out.splitlines())
    assert remote["reference"]["location"] == table
    counts = ("rows", "used", "left_out", "without_label", "fitted")
    assert [remote["reference"][key] for key in counts] == [local["reference"][key] for key in counts]
    if service.bucket:  # its rows come in any order, which the sums of a metric may show in their last digits
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
    service: Cloud, nights: Nights, registry: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in (("compare", "first", "second"), ("promote", "second")):
        words = (*verb, "--on", service.address("absent"))
        require_nothing(words, 66, ": check the address of the reference table", registry, capsys)
    unlabelled = service.put("unlabelled", rows_of(nights).drop_columns([TARGET]))
    require_nothing(("promote", "second", "--on", unlabelled), 65, "has no labels", registry, capsys)


def test_a_table_without_permission_publishes_nothing(
    service: Cloud, nights: Nights, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = service.put("denied", rows_of(nights))
    before = leftovers(registry)
    with service.refusing():
        require_nothing(("promote", "second", "--on", table), 77, "", registry, capsys)
        ended = register_run(
            nights.folder / "second", registry, "third", more=("--policy", policy_for(table, tmp_path))
        )
    assert (ended.code, len(ended.errors)) == (77, 1), ended.log
    assert leftovers(registry) == before


@pytest.fixture
def replacing(service: Cloud, nights: Nights, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Replace a table by half of its rows when its bytes are requested, or its rows scored; yields its address."""
    rows = rows_of(nights)
    found = [service.put("replaced", rows)]

    def replace() -> None:
        if len(found) == 1:
            found.append(service.put("replaced", rows.slice(0, len(rows) // 2)))

    download, scores = Store.download, Ensemble.scores

    def replaced_download(self: Store, wanted: Any, target: Path) -> None:
        replace()
        download(self, wanted, target)

    def replaced_scores(self: Ensemble, batch: pa.RecordBatch, threads: int) -> NDArray[Any]:
        replace()
        return scores(self, batch, threads)

    if service.emulator:
        monkeypatch.setattr(Ensemble, "scores", replaced_scores)
    else:
        monkeypatch.setattr(Store, "download", replaced_download)
    yield found
    assert len(found) == 2


def test_a_table_that_is_replaced_meanwhile(
    service: Cloud, nights: Nights, registry: Path, replacing: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An object between its look-up and its download; a table of BigQuery after its rows were fetched."""
    words = ("promote", "second", "--on", replacing[0])
    if service.bucket:
        require_nothing(words, 75, "replaced or deleted while it was fetched", registry, capsys)
        assert invoke(*words, "--registry", registry) == 0
        assert decision(registry, "second", 2)["reference"]["rows"] == len(rows_of(nights)) // 2
        return
    assert invoke(*words, "--registry", registry) == 0
    assert decision(registry, "second", 2)["reference"]["rows"] == len(rows_of(nights))
