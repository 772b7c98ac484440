"""``doctor`` for Google: what is there, and each thing that is missing with the command that mends it.

The emulators know no permissions and no locations, and fake-gcs-server cannot be asked for permissions: those answers
are the proxies', worded as the services'.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.auth import exceptions as auth

from steps.core import runtime
from steps.core.errors import DeniedError
from steps.sources.reading import Reading
from tests.emulators.faults import Fault, rest_proxy, storage_proxy
from workflows.cli.doctor.doctor_verb import app
from workflows.cli.doctor.google_checks import GoogleResources, check_google
from workflows.cli.doctor.google_fixes import FixContext
from workflows.cluster.doctor import Finding

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulators.bigquery_server import Emulator
    from tests.emulators.storage_server import GcsServer

TABLE = "bq://p1.d.cover"
LOOK, ASK, JOB = r"GET .*/tables/\w+\?", "POST .*:testIamPermissions", r"POST .*/jobs\?"
OF_A_TABLE = ["Google credentials", "project", "table", "read the table", "Storage Read API"]
ALL = ["storage.objects.get", "storage.objects.list", "storage.objects.create", "storage.objects.delete"]
MEMBER = '"user:$(gcloud config get account)"'
GRANT_BUCKET = f"gcloud storage buckets add-iam-policy-binding gs://%s --member={MEMBER} --role=roles/storage.object"


@pytest.fixture
def bucket(gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> str:
    gcs_server.use(monkeypatch)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    monkeypatch.setattr("workflows.cli.doctor.google_checks._SECONDS", 1.0)
    return gcs_server.new_bucket()


def looked(
    resources: GoogleResources, *faults: Fault, storage: tuple[Fault, ...] = ()
) -> dict[str, tuple[str, str, str]]:
    """Return state, what was seen, and the command by check, behind proxies that answer as the faults say."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name, given in (("BIGQUERY_EMULATOR_HOST", faults), ("STORAGE_EMULATOR_HOST", storage)):
            if given and (target := os.environ.get(name)):
                patch.setenv(name, stack.enter_context(rest_proxy(target, *given)).url)
        found = list(check_google(resources))
    assert all(isinstance(finding, Finding) for finding in found)
    return {finding.check: (finding.state.value, finding.seen, finding.fix) for finding in found}


def states(found: dict[str, tuple[str, str, str]]) -> dict[str, str]:
    return {check: state for check, (state, _, _) in found.items()}


def granted(*permissions: str) -> Fault:
    return Fault("GET .*/iam/testPermissions", status=200, answer={"permissions": list(permissions)})


def refused(request: str, message: str, status: int = 403) -> Fault:
    return Fault(request, status=status, reason="accessDenied" if status == 403 else "notFound", message=message)


def test_a_table_and_a_registry_that_may_be_used(cloud: Emulator, bucket: str) -> None:
    assert cloud.rest
    found = looked(GoogleResources(TABLE, registry=f"gs://{bucket}/models"), storage=(granted(*ALL),))
    assert states(found) == dict.fromkeys(
        [*OF_A_TABLE, "registry bucket", "registry location"],
        "ok",
    )
    assert found["table"][1] == "table, 3,500 rows, in US"
    assert found["registry bucket"][1] == f"gs://{bucket}: may get, list, create, delete objects"


def test_a_view_needs_jobs(cloud: Emulator) -> None:
    assert cloud.rest
    assert states(looked(GoogleResources("bq://p1.d.shown"))) == dict.fromkeys(
        ["Google credentials", "project", "table", "read the table", "run queries"], "ok"
    )
    words = "Access Denied: Project p1: User does not have bigquery.jobs.create permission in project p1."
    state, seen, fix = looked(GoogleResources("bq://p1.d.shown"), refused(JOB, words))["run queries"]
    assert (state, "bigquery.jobs.create" in seen) == ("failed", True)
    assert fix == f"gcloud projects add-iam-policy-binding p1 --member={MEMBER} --role=roles/bigquery.jobUser"


VIEWER = f"bq add-iam-policy-binding --member={MEMBER} --role=roles/bigquery.dataViewer --table=true p1:d.cover"
DENIED = "Access Denied: Table p1:d.cover: Permission bigquery.tables.get denied on table p1:d.cover (or it may not"
PUT = "python workflows/covertype.py load-bigquery --table p1.d.cover loads the bundled table"
DISABLED = "BigQuery API has not been used in project p1 before or it is disabled. Enable it by visiting https://x"
CASES: list[tuple[Fault, str, str, str]] = [
    (refused(LOOK, DENIED), "table", "bigquery.tables.get", VIEWER),
    (
        Fault(ASK, status=200, answer={"permissions": ["bigquery.tables.get"]}),
        "read the table",
        "missing: bigquery.tables.getData",
        VIEWER,
    ),
    (
        refused(LOOK, "Not found: Table p1:d.cover", 404),
        "table",
        "Not found: Table p1:d.cover",
        f"bq ls p1:d lists the existing tables; {PUT}",
    ),
    (refused(LOOK, "Not found: Dataset p1:d", 404), "table", "Not found: Dataset p1:d", "bq ls p1:d lists the"),
    (refused(LOOK, DISABLED), "table", "has not been used", "gcloud services enable bigquery.googleapis.com --proj"),
    (Fault(LOOK, status=503), "table", "BigQuery answered 503", "run again"),
]


