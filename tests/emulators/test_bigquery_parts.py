"""What of reading from BigQuery needs no service: addresses, columns, labels, credentials."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from steps.core.errors import BadDataError, DeniedError, PipelineError, TransientError, UsageError
from steps.core.runtime import TerminatedError
from steps.google import bigquery
from steps.google.bigquery import Address, client, jobs, query
from steps.google.bigquery.errors import translate_errors
from steps.sources.reading import Reading
from tests.support import FEATURES, SCHEMA, TARGET, call, one_hot, real_rows

if TYPE_CHECKING:
    from pathlib import Path

QUERY = Reading("SELECT 1", "one.sql")
ONE_HOT = one_hot(real_rows(7)).column_names


@pytest.mark.parametrize(
    ("uri", "reading", "address"),
    [
        ("bq://p1.d.t", Reading(), Address("p1", "d", "t")),
        ("bq://a-project.some_data.my-table", Reading(), Address("a-project", "some_data", "my-table")),
        ("bq://example.com:p.d.t", Reading(), Address("example.com:p", "d", "t")),
        ("bq://p1", QUERY, Address("p1")),
        ("bq://", QUERY, Address("")),
        ("bq://example.com:p", QUERY, Address("example.com:p")),
    ],
)
def test_addresses(uri: str, reading: Reading, address: Address) -> None:
    assert bigquery.parse_address(uri, reading) == address


@pytest.mark.parametrize("rest", ["", "p1", "p1.d", "p1.d.t$20260101", "p1.d.t@1", "p1.d.t*", "p1/d/t", "p`1.d.t"])
def test_what_is_no_table(rest: str) -> None:
    with pytest.raises(UsageError, match=r"is not a table, in --source: write bq://PROJECT\.DATASET\.TABLE"):
        bigquery.parse_address(f"bq://{rest}", Reading())


@pytest.mark.parametrize("rest", ["p1.d.t", "p1/x", "p 1"])
def test_a_query_is_billed_to_a_project(rest: str) -> None:
    with pytest.raises(UsageError, match="is not a project, in --source: with --query use bq://PROJECT"):
        bigquery.parse_address(f"bq://{rest}", QUERY)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([TARGET, "n", *FEATURES[::-1]], [*FEATURES, TARGET]),
        ([*FEATURES, "split", TARGET], [*FEATURES, "split", TARGET]),
        ([*ONE_HOT, "n"], ONE_HOT),
        ([*ONE_HOT, *FEATURES[10:]], [*FEATURES, TARGET]),
    ],
)
def test_columns_that_are_needed(names: list[str], expected: list[str]) -> None:
    assert bigquery.Needed(SCHEMA).columns(names, "a table") == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["n", *FEATURES[::-1]], [*FEATURES, "n"]),
        ([TARGET, *FEATURES, "split"], [*FEATURES, TARGET]),
        ([*ONE_HOT[:-1], "n"], [*ONE_HOT[:-1], "n"]),
    ],
)
def test_columns_that_are_needed_to_predict(names: list[str], expected: list[str]) -> None:
    needed = bigquery.Needed(SCHEMA, labelled=False, others=("n", "Slope", "absent"))
    assert needed.columns(names, "a table") == expected


def test_a_needed_column_is_missing() -> None:
    with pytest.raises(BadDataError, match="column 'Slope' is missing and column 'n' is not in the schema, in a table"):
        bigquery.Needed(SCHEMA).columns([*(name for name in FEATURES if name != "Slope"), TARGET, "n"], "a table")


@pytest.mark.parametrize(
    ("run", "label"),
    [("covertype-20261121-a1", "covertype-20261121-a1"), ("A.b/ü", "a-b--"), ("x" * 80, "x" * 63)],
)
def test_labels_are_what_bigquery_allows(run: str, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVERTYPE_RUN", run)
    assert query.job_labels() == {"app": "covertype", "run": label}
    monkeypatch.delenv("COVERTYPE_RUN")
    assert query.job_labels() == {"app": "covertype"}


def test_a_query_has_a_version_only_with_a_snapshot() -> None:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    later = datetime(2026, 1, 2, tzinfo=UTC)
    assert bigquery.version_of("bq://p1", QUERY) is None
    versions = [bigquery.version_of("bq://p1", Reading(sql, snapshot=at)) for sql in "ab" for at in (then, later)]
    assert len(set(versions)) == 4
    assert None not in versions


class Job:
    """A query that runs until somebody is tired of it."""

    def __init__(self, ending: type[BaseException]) -> None:
        self.asked, self.cancelled, self._ending = 0, False, ending

    def done(self, **_: object) -> bool:
        self.asked += 1
        if self.asked > 2:
            raise self._ending
        return False

    def cancel(self, **_: object) -> None:
        self.cancelled = True
        raise ConnectionError


@pytest.mark.parametrize("ending", [KeyboardInterrupt, TerminatedError])
def test_a_query_that_nobody_waits_for_is_cancelled(ending: type[BaseException]) -> None:
    job: Any = Job(ending)
    with pytest.raises(ending), jobs.wait_until_done(job):
        pass
    assert (job.asked, job.cancelled) == (3, True)


def test_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from steps import prepare

    for name in ("BIGQUERY_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    outputs = ["--dataset", f"aspen={tmp_path}/a", "--profile", f"{tmp_path}/p"]
    result = call(prepare.main, "--source", "bq://p1.d.t", *outputs)
    assert result.code == 77
    assert result.errors[0].startswith(
        "error: there are no Google credentials, in bq://p1.d.t: run `gcloud auth application-default login`"
    )
    assert list(tmp_path.iterdir()) == []


def made(kind: Any, *arguments: object) -> Exception:
    """Return an error of one of Google's libraries, whose classes have no types."""
    error: Exception = kind(*arguments)
    return error


GONE = made(auth.RefreshError, "invalid_grant: Token has been expired or revoked")
BUSY = made(api.ServiceUnavailable, "busy.")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (GONE, DeniedError, "the Google credentials were refused (invalid_grant: Token has been"),
        (requests.exceptions.JSONDecodeError("Expecting value", "{", 0), TransientError, "the connection to BigQuery"),
        (ConnectionResetError("reset"), TransientError, "the connection to BigQuery broke (reset)"),
        (TimeoutError(), TransientError, "the connection to BigQuery broke (TimeoutError)"),
        (made(api.RetryError, "too long", BUSY), TransientError, "BigQuery answered 503 until retries ended (busy)"),
        (made(api.RetryError, "too long", None), TransientError, "the connection to BigQuery broke"),
        (made(api.Forbidden, "Permission bigquery.x.y denied"), DeniedError, "ask for a role with this permission"),
        (made(api.BadRequest, "Cannot do\nLocation: US"), UsageError, "Cannot do, in here: correct the source or"),
    ],
)
def test_errors_that_are_hard_to_provoke(error: Exception, kind: type[PipelineError], words: str) -> None:
    with pytest.raises(kind) as known, translate_errors("here"):
        raise error
    assert known.type is kind
    assert words in str(known.value)
    assert "\n" not in str(known.value)


def test_retries_end() -> None:
    for patience in (client.request_retry(), client.stream_retry()):
        assert patience.timeout == client.PATIENCE_SECONDS


def test_google_s_libraries_are_imported_where_they_are_needed_only() -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from steps import prepare, schema\nfrom steps.io import open_source\n"
        "from steps.sources.reading import Reading\n"
        "with open_source('builtin:', schema.load('covertype'), Reading()) as source:\n"
        "    assert source.files\n"
        "assert not {'google.auth', 'google.cloud', 'google.api_core', 'grpc', 'requests'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
