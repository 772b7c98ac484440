"""BigQuery on a bad day: what passes is tried again, everything else ends as one line, and nothing is half-written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]
import pytest

from tests.emulators.faults import Fault, rest_proxy, storage_proxy
from tests.emulators.processes import free_port
from tests.emulators.test_bigquery import ORDERED, TABLE, assert_same_bytes, local, out, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulators.bigquery_server import Emulator

__all__ = ["local", "out"]  # fixtures
LOOK, JOB, PAGE = r"GET .*/tables/cover\?", r"POST .*/jobs\?", r"GET .*/tables/[^/]+/data\?"
FOREVER = 1_000_000
DENIED = "Access Denied: Table p1:d.cover: Permission bigquery.tables.getData denied on table p1:d.cover (or it may not"
NO_JOBS = "Access Denied: Project p1: User does not have bigquery.jobs.create permission in project p1."
NOT_SAID = "Access Denied: Table p1:d.cover: User does not have permission to query table p1:d.cover."
ELSEWHERE = "Not found: Dataset p1:d was not found in location EU"
BILLED = "Query exceeded limit for bytes billed: 1000. 10485760 or higher required."
ENDS = [
    (Fault(LOOK, status=403, reason="accessDenied", message=DENIED), 77, "permission bigquery.tables.getData is mis"),
    (Fault(JOB, status=403, reason="accessDenied", message=NO_JOBS), 77, "ask for roles/bigquery.jobUser on the proj"),
    (Fault(JOB, status=403, reason="accessDenied", message=NOT_SAID), 77, "ask for roles/bigquery.dataViewer on the t"),
    (Fault(JOB, status=403, reason="quotaExceeded", message="Quota exceeded"), 77, "check the quotas and the billing"),
    (Fault(JOB, status=403, reason="rateLimitExceeded", message="Slow down"), 75, "BigQuery answered 403 until retri"),
    (Fault(PAGE, status=403, reason="accessDenied", message=DENIED), 77, "bigquery.tables.getData is missing"),
    (Fault(LOOK, status=404, reason="notFound", message="Not found: Table p1:d.cover"), 66, "cover: check the name"),
    (
        Fault(JOB, status=404, reason="notFound", message=ELSEWHERE),
        66,
        "or use --location if the dataset is in another",
    ),
    (Fault(JOB, status=400, reason="bytesBilledLimitExceeded", message=BILLED), 2, "1000. 10485760 or higher require"),
    (
        Fault(JOB, status=401, reason="authError", message="Invalid Credentials"),
        77,
        "gcloud auth application-default l",
    ),
    (Fault(LOOK, status=429, reason="rateLimitExceeded"), 75, "BigQuery answered 429 until retries ended (a bad day)"),
    (Fault(JOB, status=500, reason="internalError"), 75, "BigQuery answered 500 until retries ended (a bad day)"),
    (Fault(PAGE, status=503), 75, "BigQuery answered 503 until retries ended (a bad day)"),
    (Fault(PAGE, cut="reset"), 75, "the connection to BigQuery broke"),
    (Fault(PAGE, cut="short"), 75, "the connection to BigQuery broke"),
    (Fault(PAGE, cut="unsaid"), 75, "the connection to BigQuery broke"),
]
PASSES = [
    *(Fault(at, times=2, status=503) for at in (LOOK, JOB, PAGE)),
    Fault(PAGE, times=2, status=429, reason="rateLimitExceeded"),
    Fault(PAGE, times=2, status=500, reason="internalError"),
    Fault(PAGE, times=2, cut="reset"),
    Fault(PAGE, times=2, cut="short"),
    Fault(LOOK, times=1, cut="reset"),
    Fault(PAGE, wait=0.2),
]


def name_of(fault: object) -> str | None:
    if not isinstance(fault, Fault):
        return None
    names = {LOOK: "look", JOB: "job", PAGE: "page"}
    return f"{names[fault.request]} {fault.status or fault.cut or 'slow'} {fault.reason}"


def asked(fault: Fault, out: Path) -> Any:
    """Prepare from what the fault is about: a query for jobs, the table for everything else."""
    return run(out, "bq://p1", query=ORDERED) if fault.request == JOB else run(out, TABLE)


@pytest.mark.parametrize(("fault", "code", "words"), ENDS, ids=name_of)
def test_what_does_not_pass_ends_as_one_line(  # noqa: PLR0913 - fixtures
    cloud: Emulator, out: Path, fault: Fault, code: int, words: str, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "")
    monkeypatch.setattr("steps.google.bigquery.client.PATIENCE_SECONDS", 1.5)  # busy machines need 1 s
    with rest_proxy(cloud.rest, Fault(**(vars(fault) | {"times": FOREVER}))) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = asked(fault, out)
        tries = proxy.count(fault.request)
    assert (result.code, words in result.errors[0]) == (code, True), result.log
    again = code == 75 and fault.cut != "unsaid"
    assert (tries > 1) == again


@pytest.mark.parametrize("fault", PASSES, ids=name_of)
def test_what_passes_is_tried_again(
    cloud: Emulator, out: Path, local: tuple[Any, Path], fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "")
    times = fault.times
    with rest_proxy(cloud.rest, Fault(**vars(fault))) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = asked(fault, out)
        assert proxy.count(fault.request) > (times if times < FOREVER else 0)
    assert result.code == 0, result.log
    assert_same_bytes(out, local)


def test_an_answer_that_does_not_come_is_given_up(cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "")
    monkeypatch.setattr("steps.google.bigquery.client.PATIENCE_SECONDS", 1.5)  # busy machines need 1 s
    monkeypatch.setattr("steps.google.bigquery.rows.REQUEST_SECONDS", 0.1)
    with rest_proxy(cloud.rest, Fault(PAGE, wait=0.5)) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = run(out, TABLE)
    assert (result.code, "Read timed out" in result.errors[0]) == (75, True), result.log


def test_nobody_answers(cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cloud.rest
    monkeypatch.setattr("steps.google.bigquery.client.PATIENCE_SECONDS", 1.5)  # busy machines need 1 s
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    result = run(out, TABLE)
    assert (result.code, "the connection to BigQuery broke" in result.errors[0]) == (75, True), result.log


def test_a_query_that_is_wrong_is_told_with_its_position(cloud: Emulator, out: Path) -> None:
    assert cloud.rest
    result = run(out, "bq://p1", query="SELEC 1")
    assert result.code == 2
    where = "in line 1, column 1 of query cover.sql"
    assert result.errors == [f'error: Syntax error: Unexpected identifier "SELEC", {where}: correct the query']


@pytest.mark.parametrize("sql", ["CREATE TABLE d.made AS SELECT 1 AS one", "DECLARE one INT64 DEFAULT 1; SELECT one"])
def test_only_a_select_is_run(cloud: Emulator, out: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with rest_proxy(cloud.rest) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = run(out, "bq://p1", query=sql)
        assert proxy.count(JOB) == 1  # the dry run
    assert (result.code, ", not SELECT" in result.errors[0]) == (2, True), result.log


UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "a bad day")
RESET = (grpc.StatusCode.INTERNAL, "Received RST_STREAM with error code 2")


@pytest.mark.parametrize("broken", [UNAVAILABLE, RESET], ids=["unavailable", "reset"])
def test_a_stream_that_breaks_goes_on_where_it_was(
    cloud: Emulator, out: Path, local: tuple[Any, Path], broken: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with storage_proxy(cloud.grpc, 1000) as storage:
        storage.breaks = [broken, broken]
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address)
        result = run(out, "bq://p1", query=ORDERED)
    assert result.code == 0, result.log
    assert storage.offsets == [0, 1000, 2000]
    assert_same_bytes(out, local)


def test_a_stream_that_does_not_start_at_once(
    cloud: Emulator, out: Path, local: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with storage_proxy(cloud.grpc, 1000) as storage:
        storage.starts = [UNAVAILABLE, UNAVAILABLE]
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address)
        result = run(out, "bq://p1", query=ORDERED)
    assert result.code == 0, result.log
    assert storage.offsets == [0, 0, 0]
    assert_same_bytes(out, local)


def test_a_stream_that_never_starts(cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.google.bigquery.client.PATIENCE_SECONDS", 0.3)
    with storage_proxy(cloud.grpc, 1000) as storage:
        storage.starts = [UNAVAILABLE] * 1000
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address)
        result = run(out, "bq://p1", query=ORDERED)
    assert (result.code, "BigQuery answered 503 until retries ended (a bad" in result.errors[0]) == (75, True), (
        result.log
    )


@pytest.mark.parametrize("messages", [0, 2])
def test_a_stream_that_falls_silent(cloud: Emulator, out: Path, messages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.google.bigquery.rows._SILENCE_SECONDS", 0.5)
    with storage_proxy(cloud.grpc, 1000) as storage:
        storage.silent = messages
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address)
        result = run(out, TABLE)
    assert (result.code, "broke (no data arrived for 0.5 s)" in result.errors[0]) == (75, True), result.log


def test_a_storage_read_api_that_is_away_is_done_without(
    cloud: Emulator, out: Path, local: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cloud.rest
    monkeypatch.setattr("steps.google.bigquery.rows._SESSION_SECONDS", 0.3)
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    result = run(out, "bq://p1", query=ORDERED)
    assert result.code == 0, result.log
    assert "read by REST, which is slower; the Storage Read API cannot be used: failed to connect" in result.log
    assert_same_bytes(out, local)


@pytest.mark.parametrize(
    ("broken", "code", "words"),
    [
        ((grpc.StatusCode.INTERNAL, "a defect"), 75, "BigQuery answered 500 until retries ended (a defect)"),
        ((grpc.StatusCode.PERMISSION_DENIED, DENIED), 77, "the permission bigquery.tables.getData is missing"),
        ((grpc.StatusCode.RESOURCE_EXHAUSTED, "too much"), 75, "BigQuery answered 429 until retries ended (too much)"),
    ],
)
def test_a_stream_that_cannot_go_on_ends_as_one_line(  # noqa: PLR0913 - fixtures
    cloud: Emulator, out: Path, broken: tuple[Any, str], code: int, words: str, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    with storage_proxy(cloud.grpc, 1000) as storage:
        storage.breaks = [broken]
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address)
        result = run(out, "bq://p1", query=ORDERED)
    assert (result.code, words in result.errors[0]) == (code, True), result.log


def test_rows_that_are_missing_at_the_end_are_noticed(
    cloud: Emulator, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = {"kind": "bigquery#tableDataList", "totalRows": "3500", "rows": []}
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "")
    monkeypatch.setattr("steps.google.bigquery.rows._PAGE_ROWS", 1500)
    with rest_proxy(cloud.rest, Fault("GET .*/data.*pageToken", status=200, answer=empty)) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = run(out, "bq://p1", query=ORDERED)
    assert (result.code, "1,500 rows arrived, there are 3,500" in result.errors[0]) == (75, True), result.log
