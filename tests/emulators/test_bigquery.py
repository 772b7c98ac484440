"""BigQuery as a source: tables, views and queries give the datasets that the same rows in a file give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps import prepare
from steps.io import sources
from steps.sources.reading import Reading
from tests.emulators.conftest import COUNT, connected, numbered
from tests.emulators.faults import Fault, rest_proxy, storage_proxy
from tests.support import FEATURES, SCHEMA, TARGET, Result, call, leftovers, prepared, real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulators.bigquery_server import Emulator

ORDERED = "SELECT * FROM d.cover ORDER BY n"
TABLE = "bq://p1.d.cover"
NEEDED = [*FEATURES, TARGET]
FILES = sorted([*(f"{slug}.parquet" for slug in SCHEMA.slugs), "profile.json"])
TIME = "2026-11-21T09:30:00.250Z"


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where datasets go; the temporary folder lies beside it."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Profile and folder of the datasets that the same rows give as a local file."""
    folder = tmp_path_factory.mktemp("local")
    return prepared(write_table(folder / "source.parquet", real_rows(COUNT)), folder / "out")


def run(out: Path, source: str, *options: object, query: str = "") -> Result:
    """Prepare all seven datasets in ``out``, emptied before; nothing ever stays in the temporary folder."""
    for path in out.iterdir():
        path.unlink()
    if query:
        (out.parent / "cover.sql").write_text(query)
        options = (*options, "--query", out.parent / "cover.sql")
    datasets = [f"--dataset={slug}={out / slug}.parquet" for slug in SCHEMA.slugs]
    result = call(prepare.main, "--source", source, *datasets, "--profile", out / "profile.json", *options)
    assert list((out.parent / "temporary").iterdir()) == []
    assert leftovers(out) == ([] if result.code else FILES)
    assert len(result.errors) == bool(result.code), result.log
    assert "Traceback" not in result.log
    return result


def assert_same_bytes(out: Path, local: tuple[dict[str, Any], Path]) -> None:
    for path in local[1].iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes()


def rows_of(folder: Path) -> list[Any]:
    """Return the rows of a dataset in an order that does not depend on where they came from."""
    table = pq.read_table(folder / "aspen.parquet").drop_columns("row")
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_an_ordered_query_gives_the_bytes_that_the_same_rows_in_a_file_give(
    cloud: Emulator, out: Path, local: tuple[dict[str, Any], Path]
) -> None:
    assert cloud.grpc
    log = run(out, "bq://p1", query=ORDERED).log
    assert_same_bytes(out, local)
    assert "query cover.sql: will process 0 bytes (limit 107,374,182,400)" in log
    assert f"query cover.sql: {COUNT:,} rows read" in log
    assert "REST" not in log
    profile = json.loads((out / "profile.json").read_text())
    assert (profile["source"], profile["query"]) == ("bq://p1", ORDERED)
    assert {key: profile[key] for key in ("data_sha256", "rows", "cover_types", "columns")} == {
        key: local[0][key] for key in ("data_sha256", "rows", "cover_types", "columns")
    }


def test_the_project_to_bill_may_come_from_the_environment(
    cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cloud.grpc
    refused = run(out, "bq://", query=ORDERED)
    words = "there is no project that BigQuery could bill, in --source: use --source bq://PROJECT, or set GOOGLE_CLOUD"
    assert (refused.code, words in refused.errors[0]) == (2, True)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    assert run(out, "bq://", query=ORDERED).code == 0


def test_a_table_gives_the_same_rows(cloud: Emulator, out: Path, local: tuple[dict[str, Any], Path]) -> None:
    """A table has no order, so only the rows are compared."""
    assert cloud.grpc
    log = run(out, TABLE).log
    assert rows_of(out) == rows_of(local[1])
    assert f"{TABLE}: last changed 20" in log
    assert f"{TABLE}: canonical columns" in log


def test_a_sample_without_duplicates_reads_the_service_once(cloud: Emulator, out: Path) -> None:
    with storage_proxy(cloud.grpc, 1000) as storage, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address)
        assert run(out, TABLE, "--rows", "700", "--duplicates", "drop").code == 0
    assert storage.offsets == [0]
    assert pq.read_metadata(out / "aspen.parquet").num_rows == 700


