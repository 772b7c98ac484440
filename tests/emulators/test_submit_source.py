"""``submit --source ./table.csv``: the file goes to the artifact repository, which is SeaweedFS here."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import yaml

from tests.emulators import s3_server as emulator
from tests.emulators.bucket_faults import Fault
from tests.emulators.buckets import SHORT
from tests.emulators.processes import ROOT
from tests.support import real_rows, write_table
from tests.workflows.conftest import api, kube, server
from tests.workflows.fake_api import FakeApi, status
from tests.workflows.fake_runs import CORE, KUBE, SERVER, created, invoke

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulators.buckets import Bucket

__all__ = ["api", "kube", "server"]  # fixtures
pytestmark = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")
CONFIG_MAP = f"GET {CORE}/configmaps/artifact-repositories"
SELECTORS = {
    "accessKeySecret": {"name": "artifact-store", "key": "accessKey"},
    "secretKeySecret": {"name": "artifact-store", "key": "secretKey"},
}


@pytest.fixture
def bucket(s3_bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """The bucket of the artifact repository. The environment names no store, and the process works in ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    s3_bucket.use(monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    return s3_bucket


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "my table.csv", real_rows(700))


def repository(of: Bucket, **changes: Any) -> dict[str, Any]:
    endpoint = of.proxy.url.removeprefix("http://")
    return {"bucket": of.name, "endpoint": endpoint, "insecure": True, **SELECTORS, **changes}


def serve(kube: FakeApi, stores: dict[str, Any], access: str = emulator.ACCESS, secret: str = emulator.SECRET) -> None:
    """Let the API have the ConfigMap of a repository, the Secret with its keys, and accept workflows."""
    default = {"workflows.argoproj.io/default-artifact-repository": "default-v1"}
    kube.on(CONFIG_MAP, (200, {"metadata": {"annotations": default}, "data": {"default-v1": yaml.safe_dump(stores)}}))
    data = {"accessKey": access, "secretKey": secret}
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    kube.on(f"GET {CORE}/secrets/artifact-store", (200, {"data": encoded}))
    kube.on(f"POST {KUBE}", (201, created("mine")))


def sent_workflow(kube: FakeApi) -> dict[str, Any]:
    [body] = [request.body for request in kube.requests if request.method == "POST"]
    found: dict[str, Any] = body
    return found


def key_of(path: Path) -> str:
    return f"sources/{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_the_file_is_uploaded_once_and_prepare_reads_it(
    bucket: Bucket, kube: FakeApi, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(kube, {"s3": repository(bucket)})
    assert invoke("submit", "--source", "./my table.csv") == 0
    printed = capsys.readouterr()
    assert f"uploading my table.csv, {table.stat().st_size:,} bytes, to s3://{bucket.name}/" in printed.err
    key = key_of(table)
    assert bucket.names() == [key]
    assert bucket.store.read(bucket.store.get(bucket.uri(key))) == table.read_bytes()
    spec = sent_workflow(kube)["spec"]
    [prepare] = [template for template in spec["templates"] if template["name"] == "prepare"]
    [source] = [entry for entry in prepare["inputs"]["artifacts"] if entry["name"] == "source-file"]
    assert source == {"name": "source-file", "path": "/work/in/source-file/my table.csv", "s3": {"key": key}}
    assert "--source-file={{inputs.artifacts.source-file.path}}" in prepare["container"]["args"]
    values = {entry["name"]: entry["value"] for entry in spec["arguments"]["parameters"]}
    assert values["source"] == "./my table.csv"
    [description] = spec["workflowMetadata"]["annotations"].values()
    assert "workflow.parameters.source" in description

    bucket.proxy.asked.clear()
    kube.requests.clear()
    assert invoke("submit", "--source", "my table.csv") == 0
    assert [method for method, _, _ in bucket.proxy.asked] == ["HEAD"]
    assert "uploading" not in capsys.readouterr().err