@pytest.mark.parametrize(("fault", "check", "seen", "fix"), CASES)
def test_what_is_missing_for_a_table(  # noqa: PLR0913 - one argument a part of a case
    cloud: Emulator, fault: Fault, check: str, seen: str, fix: str, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cloud.rest
    monkeypatch.setattr("workflows.cli.doctor.google_checks._SECONDS", 0.3)
    found = looked(GoogleResources(TABLE), fault)[check]
    assert (found[0], seen in found[1], fix in found[2]) == ("failed", True, True), found


def test_both_permissions_are_told_where_the_table_cannot_be_seen(cloud: Emulator) -> None:
    assert cloud.rest
    found = looked(GoogleResources(TABLE), refused(LOOK, DENIED), Fault(ASK, status=200, answer={}))
    assert found["read the table"][1] == "missing: bigquery.tables.get, bigquery.tables.getData"
    assert "Storage Read API" not in found


def test_read_sessions_that_are_refused(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "the user does not have 'bigquery.readsessions.create' permission for 'projects/p1'"
    with storage_proxy(cloud.grpc, 1000) as storage:
        storage.refuse = (grpc.StatusCode.PERMISSION_DENIED, words)
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.address)
        state, seen, fix = looked(GoogleResources(TABLE))["Storage Read API"]
    assert (state, "bigquery.readsessions.create" in seen) == ("failed", True)
    assert fix == f"gcloud projects add-iam-policy-binding p1 --member={MEMBER} --role=roles/bigquery.readSessionUser"


def test_a_query_is_run_dry(cloud: Emulator) -> None:
    assert cloud.rest
    found = looked(GoogleResources("bq://p1", Reading("SELECT * FROM d.cover", "cover.sql")))
    assert found["query"] == ("ok", "allowed, would process 0 bytes", "")
    found = looked(GoogleResources("bq://p1", Reading("SELECT * FROM d.nowhere", "cover.sql")))
    assert found["query"][0] == "failed"
    denied = "Access Denied: Table p2:e.f: Permission bigquery.tables.getData denied on table p2:e.f (or it may not"
    found = looked(GoogleResources("bq://p1", Reading("SELECT 1", "cover.sql")), refused(JOB, denied))
    assert found["query"][2].endswith("--role=roles/bigquery.dataViewer --table=true p2:e.f")
    elsewhere = refused(JOB, "Not found: Dataset p1:d was not found in location EU", 404)
    found = looked(GoogleResources("bq://p1", Reading("SELECT 1", "cover.sql", location="EU")), elsewhere)
    assert found["query"][2] == "leave --location EU out, or use the location of the dataset"


def test_a_project_is_needed(cloud: Emulator) -> None:
    assert cloud.rest
    found = looked(GoogleResources("bq://", Reading("SELECT 1", "cover.sql")))
    assert states(found) == {"Google credentials": "ok", "project": "failed"}
    assert "set GOOGLE_CLOUD_PROJECT" in found["project"][2]


@pytest.mark.parametrize(
    ("asked", "check", "given", "missing", "role"),
    [
        ("source", "source bucket", ALL[:1], "storage.objects.list", "Viewer"),
        ("source", "source bucket", ALL[1:2], "storage.objects.get", "Viewer"),
        ("output", "output bucket", ALL[:2], "storage.objects.create", "User"),
        ("registry", "registry bucket", ALL[:3], "storage.objects.delete", "User"),
        ("registry", "registry bucket", [], ", ".join(ALL), "User"),
    ],
)
def test_permissions_that_are_missing_on_a_bucket(  # noqa: PLR0913 - one argument a part of a case
    bucket: str, asked: str, check: str, given: list[str], missing: str, *, role: str
) -> None:
    found = looked(GoogleResources(**{asked: f"gs://{bucket}/x/*.parquet"}), storage=(granted(*given),))  # type: ignore[arg-type]
    assert found[check] == ("failed", f"missing: {missing}", GRANT_BUCKET % bucket + role)


def test_a_bucket_that_is_not_there(bucket: str) -> None:
    gone = Fault("GET .*/iam/testPermissions", status=404, message="The specified bucket does not exist.")
    found = looked(GoogleResources(registry="gs://no-such-bucket/x"), storage=(gone,))
    create = "gcloud storage buckets create gs://no-such-bucket, or correct the name"
    assert bucket
    assert found["registry bucket"] == ("failed", "no such bucket", create)


def test_the_objects_of_a_source(bucket: str, gcs_server: GcsServer, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    gcs_server.store_at(gcs_server.url).upload(tmp_path / "a.csv", f"gs://{bucket}/a.csv", if_absent=True)
    for name, state, seen in (("*.csv", "ok", "1 found"), ("*.parquet", "failed", "no object matches")):
        found = looked(GoogleResources(f"gs://{bucket}/{name}"), storage=(granted(*ALL),))
        assert found["source objects"][:2] == (state, seen)


def described(location: str) -> Fault:
    reference = {"projectId": "p1", "datasetId": "d", "tableId": "cover"}
    return Fault(LOOK, status=200, answer={"tableReference": reference, "type": "TABLE", "location": location})


@pytest.mark.parametrize(
    ("table", "place", "together"),
    [
        ("EU", "EU", True),
        ("EU", "EUROPE-WEST1", True),
        ("EU", "US-CENTRAL1", False),
        ("europe-west1", "EUROPE-WEST1", True),
        ("europe-west1", "EU", False),
        ("US", "ASIA-EAST1", True),
    ],
)
def test_where_table_and_bucket_lie(cloud: Emulator, bucket: str, table: str, place: str, *, together: bool) -> None:
    assert cloud.rest
    there = Fault(r"GET .*/b/[\w-]+\?", status=200, answer={"name": bucket, "location": place})
    storage = (granted(*ALL), there)
    found = looked(GoogleResources(TABLE, registry=f"gs://{bucket}/x"), described(table), storage=storage)
    state, _, fix = found["registry location"]
    assert (state == "ok") is together
    if not together:
        said = f"gcloud storage buckets create gs://ANOTHER --location={table.upper()}, and use that bucket"
        assert (state, fix) == ("failed", said)


def test_a_bucket_whose_location_may_not_be_seen_is_no_failure(cloud: Emulator, bucket: str) -> None:
    assert cloud.rest
    denied = "robot@p1.iam.gserviceaccount.com does not have storage.buckets.get access to the bucket."
    storage = (granted(*ALL), Fault(r"GET .*/b/[\w-]+\?", status=403, message=denied))
    found = looked(GoogleResources(TABLE, registry=f"gs://{bucket}/x"), storage=storage)
    assert found["registry location"][0] == "unknown"


class _Credentials:
    service_account_email = "robot@p1.iam.gserviceaccount.com"

    def refresh(self, request: object) -> None:
        """Answer as credentials do that are still good."""


class _Revoked(_Credentials):
    def refresh(self, request: object) -> None:  # noqa: ARG002
        raise auth.RefreshError("invalid_grant: Token has been expired or revoked.")  # type: ignore[no-untyped-call]


def _none(**_: Any) -> Any:
    raise auth.DefaultCredentialsError("nothing found")  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("default", "seen"), [(_none, "there are no Google"), (lambda **_: (_Revoked(), "p1"), "expired or revoked")]
)
def test_without_credentials_nothing_else_is_looked_at(
    default: Any, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BIGQUERY_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("google.auth.default", default)
    (found,) = check_google(GoogleResources(TABLE, registry="gs://bucket/x"))
    assert (found.state.value, seen in found.seen) == ("failed", True)
    assert "gcloud auth application-default login" in found.fix


def test_commands_name_the_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BIGQUERY_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("google.auth.default", lambda **_: (_Credentials(), "p1"))
    monkeypatch.setattr("workflows.cli.doctor.google_checks.connect", lambda _: pytest.fail("not reached"))
    first = next(check_google(GoogleResources(registry="gs://bucket/x")))
    assert first.seen == "robot@p1.iam.gserviceaccount.com, project p1"
    fix = FixContext(email=_Credentials.service_account_email, bucket="b").fix_for(
        DeniedError("missing: storage.objects.get")
    )
    assert "gs://b --member=serviceAccount:robot@p1.iam.gserviceaccount.com --role=roles/storage.objectViewer" in fix


def invoke(*words: object) -> int:
    return runtime.run_to_exit_code(lambda: app(args=[str(word) for word in words], standalone_mode=False) or 0)


def test_the_verb_without_a_cluster(
    cloud: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cloud.rest
    for name in ("ARGO_SERVER", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert invoke("--source", TABLE, "--json") == 0
    checks = [finding["check"] for finding in json.loads(capsys.readouterr().out)]
    assert checks == OF_A_TABLE
    assert invoke("--source", "bq://p1.d.nowhere") == 1
    lines = capsys.readouterr().out.splitlines()
    assert "failed   table" in "".join(lines)
    assert lines[-1].strip().startswith("fix: bq ls p1:d lists")
    (tmp_path / "cover.sql").write_text("SELECT * FROM d.cover")
    assert invoke("--source", "bq://p1", "--query", tmp_path / "cover.sql") == 0
    assert "allowed, would process 0 bytes" in capsys.readouterr().out


def test_the_verb_goes_on_to_the_cluster_that_is_named(
    cloud: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cloud.rest
    monkeypatch.delenv("ARGO_SERVER", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert invoke("--source", TABLE) == 78
    seen = capsys.readouterr()
    assert "ok       Storage Read API" in seen.out
    assert "cannot connect to a cluster" in seen.err
