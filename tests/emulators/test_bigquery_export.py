"""Preparation inside BigQuery gives the rows and columns that the preparation here gives, in the bucket and here.

The emulator writes to the emulator of Cloud Storage. It runs the statements of a script as one, estimates 0 bytes, and
has no locations: that it is asked for the limit and given labels is all that can be seen. It writes one file an export.
"""

from __future__ import annotations

import io
import json
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps import prepare
from steps import schema as schemas
from steps.google.bigquery import export, jobs
from steps.google.bigquery.sql import SourceTable, literal, quote_identifier
from steps.sources import layouts
from tests.emulators import bigquery_server
from tests.emulators.conftest import NAMES, connected, load, numbered
from tests.emulators.faults import Fault, rest_proxy
from tests.emulators.test_bigquery import FILES, out, run
from tests.support import FEATURES, SCHEMA, TARGET, call, decoded, one_hot, real_rows, zero_based

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.emulators.bigquery_server import Emulator
    from tests.emulators.storage_server import GcsServer

__all__ = ["out"]  # a fixture
TABLE = "bq://p1.d.cover"
ORDERED = f"SELECT * FROM d.cover ORDER BY {', '.join([*FEATURES, TARGET])}"  # noqa: S608 - the test's own
JOB = "POST .*/jobs\\?"
ROWS = real_rows(3500)