@pytest.mark.parametrize("way", ["no address", "refused"])
def test_rest_is_taken_where_the_storage_read_api_is_refused(
    cloud: Emulator, out: Path, local: tuple[dict[str, Any], Path], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import grpc  # type: ignore[import-untyped]

    monkeypatch.setattr("steps.google.bigquery.rows._PAGE_ROWS", 1500)
    words = "the user does not have 'bigquery.readsessions.create' permission for 'projects/p1'"
    with storage_proxy(cloud.grpc, 1000) as storage:
        storage.refuse = (grpc.StatusCode.PERMISSION_DENIED, words)
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address if way == "refused" else "")
        log = run(out, "bq://p1", query=ORDERED).log
    assert_same_bytes(out, local)
    assert log.count("read by REST, which is slower; the Storage Read API cannot be used: ") == 1
    assert (words in log) == (way == "refused")


def test_both_ways_stage_the_same_file(cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = []
    for address in (cloud.grpc, ""):
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", address)
        run(out, "bq://p1", query=ORDERED)
        digests.append(json.loads((out / "profile.json").read_text())["source_sha256"])
    assert digests[0] == digests[1]


def test_only_needed_columns_are_read_in_one_stream(cloud: Emulator, out: Path) -> None:
    with storage_proxy(cloud.grpc, 1000) as storage, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address)
        run(out, TABLE)
    session = storage.sessions[0]
    assert session.parent == "projects/p1"
    assert list(session.read_session.read_options.selected_fields) == NEEDED
    assert session.max_stream_count == 1
    assert not session.read_session.table_modifiers.snapshot_time


def test_only_needed_columns_are_read_by_rest(cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "")
    monkeypatch.setattr("steps.google.bigquery.rows._PAGE_ROWS", 1500)
    with rest_proxy(cloud.rest) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        run(out, TABLE)
    pages = [parse_qs(urlsplit(request.split()[1]).query) for request in proxy.seen if "/data?" in request]
    assert [page["selectedFields"] for page in pages] == [[",".join(NEEDED)]] * 3


