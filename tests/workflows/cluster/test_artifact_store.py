"""Artifacts straight from an S3 store: whole, in their folders, and without a key in any message."""

from __future__ import annotations

import base64
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from steps.buckets import Patience
from steps.core import storage
from steps.core.crc32c import crc32c_file
from steps.core.errors import (
    BadConfigurationError,
    BadDataError,
    DeniedError,
    NoInputError,
    PipelineError,
    TransientError,
    UnavailableError,
)
from tests.workflows.fake_api import serve
from tests.workflows.fake_store import BUCKET, PAGE, FakeStore, serve_store
from workflows.cluster import artifact_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK = Patience(seconds=0.2, first_wait=0.02, connect=1, silence=1)
ACCESS, SECRET = "access-k3y", "s3cr3t-k3y"
KEYS = {"access": base64.b64encode(ACCESS.encode()).decode(), "secret": base64.b64encode(SECRET.encode()).decode()}
SELECTORS = {"accessKeySecret": {"name": "s", "key": "access"}, "secretKeySecret": {"name": "s", "key": "secret"}}


@pytest.fixture
def store() -> Iterator[FakeStore]:
    with serve_store() as served:
        yield served


def workflow(endpoint: str = "", **settings: Any) -> dict[str, Any]:
    """Return a workflow whose artifact repository is an S3 store."""
    repository = {"bucket": BUCKET, "endpoint": endpoint, "insecure": True, **SELECTORS, **settings}
    return {"status": {"artifactRepositoryRef": {"artifactRepository": {"s3": repository}}}}


def download(endpoint: str, key: str, target: Path, **settings: Any) -> None:
    artifact_store.download(workflow(endpoint, **settings), {"s3": {"key": key}}, target, lambda _: KEYS)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file(store: FakeStore, tmp_path: Path) -> None:
    store.objects = {"run/html": b"<p>", "run/html-2": b"another"}
    download(store.endpoint, "run/html", tmp_path / "below" / "report.html")
    assert contents(tmp_path) == {"below/report.html": b"<p>"}
    assert all(f"Credential={ACCESS}/" in header for _, _, header in store.requests)
    assert all("/us-east-1/s3/aws4_request" in header for _, _, header in store.requests)


def test_a_compressed_file_stays_as_it_is(store: FakeStore, tmp_path: Path) -> None:
    store.objects = {"run/table.csv.gz": b"\x1f\x8b not gzip at all"}
    download(store.endpoint, "run/table.csv.gz", tmp_path / "table.csv.gz")
    assert contents(tmp_path) == {"table.csv.gz": b"\x1f\x8b not gzip at all"}


def test_a_file_whose_connection_breaks_goes_on(store: FakeStore, tmp_path: Path) -> None:
    store.objects, store.cuts = {"model": os.urandom(100_000)}, [50_000, 20_000]
    download(store.endpoint, "model", tmp_path / "model")
    assert contents(tmp_path) == store.objects


def test_a_folder_keeps_its_sub_folders(store: FakeStore, tmp_path: Path) -> None:
    store.objects = {
        "run/model/model.ubj": b"model",
        "run/model/trees/0/model.ubj": b"tree",
        "run/model/a name & more/ä.json": b"{}",
        "run/model/empty/": b"",
        "run/models": b"another artifact",
    }
    download(store.endpoint, "run/model", tmp_path / "model")
    assert contents(tmp_path) == {
        "model/model.ubj": b"model",
        "model/trees/0/model.ubj": b"tree",
        "model/a name & more/ä.json": b"{}",
    }


def test_a_folder_of_more_keys_than_a_page(store: FakeStore, tmp_path: Path) -> None:
    names = [f"{number % 3}/{number:04d}" for number in range(PAGE + 5)]
    store.objects = {f"run/model/{name}": name.encode() for name in names}
    download(store.endpoint, "run/model", tmp_path / "model")
    assert contents(tmp_path / "model") == {name: name.encode() for name in names}


def test_a_key_that_leads_out_of_its_folder(store: FakeStore, tmp_path: Path) -> None:
    store.objects = {"run/model/a": b"a", "run/model/../../outside": b"b"}
    with pytest.raises(BadDataError, match="leads out of its folder"):
        download(store.endpoint, "run/model", tmp_path / "runs" / "model")
    assert contents(tmp_path) == {}