@pytest.fixture(scope="module")
def emulator(gcs_server: GcsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A BigQuery that exports to the emulator of Cloud Storage."""
    start = subprocess.Popen

    def knowing_storage(command: list[str], **options: Any) -> Any:
        options["env"]["STORAGE_EMULATOR_HOST"] = gcs_server.url
        return start(command, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.emulators.bigquery_server.subprocess.Popen", knowing_storage)
        running = bigquery_server.running(tmp_path_factory.mktemp("bigquery"))
        found = running.__enter__()
    client = connected(found)
    client.create_dataset("d")
    tables = {"cover": numbered(), "zero": decoded(zero_based(ROWS)), "flags": one_hot(ROWS)}
    for name, table in tables.items():
        load(client, name, table)
    client.close()  # type: ignore[no-untyped-call]
    try:
        yield found
    finally:
        running.__exit__(None, None, None)


@pytest.fixture
def cloud(emulator: Emulator, gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Both emulators, as the steps find them."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    gcs_server.use(monkeypatch)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    monkeypatch.setattr("steps.google.bigquery.client.FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr("steps.google.bigquery.client.PATIENCE_SECONDS", 1.0)
    return emulator


@pytest.fixture
def prefix(gcs_server: GcsServer) -> str:
    return f"gs://{gcs_server.new_bucket()}/made"


@pytest.fixture
def here(cloud: Emulator, out: Path) -> dict[str, bytes]:
    """What the preparation here makes of the rows in the order of all their columns."""
    assert cloud.rest
    assert run(out, "bq://p1", query=ORDERED).code == 0
    return {path.name: path.read_bytes() for path in out.glob("*.parquet")}


def names_in(gcs_server: GcsServer, prefix: str) -> list[str]:
    store = gcs_server.store_at(gcs_server.url)
    return sorted(blob.name for blob in store.client.list_blobs(prefix.split("/")[2]))


def in_bucket(gcs_server: GcsServer, uri: str) -> pa.Table:
    """Return the rows of all objects that match, in the order of their numbers."""
    store = gcs_server.store_at(gcs_server.url)
    parts = [pq.read_table(io.BytesIO(store.read(each))) for each in store.objects(uri)]
    return pa.concat_tables(parts).sort_by("row")


@pytest.mark.parametrize("table", ["cover", "zero", "flags"])
def test_the_datasets_here_are_the_same_bytes(
    cloud: Emulator, out: Path, here: dict[str, bytes], prefix: str, table: str
) -> None:
    assert cloud.rest
    expected = json.loads((out / "profile.json").read_text())
    result = run(out, f"bq://p1.d.{table}", "--inside-bigquery", prefix)
    assert result.code == 0, result.log
    assert {path.name: path.read_bytes() for path in out.glob("*.parquet")} == here
    profile = json.loads((out / "profile.json").read_text())
    assert profile["inside_bigquery"] == prefix
    assert profile["shape"] == ("one-hot" if table == "flags" else "canonical")
    assert profile["labels"] == ("zero" if table == "zero" else "one")
    same = ("data_sha256", "rows", "rows_read", "cover_types", "columns", "dropped")
    assert {key: profile[key] for key in same} == {key: expected[key] for key in same}


def test_the_datasets_in_the_bucket_have_the_same_rows_and_columns(
    cloud: Emulator, out: Path, here: dict[str, bytes], prefix: str, gcs_server: GcsServer
) -> None:
    assert cloud.rest
    assert call(export.main, "--source", TABLE, "--output", f"{prefix}/").code == 0
    for cover_type in SCHEMA.cover_types:
        made = in_bucket(gcs_server, f"{prefix}/cover_type={cover_type.label}/*.parquet")
        expected = decoded(pq.read_table(io.BytesIO(here[f"{cover_type.slug}.parquet"])))
        assert made.column_names == expected.column_names
        for name in made.column_names:
            assert made.column(name).to_pylist() == expected.column(name).to_pylist()
    assert out.is_dir()
    listing = json.loads(
        gcs_server.store_at(gcs_server.url).read(gcs_server.store_at(gcs_server.url).get(f"{prefix}/{export.LISTING}"))
    )
    assert sum(listing["cover_types"].values()) == len(ROWS)
    listed = [each["name"] for found in [*listing["datasets"].values(), listing["labels"]] for each in found]
    assert sorted([*listed, "made/export.json"]) == names_in(gcs_server, prefix)


def test_only_what_is_asked_for_is_exported_and_one_dataset_is_fetched(
    cloud: Emulator, tmp_path: Path, prefix: str, gcs_server: GcsServer
) -> None:
    assert cloud.rest
    options = [f"--dataset={slug}={tmp_path / slug}.parquet" for slug in ("aspen", "krummholz")]
    options += ["--source", TABLE, "--inside-bigquery", prefix, "--profile", str(tmp_path / "profile.json")]
    result = call(prepare.main, *options)
    assert result.code == 0, result.log
    folders = {name.split("/")[1] for name in names_in(gcs_server, prefix)}
    assert folders == {"cover_type=5", "cover_type=7", "labels", "export.json"}
    assert result.log.count("objects, ") == 2
    assert json.loads((tmp_path / "profile.json").read_text())["cover_types"]["spruce-fir"] == 500


def test_a_query_is_a_source_too(cloud: Emulator, out: Path, here: dict[str, bytes], prefix: str) -> None:
    """Its columns are those that the dry run tells."""
    assert cloud.rest
    query = "SELECT * REPLACE (CAST(Elevation AS NUMERIC) AS Elevation, CAST(Slope AS FLOAT64) AS Slope) FROM d.cover;"
    result = run(out, "bq://p1", "--inside-bigquery", prefix, query=query)
    assert result.code == 0, result.log
    assert {path.name: path.read_bytes() for path in out.glob("*.parquet")} == here


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("IF(n = 41, NULL, Slope) AS Slope", "column 'Slope' holds no value"),
        ("IF(n = 41, -1, Slope) AS Slope", "column 'Slope' holds -1"),
        ("IF(n = 41, 1.5, Slope) AS Slope", "column 'Slope' holds 1.5"),
        ("IF(n = 41, 'C9', Soil_Type) AS Soil_Type", "column 'Soil_Type' holds C9"),
        ("IF(n = 41, 12, Cover_Type) AS Cover_Type", "column 'Cover_Type' holds 12"),
    ],
)
def test_values_that_do_not_fit_are_told_and_nothing_is_listed(  # noqa: PLR0913 - fixtures
    cloud: Emulator, out: Path, prefix: str, gcs_server: GcsServer, *, change: str, words: str
) -> None:
    assert cloud.rest
    query = f"SELECT * REPLACE ({change}) FROM d.cover"  # noqa: S608 - the test's own
    result = run(out, "bq://p1", "--inside-bigquery", prefix, query=query)
    assert (result.code, result.errors) == (65, [f"error: {words}, in query cover.sql: correct the source"])
    assert "made/export.json" not in names_in(gcs_server, prefix)


def test_a_prefix_is_used_once(
    cloud: Emulator, out: Path, prefix: str, gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(out, TABLE, "--inside-bigquery", prefix).code == 0
    before = names_in(gcs_server, prefix)
    with rest_proxy(cloud.rest) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = run(out, TABLE, "--inside-bigquery", prefix)
        assert proxy.count(JOB) == 0
    words = f"error: already exists with different content, in {prefix}/export.json: choose another destination"
    assert (result.code, result.errors) == (2, [words])
    assert names_in(gcs_server, prefix) == before


def test_what_an_attempt_left_is_not_read(  # noqa: PLR0913 - fixtures
    cloud: Emulator, out: Path, here: dict[str, bytes], prefix: str, gcs_server: GcsServer, *, tmp_path: Path
) -> None:
    assert cloud.rest
    pq.write_table(pa.table({"row": [0]}), tmp_path / "x.parquet")
    store = gcs_server.store_at(gcs_server.url)
    for folder in ("cover_type=1", "labels"):
        store.upload(tmp_path / "x.parquet", f"{prefix}/{folder}/part-0123-0.parquet", if_absent=True)
    assert run(out, TABLE, "--inside-bigquery", prefix).code == 0
    assert {path.name: path.read_bytes() for path in out.glob("*.parquet")} == here


def test_the_script_is_one_job_with_labels_and_the_limit(
    cloud: Emulator, out: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVERTYPE_RUN", "one")
    with rest_proxy(cloud.rest) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = run(out, TABLE, "--inside-bigquery", prefix, "--maximum-bytes-billed", 7_000_000)
    assert result.code == 0, result.log
    scripts = [body["configuration"] for body in proxy.sent if "EXPORT DATA" in body["configuration"]["query"]["query"]]
    assert len(scripts) == 1
    assert scripts[0]["query"]["query"].count("EXPORT DATA") == 8
    assert scripts[0]["labels"] == {"app": "covertype", "run": "one"}
    assert scripts[0]["query"]["maximumBytesBilled"] == "7000000"


def test_a_script_over_the_limit_is_refused_before_it_runs(
    cloud: Emulator, out: Path, prefix: str, gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the exports read is counted here; for what the source is the dry run is asked, which tells 0 here."""
    with rest_proxy(cloud.rest) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = run(out, TABLE, "--inside-bigquery", prefix, "--maximum-bytes-billed", 1_000_000)
    bytes_ = 3500 * (7 * (10 * 8 + (2 + 9) + (2 + 5) + 16) + 16)
    words = f"the script would process {bytes_:,} bytes, 1,000,000 are allowed, in {TABLE}: export fewer cover types"
    assert (result.code, words in result.errors[0]) == (2, True), result.log
    assert not [body for body in proxy.sent if "EXPORT DATA" in body["configuration"]["query"]["query"]]
    assert names_in(gcs_server, prefix) == []


def test_refusals_end_as_one_line(
    cloud: Emulator, out: Path, prefix: str, gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "Access Denied: Project p1: User does not have bigquery.jobs.create permission in project p1."
    fault = Fault(JOB, status=403, reason="accessDenied", message=words)
    with rest_proxy(cloud.rest, fault) as proxy:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.url)
        result = run(out, TABLE, "--inside-bigquery", prefix)
    assert (result.code, "ask for roles/bigquery.jobUser" in result.errors[0]) == (77, True)
    assert names_in(gcs_server, prefix) == []


def test_a_bucket_that_is_not_there(cloud: Emulator, out: Path) -> None:
    assert cloud.rest
    result = run(out, TABLE, "--inside-bigquery", "gs://no-such-bucket/x")
    assert (result.code, "no-such-bucket" in result.errors[0]) == (2, True), result.log


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("builtin:", [], "this is for BigQuery, the source is builtin:, in --inside-bigquery"),
        (
            TABLE,
            ["--rows", 10],
            "--rows, --on-missing drop and --duplicates drop do not work together with this option",
        ),
        (TABLE, ["--on-missing", "keep"], "--on-missing keep does not work together with this option, in --inside-big"),
        (
            TABLE,
            ["--duplicates", "drop"],
            "do not work together with this option, in --inside-bigquery: write them into the query",
        ),
    ],
)
def test_what_does_not_go_together(cloud: Emulator, out: Path, source: str, options: list[Any], words: str) -> None:
    assert cloud.rest
    result = run(out, source, "--inside-bigquery", "gs://bucket/x", *options)
    assert (result.code, words in result.errors[0]) == (2, True), result.log