def test_a_view_is_read_by_a_query_of_its_columns(cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with rest_proxy(cloud.rest) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        log = run(out, "bq://p1.d.shown").log
        assert f"bq://p1.d.shown: {2000:,} rows read" in log
        listed = ", ".join(f"`{name}`" for name in NEEDED)
        queries = [body["configuration"]["query"]["query"] for body in proxy.sent]
        assert queries == [f"SELECT {listed} FROM `p1.d.shown`"] * 2  # noqa: S608 - the dry run, and the run
        result = run(out, "bq://p1.d.shown", "--snapshot-time", TIME)
    assert (result.code, "this is a view, of which BigQuery keeps no snapshots" in result.log) == (2, True)


def test_jobs_have_labels_and_the_limit(cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is not enforced by the emulator: that it is sent is all that can be seen."""
    monkeypatch.setenv("COVERTYPE_RUN", "Covertype-20261121.a")
    with rest_proxy(cloud.rest) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        run(out, "bq://p1", "--maximum-bytes-billed", 12_345, "--location", "US", query=ORDERED)
    dry, real = (body["configuration"] for body in proxy.sent)
    assert dry["dryRun"] is True
    assert not real.get("dryRun")
    assert real["query"]["maximumBytesBilled"] == "12345"
    assert dry["labels"] == real["labels"] == {"app": "covertype", "run": "covertype-20261121-a"}
    assert proxy.sent[1]["jobReference"]["location"] == "US"


def estimate(size: int) -> Fault:
    """Return the answer to a dry run that the emulator does not give: how many bytes the query will process."""
    statistics = {"totalBytesProcessed": str(size), "query": {"totalBytesProcessed": str(size)}}
    schema = {"fields": [{"name": name, "type": "INTEGER"} for name in NEEDED]}
    answer = {
        "jobReference": {"projectId": "p1", "location": "US"},
        "configuration": {"dryRun": True, "query": {"query": ""}},
        "statistics": statistics | {"query": {"totalBytesProcessed": str(size), "schema": schema}},
        "status": {"state": "DONE"},
    }
    return Fault("POST .*/jobs", times=1, status=200, answer=answer)


@pytest.mark.parametrize(("limit", "code"), [(4999, 2), (5000, 0), (0, 0)])
def test_a_query_over_the_limit_is_refused_before_it_runs(
    cloud: Emulator, out: Path, limit: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rest_proxy(cloud.rest, estimate(5000)) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = run(out, "bq://p1", "--maximum-bytes-billed", limit, query=ORDERED)
        assert result.code == code, result.log
        assert proxy.count("POST .*/jobs") == (1 if code else 2)
    assert "will process 5,000 bytes" in result.log
    if code:
        words = "the query would process 5,000 bytes, 4,999 are allowed, in query cover.sql: read less, or use"
        assert result.errors == [f"error: {words} --maximum-bytes-billed 5000"]


def test_columns_are_checked_before_anything_is_billed(
    cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = estimate(5000)
    fault.answer["statistics"]["query"]["schema"]["fields"].pop(2)
    with rest_proxy(cloud.rest, fault) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = run(out, "bq://p1", query=ORDERED)
        assert proxy.count("POST .*/jobs") == 1
    assert (result.code, result.errors) == (65, ["error: column 'Slope' is missing, in query cover.sql: add it"])


def test_a_snapshot_time_reaches_the_session_and_the_page(
    cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator ignores it in a session and knows no table decorators: that it is sent is all that is seen."""
    moment = datetime(2026, 11, 21, 9, 30, 0, 250_000, UTC)
    with rest_proxy(cloud.rest) as proxy, storage_proxy(cloud.grpc, 5000) as storage:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address)
        run(out, TABLE, "--snapshot-time", TIME)
        assert storage.sessions[0].read_session.table_modifiers.snapshot_time == moment
        assert json.loads((out / "profile.json").read_text())["snapshot_time"] == "2026-11-21T09:30:00.250000+00:00"
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "")
        run(out, TABLE, "--snapshot-time", TIME)
        assert proxy.count(f"/tables/cover@{int(moment.timestamp() * 1000)}/data") == 1


def test_a_query_reads_a_table_as_it_was(cloud: Emulator, out: Path, local: tuple[dict[str, Any], Path]) -> None:
    client = connected(cloud)
    client.query("CREATE TABLE d.grows AS SELECT * FROM d.cover").result()
    time.sleep(0.1)
    then = datetime.now(UTC).isoformat(timespec="milliseconds")
    time.sleep(0.1)
    client.query("INSERT INTO d.grows SELECT * REPLACE (n + 10000 AS n) FROM d.cover").result()
    client.close()  # type: ignore[no-untyped-call]
    query = "SELECT * FROM d.grows FOR SYSTEM_TIME AS OF @snapshot_time ORDER BY n"
    assert run(out, "bq://p1", "--snapshot-time", then, query=query).code == 0
    assert_same_bytes(out, local)
    run(out, "bq://p1.d.grows")
    assert pq.read_metadata(out / "aspen.parquet").num_rows == 2 * COUNT