def test_nothing_is_left_of_a_download_that_breaks(
    store: FakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_store, "PATIENCE", QUICK)
    store.objects, store.cuts = {"model": b"x" * 50_000, "folder/a": b"y" * 50_000}, [100] * 1000
    for key in ("model", "folder"):
        with pytest.raises(PipelineError):
            download(store.endpoint, key, tmp_path / key)
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_is_gone(store: FakeStore, tmp_path: Path) -> None:
    with pytest.raises(
        NoInputError, match=f"no such object or bucket, in artifact repository http://{store.endpoint}, s3://"
    ):
        download(store.endpoint, "run/html", tmp_path / "report.html")


def refusal(code: str) -> bytes:
    entries = {"Code": code, "Message": f"no, {ACCESS} and {SECRET}", "AWSAccessKeyId": ACCESS}
    return f"<Error>{''.join(f'<{name}>{text}</{name}>' for name, text in entries.items())}</Error>".encode()


@pytest.mark.parametrize(
    ("status", "code", "kind", "message"),
    [
        (403, "AccessDenied", DeniedError, "the caller lacks the permission s3:ListBucket, in "),
        (403, "InvalidAccessKeyId", DeniedError, "the store does not know the access key, in "),
        (403, "SignatureDoesNotMatch", DeniedError, "the secret key does not belong to the access key, in "),
        (401, "Unheard", DeniedError, "the caller lacks the permission"),
        (503, "SlowDown", TransientError, "S3 answered 503 again and again, in "),
        (500, "InternalError", TransientError, "S3 answered 500 again and again, in "),
        (502, "Unheard", TransientError, "S3 answered 502 again and again, in "),
        (400, "Unheard", PipelineError, "S3 answered 400 (Unheard: no, *** and ***), in "),
    ],
)
def test_what_the_store_refuses(  # noqa: PLR0913, PLR0917 - fixtures and cases
    status: int,
    code: str,
    kind: type[PipelineError],
    message: str,
    store: FakeStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(artifact_store, "PATIENCE", QUICK)
    store.refusal = status, refusal(code)
    with pytest.raises(kind) as caught:
        download(store.endpoint, "run/html", tmp_path / "report.html")
    shown = str(caught.value)
    assert shown.startswith(message)
    where = f"artifact repository http://{store.endpoint}, s3://{BUCKET}/run/html/**"
    assert shown.endswith(f", in {where}: {artifact_store._ADVICE}")
    assert "\n" not in shown
    assert not {ACCESS, SECRET} & set(shown.replace(",", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_fails_for_a_moment_is_asked_again(store: FakeStore, tmp_path: Path) -> None:
    store.refusal, store.refusals, store.objects = (503, refusal("SlowDown")), 2, {"html": b"<p>"}
    download(store.endpoint, "html", tmp_path / "report.html")
    assert contents(tmp_path) == {"report.html": b"<p>"}


def test_a_store_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_store, "PATIENCE", QUICK)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=f"S3 cannot be reached, in .*http://{endpoint}"):
            download(endpoint, "run/html", tmp_path / "report.html")


def test_a_store_without_tls(store: FakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_store, "PATIENCE", QUICK)
    with pytest.raises(UnavailableError, match=f"S3 cannot be reached safely .*https://{store.endpoint}"):
        download(store.endpoint, "run/html", tmp_path / "report.html", insecure=False)
    assert not store.requests


def test_a_store_that_hangs_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_store, "PATIENCE", QUICK)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(TransientError, match=r"the connection broke again and again .Read timeout"):
            download(f"127.0.0.1:{silent.getsockname()[1]}", "run/html", tmp_path / "report.html")


def test_the_region_of_the_repository(store: FakeStore, tmp_path: Path) -> None:
    store.objects = {"html": b"<p>"}
    download(store.endpoint, "html", tmp_path / "report.html", region="eu-central-1")
    assert all("/eu-central-1/s3/aws4_request" in header for _, _, header in store.requests)


