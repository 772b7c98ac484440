"""``load-bigquery``: the bundled table in a dataset of one's own, all of it or nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from steps import prepare
from steps.core import runtime
from tests.emulators.conftest import connected
from tests.emulators.faults import Fault, rest_proxy
from tests.support import SCHEMA, builtin, call
from workflows.cli.bigquery_verbs import app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulators.bigquery_server import Emulator

ROWS = 581_012
UPLOAD, LOOK, DATASET = "/upload/", "GET .*/tables/", "GET .*/datasets/[^/]+\\?"


def invoke(*words: object) -> int:
    return runtime.run_to_exit_code(lambda: app(args=[str(word) for word in words], standalone_mode=False) or 0)


def count(cloud: Emulator, name: str) -> int | None:
    """Return the number of a table's rows, None where there is no table."""
    client = connected(cloud)
    names = {f"{each.dataset_id}.{each.table_id}" for each in _tables(client)}
    found = next(iter(client.query(f"SELECT COUNT(*) FROM `p1.{name}`")))[0] if name in names else None  # noqa: S608
    client.close()  # type: ignore[no-untyped-call]
    return found


def _tables(client: Any) -> list[Any]:
    return [table for dataset in client.list_datasets() for table in client.list_tables(dataset.dataset_id)]


def test_the_table_is_a_source_that_gives_the_bundled_rows(
    cloud: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile's digest of all rows is that of the bundled table, where a query puts them in one order."""
    monkeypatch.setenv("COVERTYPE_RUN", "try")
    with rest_proxy(cloud.rest) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        assert invoke("--table", "p1.mine.covertype", "--location", "EU") == 0
        assert proxy.count("POST .*/datasets") == 1
    out = capsys.readouterr()
    assert out.out.splitlines() == [
        "581,012 rows are in bq://p1.mine.covertype, in EU",
        "next: python workflows/covertype.py run --source bq://p1.mine.covertype",
    ]
    assert "dataset p1.mine created in EU" in out.err
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", cloud.rest)
    client = connected(cloud)
    table = client.get_table("p1.mine.covertype")
    assert [field.name for field in table.schema] == builtin().column_names
    assert {field.field_type for field in table.schema} == {"INTEGER", "STRING"}
    job = next(iter(client.list_jobs(max_results=1)))
    client.close()  # type: ignore[no-untyped-call]
    assert job.labels == {"app": "covertype", "run": "try"}
    options = ["--dataset", f"aspen={tmp_path}/aspen.parquet", "--profile", tmp_path / "profile.json"]
    assert call(prepare.main, "--source", "bq://p1.mine.covertype", *options).code == 0
    profile = json.loads((tmp_path / "profile.json").read_text())
    assert (profile["rows"], profile["shape"]) == (ROWS, "canonical")
    counts = builtin().column(SCHEMA.target).value_counts().to_pylist()
    assert sorted(profile["cover_types"].values()) == sorted(entry["counts"] for entry in counts)


def test_a_table_that_is_there_is_left_alone_without_replace(
    cloud: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    client = connected(cloud)
    client.query("CREATE TABLE d.taken AS SELECT 1 AS other").result()
    client.close()  # type: ignore[no-untyped-call]
    assert invoke("--table", "bq://p1.d.taken") == 2
    said = "error: the table already exists, in bq://p1.d.taken: choose another name, or replace it with --replace"
    assert capsys.readouterr().err.splitlines() == [said]
    assert count(cloud, "d.taken") == 1
    assert invoke("--table", "p1.d.taken", "--replace", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == count(cloud, "d.taken") == ROWS


def test_a_dataset_that_lies_elsewhere(cloud: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("--table", "p1.d.new", "--location", "europe-west1") == 2
    assert "dataset p1.d is in US, not in europe-west1, in --location: use --location US" in capsys.readouterr().err
    assert count(cloud, "d.new") is None


@pytest.mark.parametrize("name", ["", "p1", "p1.d", "p1.d.x*", "gs://p1.d.x"])
def test_names_that_are_none(cloud: Emulator, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cloud.rest
    assert invoke("--table", name) == 2
    assert f"{name!r} is not a table, in --table: write PROJECT.DATASET.TABLE" in capsys.readouterr().err


DENIED = "Access Denied: Dataset p1:d: Permission bigquery.tables.create denied on dataset p1:d"
NO_JOB = "Access Denied: Project p1: User does not have bigquery.jobs.create permission in project p1."
NO_DATASET = "Access Denied: Project p1: User does not have bigquery.datasets.create permission in project p1."


@pytest.mark.parametrize(
    ("table", "fault", "code", "words"),
    [
        ("p1.d.x", Fault(UPLOAD, status=403, reason="accessDenied", message=DENIED), 77, "bigquery.tables.create is"),
        ("p1.d.x", Fault(UPLOAD, status=403, reason="accessDenied", message=NO_JOB), 77, "roles/bigquery.jobUser"),
        (
            "p1.fresh.x",
            Fault("POST .*/datasets", status=403, reason="accessDenied", message=NO_DATASET),
            77,
            "the permission bigquery.datasets.create is missing",
        ),
        ("p1.d.x", Fault(LOOK, status=503), 75, "BigQuery answered 503 until retries ended"),
        ("p1.d.x", Fault(DATASET, cut="reset"), 75, "the connection to BigQuery broke"),
    ],
)
def test_refusals_and_bad_days_end_as_one_line(  # noqa: PLR0913 - fixtures
    cloud: Emulator,
    table: str,
    fault: Fault,
    code: int,
    words: str,
    *,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("steps.google.bigquery.client.PATIENCE_SECONDS", 0.2)
    with rest_proxy(cloud.rest, fault) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        assert invoke("--table", table) == code
    errors = capsys.readouterr().err.splitlines()
    assert words in errors[-1]
    assert sum(line.startswith("error: ") for line in errors) == 1
    assert count(cloud, table.removeprefix("p1.")) is None


@pytest.mark.parametrize("fault", [Fault(UPLOAD, times=1, status=503), Fault(DATASET, times=2, status=503)])
def test_what_passes_is_tried_again(cloud: Emulator, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    with rest_proxy(cloud.rest, Fault(**vars(fault))) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        assert invoke("--table", "p1.d.again", "--replace") == 0
    assert count(cloud, "d.again") == ROWS


def test_somebody_else_was_faster(
    cloud: Emulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table appears after it was looked for: the load job itself refuses, as it writes to empty tables only."""
    client = connected(cloud)
    client.query("CREATE TABLE d.raced AS SELECT 1 AS other").result()
    client.close()  # type: ignore[no-untyped-call]
    missing = Fault(LOOK, status=404, reason="notFound", message="Not found: Table p1:d.raced")
    with rest_proxy(cloud.rest, missing) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        assert invoke("--table", "p1.d.raced") == 2
    assert "the table already exists, in bq://p1.d.raced" in capsys.readouterr().err
    assert count(cloud, "d.raced") == 1


def test_help_imports_no_client_of_google() -> None:
    code = "import sys; from workflows.cli.bigquery_verbs import app; app(['--help'], standalone_mode=False)"
    code += "; print([name for name in sys.modules if name.startswith('google')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--table" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
