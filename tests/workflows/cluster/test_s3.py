"""Artifacts straight from an S3 store: whole, in their folders, and without a key in any message."""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING, Any

import pytest

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
from workflows.cluster import s3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    s3.download(workflow(endpoint, **settings), {"s3": {"key": key}}, target, lambda _: KEYS)


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


def test_a_file_larger_than_a_chunk(store: FakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_CHUNK", 1000)
    store.objects = {"model": bytes(range(250)) * 10}
    download(store.endpoint, "model", tmp_path / "model")
    assert contents(tmp_path) == {"model": bytes(range(250)) * 10}
    assert sum(method == "GET" for method, *_ in store.requests) > 2


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
    monkeypatch.setattr(s3, "_ATTEMPTS", 1)
    store.objects, store.cut = {"model": b"x" * 5000, "folder/a": b"y" * 5000}, 100
    for key in ("model", "folder"):
        with pytest.raises(PipelineError):
            download(store.endpoint, key, tmp_path / key)
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_is_gone(store: FakeStore, tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match=f"no such object artifacts/run/html, in .*http://{store.endpoint}"):
        download(store.endpoint, "run/html", tmp_path / "report.html")


def refusal(code: str) -> bytes:
    entries = {"Code": code, "Message": f"no, {ACCESS} and {SECRET}", "AWSAccessKeyId": ACCESS}
    return f"<Error>{''.join(f'<{name}>{text}</{name}>' for name, text in entries.items())}</Error>".encode()


@pytest.mark.parametrize(
    ("status", "code", "kind", "message"),
    [
        (403, "AccessDenied", DeniedError, "access denied: no, "),
        (403, "InvalidAccessKeyId", DeniedError, "invalid access key id: no, "),
        (403, "SignatureDoesNotMatch", DeniedError, "signature does not match: no, "),
        (401, "Unheard", DeniedError, "401: "),
        (503, "SlowDown", TransientError, "slow down: no, "),
        (500, "InternalError", TransientError, "internal failure: no, "),
        (502, "Unheard", TransientError, "502: "),
        (400, "Unheard", BadConfigurationError, "400: "),
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
    monkeypatch.setattr(s3, "_ATTEMPTS", 1)
    store.refusal = status, refusal(code)
    with pytest.raises(kind) as caught:
        download(store.endpoint, "run/html", tmp_path / "report.html")
    shown = str(caught.value)
    assert shown.startswith(message)
    assert shown.endswith(f", in artifact repository http://{store.endpoint}: {s3._ADVICE}")
    assert "\n" not in shown
    assert not {ACCESS, SECRET} & set(shown.replace(",", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_fails_for_a_moment_is_asked_again(store: FakeStore, tmp_path: Path) -> None:
    store.refusal = 503, refusal("SlowDown")
    with pytest.raises(TransientError):
        download(store.endpoint, "run/html", tmp_path / "report.html")
    assert len(store.requests) == s3._ATTEMPTS


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=f"(?i)could not connect to server, in .*http://{endpoint}"):
            download(endpoint, "run/html", tmp_path / "report.html")


def test_a_store_without_tls(store: FakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_ATTEMPTS", 1)
    with pytest.raises(UnavailableError, match=f"TLS connect error.*https://{store.endpoint}"):
        download(store.endpoint, "run/html", tmp_path / "report.html", insecure=False)
    assert not store.requests


def test_a_store_that_hangs_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_ATTEMPTS", 1)
    monkeypatch.setattr(s3, "_TIMEOUT", (1.0, 1.0))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(UnavailableError, match="Operation too slow"):
            download(f"127.0.0.1:{silent.getsockname()[1]}", "run/html", tmp_path / "report.html")


def test_the_region_of_the_repository(store: FakeStore, tmp_path: Path) -> None:
    store.objects = {"html": b"<p>"}
    download(store.endpoint, "html", tmp_path / "report.html", region="eu-central-1")
    assert all("/eu-central-1/s3/aws4_request" in header for _, _, header in store.requests)


@pytest.mark.parametrize("endpoint", ["", "s3.amazonaws.com"])
def test_amazons_own_address_depends_on_the_region(endpoint: str) -> None:
    settings = s3.settings_of(workflow(endpoint, region="eu-central-1", insecure=False), {"s3": {"key": "k"}})
    files = s3._Store(settings, endpoint or s3._AMAZON, [ACCESS, SECRET])._files
    [options] = files.__reduce__()[1]
    assert (files.region, options["scheme"], options["endpoint_override"]) == ("eu-central-1", "https", "")


def test_a_proxy_is_used_and_its_password_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(s3, "_ATTEMPTS", 1)
    with serve() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        proxy.default = (403, refusal("AccessDenied"))
        with pytest.raises(DeniedError):
            download("store.covertype.invalid:80", "html", tmp_path / "report.html")
        assert proxy.requests[0].path.startswith("http://store.covertype.invalid/artifacts")
    monkeypatch.setenv("http_proxy", f"http://user:{SECRET}@:x")
    with pytest.raises(BadConfigurationError, match="check the endpoint and HTTPS_PROXY") as caught:
        download("store.covertype.invalid:80", "html", tmp_path / "report.html")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("certificates", ["", "/own.pem"])
def test_certificates_of_the_environment(certificates: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates)
    settings = s3.settings_of(workflow("store:443", insecure=False), {"s3": {"key": "k"}})
    [options] = s3._Store(settings, "store:443", [ACCESS, SECRET])._files.__reduce__()[1]
    assert options["tls_ca_file_path"] == certificates


@pytest.mark.parametrize(
    "repository", [{"gcs": {"bucket": "b"}}, {"s3": {"bucket": "b", "useSDKCreds": True}}, {"s3": SELECTORS}, {}]
)
def test_a_repository_that_is_no_s3_store(repository: dict[str, Any], tmp_path: Path) -> None:
    document = {"status": {"artifactRepositoryRef": {"artifactRepository": repository}}}
    with pytest.raises(PipelineError, match="not an S3 store with keys in a Secret: set ARGO_SERVER"):
        s3.download(document, {"s3": {"key": "k"}}, tmp_path / "x", lambda _: KEYS)


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
        s3.download(workflow("127.0.0.1:1"), {"s3": {"key": "k"}}, tmp_path / "x", lambda _: values)


def test_an_endpoint_with_a_password(tmp_path: Path) -> None:
    with pytest.raises(BadConfigurationError, match="user name or a password, in the endpoint of") as caught:
        download(f"me:{SECRET}@store:80", "html", tmp_path / "x")
    assert SECRET not in str(caught.value)