@pytest.mark.parametrize("endpoint", ["", "s3.amazonaws.com"])
def test_amazons_own_address_depends_on_the_region(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://another-store")
    settings = artifact_store.settings_of(
        workflow(endpoint, region="eu-central-1", insecure=False), {"s3": {"key": "k"}}
    )
    access = artifact_store.access_of(settings, lambda _: KEYS)
    with artifact_store._open_store(settings, access, QUICK, "") as opened:
        assert opened.client.meta.endpoint_url == "https://s3.eu-central-1.amazonaws.com"


def test_a_proxy_is_used_and_its_password_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(artifact_store, "PATIENCE", QUICK)
    with serve() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        proxy.default = (403, refusal("AccessDenied"))
        with pytest.raises(DeniedError):
            download("store.covertype.invalid:80", "html", tmp_path / "report.html")
        assert proxy.requests[0].path.startswith("http://store.covertype.invalid:80/artifacts")
    monkeypatch.setenv("http_proxy", f"http://user:{SECRET}@:x")
    with pytest.raises(PipelineError) as caught:
        download("store.covertype.invalid:80", "html", tmp_path / "report.html")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "repository", [{"gcs": {"bucket": "b"}}, {"s3": {"bucket": "b", "useSDKCreds": True}}, {"s3": SELECTORS}, {}]
)
def test_a_repository_that_is_no_s3_store(repository: dict[str, Any], tmp_path: Path) -> None:
    document = {"status": {"artifactRepositoryRef": {"artifactRepository": repository}}}
    with pytest.raises(PipelineError, match="not an S3 store with keys in a Secret: set ARGO_SERVER"):
        artifact_store.download(document, {"s3": {"key": "k"}}, tmp_path / "x", lambda _: KEYS)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"access": KEYS["access"]}, NoInputError, "Secret 's' has no key 'secret'"),
        ({**KEYS, "secret": "s3cr3t"}, BadConfigurationError, "not ASCII text in base64, in key 'secret'"),
        ({**KEYS, "secret": base64.b64encode(b"a\nb").decode()}, BadConfigurationError, "line breaks"),
    ],
)
def test_a_secret_without_a_usable_key(
    values: dict[str, str], kind: type[PipelineError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=message):
        artifact_store.download(workflow("127.0.0.1:1"), {"s3": {"key": "k"}}, tmp_path / "x", lambda _: values)


def test_an_endpoint_with_a_password(tmp_path: Path) -> None:
    with pytest.raises(BadConfigurationError, match="user name or a password, in the endpoint of") as caught:
        download(f"me:{SECRET}@store:80", "html", tmp_path / "x")
    assert SECRET not in str(caught.value)


def test_the_checksums_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(os.urandom(3_000_000))
    found = artifact_store.LocalFile.read(tmp_path / "table.csv")
    assert (found.size, found.sha256) == (3_000_000, storage.sha256_file(tmp_path / "table.csv"))
    assert (found.crc32c, found.key) == (crc32c_file(tmp_path / "table.csv"), f"sources/{found.sha256}")


class Cluster:
    """A cluster with a ConfigMap."""

    namespace = "covertype"

    def __init__(self, data: dict[str, str], default: str = "default-v1") -> None:
        self._found = {"metadata": {"annotations": {ANNOTATION: default}}, "data": data}

    def config_map(self, name: str) -> dict[str, Any]:
        assert name == "artifact-repositories"
        return self._found

    def secret(self, name: str) -> dict[str, str]:
        raise AssertionError(name)


ANNOTATION = "workflows.argoproj.io/default-artifact-repository"


def test_the_default_repository() -> None:
    cluster = Cluster({"default-v1": "s3: {bucket: b}", "other": "gcs: {bucket: c}"})
    assert artifact_store.default_repository(cluster) == ("default-v1", {"s3": {"bucket": "b"}})
    assert artifact_store.writable_repository(cluster) == ("s3", {"bucket": "b"})
    assert artifact_store.writable_repository(Cluster({"x": "gcs: {bucket: c}"}, "x")) == ("gcs", {"bucket": "c"})


@pytest.mark.parametrize(
    ("data", "default", "message"),
    [
        ({}, "x", "the cluster has no artifact repository .no entry 'x'., in namespace covertype: see `doctor`"),
        ({}, "", "the ConfigMap names no default"),
        ({"x": "{"}, "x", "the entry 'x' describes none"),
        ({"x": "s3: bucket"}, "x", "the entry 'x' describes none"),
        ({"x": "s3: {endpoint: e}"}, "x", "'x' is neither S3 nor Cloud Storage"),
        ({"x": "azure: {container: c}"}, "x", "'x' is neither S3 nor Cloud Storage"),
    ],
)
def test_repositories_without_a_place_for_files(data: dict[str, str], default: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        artifact_store.writable_repository(Cluster(data, default))