def test_a_large_file_shows_its_progress(
    bucket: Bucket, kube: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(kube, {"s3": repository(bucket)})
    rows = real_rows(20_000)
    path = write_table(tmp_path / "large.csv", pa.concat_tables([rows] * 20))
    assert path.stat().st_size > 2 * (8 << 20)
    assert invoke("submit", "--source", "large.csv") == 0
    shown = [line for line in capsys.readouterr().err.splitlines() if line.endswith("% uploaded")]
    assert shown[-1] == "large.csv: 100% uploaded"
    assert bucket.store.read(bucket.store.get(bucket.uri(key_of(path)))) == path.read_bytes()


def test_a_bucket_that_argo_would_make(bucket: Bucket, kube: FakeApi, table: Path) -> None:
    name = f"{bucket.name}-new"
    serve(kube, {"s3": repository(bucket, bucket=name, createBucketIfNotPresent={})})
    for _ in range(2):
        assert invoke("submit", "--source", "my table.csv") == 0
    assert bucket.store.get(f"s3://{name}/{key_of(table)}").size == table.stat().st_size


def test_a_dry_run_uploads_nothing(
    bucket: Bucket, kube: FakeApi, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(kube, {"s3": repository(bucket)})
    assert invoke("submit", "--source", "my table.csv", "--dry-run") == 0
    assert key_of(table) in capsys.readouterr().out
    assert bucket.names() == []


def test_argo_server_needs_a_kubeconfig_for_an_upload(  # noqa: PLR0913, PLR0917 - fixtures
    bucket: Bucket,
    server: FakeApi,
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve(server, {"s3": repository(bucket)})
    server.on(f"POST {SERVER}", (200, created("mine")))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert invoke("submit", "--source", "my table.csv") == 78
    assert "argo-server accepts no files, and there is no kubeconfig" in capsys.readouterr().err
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
    assert invoke("submit", "--source", "my table.csv") == 0
    assert bucket.names() == [key_of(table)]


def test_an_account_that_may_not_read_secrets_uses_its_own_keys(
    bucket: Bucket, kube: FakeApi, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(kube, {"s3": repository(bucket)})
    forbidden = 'secrets "artifact-store" is forbidden: User "u" cannot get resource "secrets" in API group ""'
    kube.on(f"GET {CORE}/secrets/artifact-store", (403, status(403, f'{forbidden} in the namespace "covertype"')))
    assert invoke("submit", "--source", "my table.csv") == 77
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: u may not get secrets")
    assert line.endswith("or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys of the store")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", emulator.ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", emulator.SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")  # that of another store
    assert invoke("submit", "--source", "my table.csv") == 0
    assert bucket.names() == [key_of(table)]


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"bucket": "no-such-bucket-here"}, 66, "no such bucket, in artifact repository http://"),
        ({"endpoint": "127.0.0.1:1"}, 69, "S3 cannot be reached, in artifact repository http://127.0.0.1:1"),
    ],
)
def test_a_repository_that_cannot_be_written(  # noqa: PLR0913, PLR0917 - fixtures and cases
    bucket: Bucket,
    kube: FakeApi,
    table: Path,  # noqa: ARG001 - the file is needed
    changes: dict[str, str],
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("workflows.cluster.artifact_store._UPLOAD_PATIENCE", SHORT)
    serve(kube, {"s3": repository(bucket, **changes)})
    assert invoke("submit", "--source", "my table.csv") == code
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"error: {message}")
    assert line.endswith("upload the file yourself, and name it with --source s3://BUCKET/OBJECT")
    assert not [request for request in kube.requests if request.method == "POST"]


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ({"status": 507, "code": "XMinioStorageFull"}, 75, "the bucket is full"),
        ({"status": 403, "code": "AccessDenied"}, 77, "the caller lacks the permission s3:PutObject"),
        ({"status": 503, "code": "SlowDown"}, 75, "S3 answered 503 again and again"),
    ],
)
def test_an_upload_that_fails_starts_nothing(  # noqa: PLR0913, PLR0917 - fixtures and cases
    bucket: Bucket,
    kube: FakeApi,
    table: Path,  # noqa: ARG001 - the file is needed
    fault: dict[str, Any],
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("workflows.cluster.artifact_store._UPLOAD_PATIENCE", SHORT)
    serve(kube, {"s3": repository(bucket)})
    bucket.proxy.faults = [Fault("PUT", "", **fault)]
    assert invoke("submit", "--source", "my table.csv") == code
    err = capsys.readouterr().err
    assert f"error: {message}, in artifact repository http://" in err
    assert emulator.SECRET not in err
    assert bucket.names() == []
    assert not [request for request in kube.requests if request.method == "POST"]


def test_wrong_keys_in_the_secret(
    bucket: Bucket,
    kube: FakeApi,
    table: Path,  # noqa: ARG001 - the file is needed
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve(kube, {"s3": repository(bucket)}, secret="an0ther-s3cr3t")  # noqa: S106
    assert invoke("submit", "--source", "my table.csv") == 77
    err = capsys.readouterr().err
    assert "the secret key does not belong to the access key, in artifact repository" in err
    assert "an0ther" not in err


@pytest.mark.parametrize(
    ("stores", "code", "message"),
    [
        (None, 66, "the cluster has no artifact repository (no ConfigMap artifact-repositories), in namespace"),
        ({"azure": {"container": "c"}}, 78, "the artifact repository 'default-v1' is neither S3 nor Cloud Storage"),
        ("nonsense", 78, "the cluster has no artifact repository (the entry 'default-v1' describes none)"),
    ],
)
def test_a_cluster_without_a_repository_for_files(  # noqa: PLR0913, PLR0917 - fixtures and cases
    bucket: Bucket,
    kube: FakeApi,
    table: Path,  # noqa: ARG001 - the file is needed
    stores: Any,
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve(kube, stores)
    if stores is None:
        kube.on(CONFIG_MAP, (404, status(404, 'configmaps "artifact-repositories" not found')))
    assert invoke("submit", "--source", "my table.csv") == code
    assert capsys.readouterr().err.startswith(f"error: {message}")
    assert bucket.names() == []


def test_an_upload_that_is_interrupted_leaves_nothing(bucket: Bucket, kube: FakeApi, tmp_path: Path) -> None:
    """Ctrl-C after the first part has arrived."""
    serve(kube, {"s3": repository(bucket)})
    write_table(tmp_path / "large.csv", pa.concat_tables([real_rows(20_000)] * 20))
    bucket.proxy.faults = [Fault("PUT", "partNumber=2", lost=True)]
    command = [sys.executable, str(ROOT / "workflows/covertype.py"), "submit", "--source", "large.csv"]
    process = subprocess.Popen(command, env={**os.environ}, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    lines = [process.stderr.readline(), process.stderr.readline()]
    assert lines[1].endswith("% uploaded\n"), lines
    while process.poll() is None:  # Python drops a signal that arrives in a finaliser
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
    assert process.returncode == 130
    process.stderr.close()
    assert bucket.names() == []
    assert bucket.store.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []) == []
    assert not [request for request in kube.requests if request.method == "POST"]


def test_a_repository_in_cloud_storage(
    gcs_bucket: Bucket, kube: FakeApi, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(kube, {"gcs": {"bucket": gcs_bucket.name}})
    gcs_bucket.use(monkeypatch)
    monkeypatch.chdir(table.parent)
    for _ in range(2):
        assert invoke("submit", "--source", "my table.csv") == 0
    assert capsys.readouterr().err.count("uploading") == 1
    assert gcs_bucket.names() == [key_of(table)]
    [body, _] = [request.body for request in kube.requests if request.method == "POST"]
    [prepare] = [template for template in body["spec"]["templates"] if template["name"] == "prepare"]
    [source] = [entry for entry in prepare["inputs"]["artifacts"] if entry["name"] == "source-file"]
    assert source["gcs"] == {"key": key_of(table)}


def test_the_input_of_a_prediction_is_uploaded_once(
    bucket: Bucket, kube: FakeApi, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(kube, {"s3": repository(bucket)})
    words = ("submit-predict", "--input", "./my table.csv", "--output", "scores.csv", "--registry", "s3://other/models")
    assert invoke(*words) == 0
    assert bucket.store.read(bucket.store.get(bucket.uri(key_of(table)))) == table.read_bytes()
    [predict] = [template for template in sent_workflow(kube)["spec"]["templates"] if template["name"] == "predict"]
    [found] = predict["inputs"]["artifacts"]
    assert found == {"name": "input", "path": "/work/in/input/my table.csv", "s3": {"key": key_of(table)}}
    capsys.readouterr()
    assert invoke(*words) == 0
    assert "uploading" not in capsys.readouterr().err