@pytest.mark.parametrize("prefix", ["gs://bucket/a*", "bucket/x", "gs://"])
def test_prefixes_that_are_none(cloud: Emulator, out: Path, prefix: str) -> None:
    assert cloud.rest
    assert run(out, TABLE, "--inside-bigquery", prefix).code == 2


FLOATS = """
name = "floats"
target = "kind"
columns = [{ name = "a", dtype = "float64" }, { name = "b`", dtype = "float32", minimum = 0 }]
cover_types = [{ label = 'x"', slug = "x", title = "X" }, { label = "y", slug = "y", title = "Y" }]
"""


def test_floats_are_no_partitions_and_names_are_quoted(cloud: Emulator) -> None:
    """BigQuery refuses partitions of floats, the emulator does not."""
    schema = schemas.parse(FLOATS)
    shape = layouts.recognise_layout(schema, ["a", "b`", "kind"], "here")
    rows = (
        "(SELECT 2.5 AS a, 1.0 AS `b\\``, 'x\"' AS kind UNION ALL SELECT 1.5, 1.0, 'x\"' UNION ALL SELECT 0.5, 3, 'y')"
    )
    sql = SourceTable(schema, shape, {"a": "FLOAT", "b`": "FLOAT", "kind": "STRING"}, rows, 0).numbered()
    assert "PARTITION BY `label` ORDER BY `a`, `b\\``" in sql
    client = connected(cloud)
    found = sorted((row["row"], row["a"], row["label"]) for row in client.query(sql.replace("b\\`", "b")))
    client.close()  # type: ignore[no-untyped-call]
    assert found == [(0, 1.5, 'x"'), (1, 2.5, 'x"'), (2, 0.5, "y")]


def test_literals_and_names() -> None:
    assert (literal('a"\\'), literal(3), literal(2.5), quote_identifier("a`b")) == ('"a\\"\\\\"', "3", "2.5", "`a\\`b`")


def test_rows_are_numbered_once_each(cloud: Emulator, out: Path, prefix: str, gcs_server: GcsServer) -> None:
    assert run(out, TABLE, "--inside-bigquery", prefix).code == 0
    assert cloud.rest
    labels = in_bucket(gcs_server, f"{prefix}/labels/*")
    assert labels.column("row").to_pylist() == list(range(3500))
    assert np.bincount(labels.column("label").to_numpy()).tolist() == [0, *[500] * 7]
    assert sorted(path.name for path in out.iterdir()) == FILES


class _Job:
    """A job that runs for ever, until it is told to stop."""

    project, location, job_id = "p1", "US", "x"
    cancelled = 0

    def done(self, **_: Any) -> bool:
        return False

    def cancel(self, **_: Any) -> None:
        self.cancelled += 1


def test_a_job_that_nobody_waits_for_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    job: Any = _Job()
    with pytest.raises(KeyboardInterrupt):
        jobs.wait_for_job(job, "here")
    assert job.cancelled == 1