@pytest.mark.parametrize(
    ("query", "options", "words"),
    [
        (
            ORDERED,
            ["--snapshot-time", TIME],
            "the query does not use @snapshot_time, in query cover.sql: write FOR SYS",
        ),
        ("SELECT * FROM d.cover FOR SYSTEM_TIME AS OF @Snapshot_Time", [], "the query needs @snapshot_time, in query"),
    ],
)
def test_a_snapshot_time_and_its_query_belong_together(
    cloud: Emulator, out: Path, query: str, options: list[str], words: str
) -> None:
    assert cloud.grpc
    result = run(out, "bq://p1", *options, query=query)
    assert (result.code, words in result.errors[0]) == (2, True), result.log


def described(**other: Any) -> Fault:
    """Return what the service says of a table; the emulator says that it changed just now."""
    reference = {"projectId": "p1", "datasetId": "d", "tableId": "cover"}
    table = {"tableReference": reference, "type": "TABLE", "creationTime": "1000", "lastModifiedTime": "2000"}
    return Fault("GET .*/tables/cover", status=200, answer=table | other)


def test_the_version_of_a_table_is_its_time_of_change(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    then = Reading(snapshot=datetime(2026, 1, 1, tzinfo=UTC))
    later = {"lastModifiedTime": "3000"}
    streaming: dict[str, Any] = {"streamingBuffer": {"estimatedRows": "5", "oldestEntryTime": "1000"}}
    versions = []
    cases: list[tuple[dict[str, Any], Reading]] = [({}, Reading()), (later, Reading())]
    for table, reading in [*cases, (later, then), ({}, then), (streaming, then)]:
        with rest_proxy(cloud.rest, described(**table)) as proxy:
            monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
            versions.append(sources.version_of(TABLE, reading))
    assert None not in versions
    assert len(set(versions)) == 3
    assert versions[2] == versions[3] == versions[4]
    for table in (streaming, {"type": "VIEW"}):
        with rest_proxy(cloud.rest, described(**table)) as proxy:
            monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
            assert sources.version_of(TABLE, Reading()) is None


def test_other_types_of_columns(cloud: Emulator, out: Path, local: tuple[dict[str, Any], Path]) -> None:
    """Numbers may be NUMERIC or FLOAT64; labels may start at zero."""
    assert cloud.grpc
    query = (
        "SELECT * REPLACE (CAST(Elevation AS NUMERIC) AS Elevation, CAST(Slope AS FLOAT64) AS Slope, "
        "Cover_Type - 1 AS Cover_Type) FROM d.cover ORDER BY n"
    )
    run(out, "bq://p1", query=query)
    assert_same_bytes(out, local)


def test_a_missing_value_is_told_by_the_row_of_the_query(cloud: Emulator, out: Path) -> None:
    assert cloud.grpc
    query = "SELECT * REPLACE (IF(n = 41, NULL, Slope) AS Slope) FROM d.cover ORDER BY n"
    result = run(out, "bq://p1", query=query)
    assert result.code == 65
    assert "a value is missing in column 'Slope', in row 41 of query cover.sql: " in result.errors[0]


@pytest.mark.parametrize("rest", [False, True])
def test_an_empty_result(cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch, *, rest: bool) -> None:
    assert cloud.grpc
    if rest:
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "")
    result = run(out, "bq://p1", query="SELECT * FROM d.cover WHERE n < 0")
    assert (result.code, result.errors) == (
        65,
        ["error: there is no row, in query cover.sql: check the table or the query"],
    )


def test_the_command_line_of_a_step_ends_by_itself(cloud: Emulator, out: Path) -> None:
    """A process of its own: no thread of a client keeps it alive."""
    command = [sys.executable, "-m", "steps.prepare", "--source", TABLE, "--rows", "700"]
    command += ["--dataset", f"aspen={out}/aspen.parquet", "--profile", f"{out}/profile.json"]
    environment = os.environ | cloud.environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "Warning" in line]
    assert leftovers(out) == ["aspen.parquet", "profile.json"]


def test_the_rows_here_are_more_than_one_message() -> None:
    assert isinstance(numbered(), pa.Table)
    assert len(numbered()) == COUNT
