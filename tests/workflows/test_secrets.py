"""Messages never contain a token, a key or a password, even if it is malformed or a server repeats it."""

from __future__ import annotations

import base64
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from google.oauth2.credentials import Credentials

from steps import prepare
from steps.buckets import Patience
from steps.core import runtime
from steps.google import gcs
from steps.google.bigquery import client as bigquery_client
from tests.support import call
from tests.workflows.fake_api import FakeApi, serve, status
from workflows.cluster import watch
from workflows.covertype import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")

SECRET = "s3cr3t-t0ken-value"  # noqa: S105 - what must not be shown
KUBE = "/apis/argoproj.io/v1alpha1/namespaces/covertype"
SERVER = "/api/v1"
NAME = "mine"
VERBS = (
    ("submit", "--cover-types", "aspen", "--wait"),
    ("deploy", "--schedule", "0 3 * * 1"),
    ("status",),
    ("status", NAME, "--watch"),
    ("logs", NAME),
    ("stop", NAME),
    ("retry", NAME),
    ("fetch", NAME),
    ("doctor",),
)


@pytest.fixture
def invoke(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """The command line in this process; fails if it prints a secret."""

    def run(*words: object) -> tuple[int, str]:
        code = runtime.run_to_exit_code(lambda: app(args=[str(word) for word in words], standalone_mode=False) or 0)
        out, err = capfd.readouterr()
        assert "s3cr3t" not in out + err, f"{words}: {out}{err}"
        return code, err

    return run


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeApi]:
    for name in ("ARGO_SERVER", "ARGO_TOKEN", "ARGO_NAMESPACE", "ARGO_SECURE", "ARGO_BASE_HREF", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(watch.Pace, "__init__", _fast)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COVERTYPE_DEBUG", "1")  # tracebacks must not contain a secret either
    with serve() as served:
        yield served


def _fast(self: watch.Pace) -> None:
    for name in ("interval", "patience", "pull_patience"):
        object.__setattr__(self, name, 0.01)


def by_server(api: FakeApi, monkeypatch: pytest.MonkeyPatch, token: str = SECRET) -> None:
    monkeypatch.setenv("ARGO_SERVER", api.url)
    monkeypatch.setenv("ARGO_TOKEN", token)


def by_kube(api: FakeApi, monkeypatch: pytest.MonkeyPatch, folder: Path, **user: Any) -> Path:
    """Write a kubeconfig for the server with these entries of the user, and return its path."""
    path = api.kubeconfig(folder)
    document = yaml.safe_load(path.read_text())
    document["users"][0]["user"] = user or {"token": SECRET}
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.mark.parametrize("way", ["kube", "server"])
def test_answers_that_repeat_the_token(
    way: str, api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, invoke: Callable[..., tuple[int, str]]
) -> None:
    by_kube(api, monkeypatch, tmp_path) if way == "kube" else by_server(api, monkeypatch)
    said = f'invalid "Authorization: Bearer {SECRET}"'
    for code, body in (
        (401, status(401, said)),
        (403, status(403, said)),
        (404, {"message": said}),
        (503, said.encode()),
    ):
        monkeypatch.setattr(api, "default", (code, body))
        for verb in VERBS:
            assert invoke(*verb)[0] != 0
    assert {request.headers["Authorization"] for request in api.requests} == {f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    "token",
    [
        f"{SECRET}\n{SECRET}",
        f"{SECRET}\r\n{SECRET}",
        f"Bearer {SECRET}\n\n{SECRET}",
        f"{SECRET}é",
        f"{SECRET}\x01",
        f"{SECRET}\udcff",
    ],
)
@pytest.mark.parametrize("way", ["kube", "server"])
def test_a_token_that_no_header_can_carry(  # noqa: PLR0913, PLR0917 - fixtures and cases
    way: str,
    token: str,
    api: FakeApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    invoke: Callable[..., tuple[int, str]],
) -> None:
    if way == "server":
        by_server(api, monkeypatch, token)
        where = "ARGO_TOKEN"
    elif token.endswith("\udcff"):
        return
    else:
        by_kube(api, monkeypatch, tmp_path, token=token)
        where = "the token of the kubeconfig"
    monkeypatch.delenv("COVERTYPE_DEBUG")
    for verb in (*VERBS[:3],):
        code, err = invoke(*verb)
        assert code == 78
        assert err.startswith("error: ")
        assert len(err.splitlines()) == 1
        assert f", in {where}" in err
    assert not api.requests


@pytest.mark.parametrize("token", [f"{SECRET}\n", f"  {SECRET}\r\n", f"Bearer {SECRET}\n"])
def test_white_space_around_a_token_is_no_part_of_it(
    token: str, api: FakeApi, monkeypatch: pytest.MonkeyPatch, invoke: Callable[..., tuple[int, str]]
) -> None:
    by_server(api, monkeypatch, token)
    api.on(f"GET {SERVER}/workflows/covertype", (200, {"items": []}))
    assert invoke("status")[0] == 0
    assert api.requests[0].headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("server", ["dead", "tls", "proxy", "user", "query", "user in kubeconfig"])
def test_servers_that_are_not_there(
    server: str, api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, invoke: Callable[..., tuple[int, str]]
) -> None:
    by_server(api, monkeypatch)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{closed.getsockname()[1]}"
        if server == "dead":
            monkeypatch.setenv("ARGO_SERVER", dead)
        elif server == "tls":
            monkeypatch.setenv("ARGO_SERVER", api.url.removeprefix("http://"))
        elif server == "proxy":
            monkeypatch.setenv("http_proxy", f"http://user:{SECRET}@{dead}")
            monkeypatch.setenv("no_proxy", "")
        elif server == "query":
            monkeypatch.setenv("ARGO_SERVER", f"{dead}/?token={SECRET}")
        elif server == "user":
            monkeypatch.setenv("ARGO_SERVER", f"user:{SECRET}@{dead}")
        else:
            monkeypatch.delenv("ARGO_SERVER")
            path = by_kube(api, monkeypatch, tmp_path)
            path.write_text(path.read_text().replace("http://", f"http://user:{SECRET}@"))
        for verb in VERBS:
            code, _ = invoke(*verb)
            assert code in ({1, 69} if server in {"dead", "tls", "proxy"} else {78})


@pytest.mark.parametrize(
    "content",
    [
        f"users: [{{name: test, token: {SECRET}}}]",
        f"users: [{{name: test, user: {{token: [{SECRET}]}}}}]",
        f"users: [{{name: test, user: {{exec: {{env: [{SECRET}]}}}}}}]",
        f"users: [{{name: test, user: {{client-key-data: {SECRET}!, client-certificate-data: a}}}}]",
        f"users: {{test: {SECRET}}}",
        f"users: {SECRET}",
        f"users: [{SECRET}\n  token: {SECRET}: {{",
        f"- {SECRET}",
        SECRET,
    ],
)
def test_a_kubeconfig_with_something_else_in_it(
    content: str, api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, invoke: Callable[..., tuple[int, str]]
) -> None:
    path = by_kube(api, monkeypatch, tmp_path)
    if content.startswith("users"):
        content = path.read_text().partition("users:")[0] + content
    path.write_text(content)
    monkeypatch.delenv("COVERTYPE_DEBUG")
    code, err = invoke("status")
    assert code == 78 if not api.requests else 69, err
    assert err.startswith(
        "error: cannot connect to a cluster: " if code == 78 else "error: Argo Workflows does not answer"
    )
    assert len(err.splitlines()) == 1


def test_a_login_plugin_that_fails(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, invoke: Callable[..., tuple[int, str]]
) -> None:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "false",
        "env": [{"name": "A", "value": SECRET}],
    }
    by_kube(api, monkeypatch, tmp_path, exec=plugin)
    monkeypatch.delenv("COVERTYPE_DEBUG")
    code, err = invoke("status")
    assert (code, len(err.splitlines())) == (78, 1)
    assert err.startswith("error: cannot connect to a cluster: exec: process returned 1")


@pytest.mark.parametrize("key", [SECRET, f"{SECRET}\n", f"{SECRET}\n{SECRET}", f"{SECRET}é", None])
def test_keys_of_an_artifact_store(
    key: str | None,
    api: FakeApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    invoke: Callable[..., tuple[int, str]],
) -> None:
    by_kube(api, monkeypatch, tmp_path)
    value = "s3cr3t" if key is None else base64.b64encode(key.encode()).decode()
    api.on("GET /api/v1/namespaces/covertype/secrets/store", (200, {"data": {"a": value, "b": value}}))
    selectors = {"accessKeySecret": {"name": "store", "key": "a"}, "secretKeySecret": {"name": "store", "key": "b"}}
    place = {"bucket": "artifacts", "endpoint": api.url.removeprefix("http://"), "insecure": True, **selectors}
    artifact = {"name": "html", "s3": {"key": "k"}}
    node = {"id": "n", "name": f"{NAME}.report", "type": "Pod", "outputs": {"artifacts": [artifact]}}
    state = {"phase": "Succeeded", "nodes": {"n": node}, "artifactRepositoryRef": {"artifactRepository": {"s3": place}}}
    api.on(f"GET {KUBE}/workflows/{NAME}", (200, {"metadata": {"name": NAME}, "spec": {}, "status": state}))
    said = f"<Error><Message>wrong signature</Message><AWSAccessKeyId>{SECRET}</AWSAccessKeyId></Error>"
    for code, answer in ((400, said), (403, said), (503, f"{SECRET} went away")):
        api.on("GET /artifacts", (code, answer.encode()))
        assert invoke("fetch", NAME)[0] in {69, 75, 77, 78}
    asked = [request for request in api.requests if request.path == "/artifacts"]
    assert bool(asked) == (key is not None and key.strip() == SECRET)


@pytest.mark.parametrize("address", [f"https://user:{SECRET}@host/x.csv", f"s3://{SECRET}@b/x"])
def test_credentials_in_an_address(address: str, tmp_path: Path, invoke: Callable[..., tuple[int, str]]) -> None:
    output = ("--output", tmp_path / "runs")
    for verb in (
        ("run", *output),
        ("train", "1", *output),
        ("submit",),
        ("deploy",),
        ("render",),
        ("lint",),
        ("doctor",),
    ):
        for flag in ("--source", "--registry"):
            code, err = invoke(*verb, flag, address)
            assert code == 2
            assert "must not hold a user name or password" in err
    assert invoke("run", "--output", address)[0] == 2
    assert invoke("run", "--warm-start", address, "--trials", 1, *output)[0] == 2
    assert not (tmp_path / "runs").exists()
    result = call(prepare.main, "--source", address, "--dataset", "aspen=a", "--profile", "p")
    assert result.code != 0
    assert "s3cr3t" not in result.log


@pytest.mark.parametrize("content", ["variable", "broken key", "not JSON", "user"])
@pytest.mark.parametrize("source", ["bq://p.d.t", "gs://bucket/x.csv"])
def test_google_credentials(content: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"
    account = {"type": "service_account", "private_key": key, "client_email": "a@b", "token_uri": "http://127.0.0.1:9/"}
    user = {"type": "authorized_user", "client_id": "a", "client_secret": SECRET, "refresh_token": SECRET}
    path = tmp_path / "key.json"
    path.write_text(
        json.dumps(user)[:-3] if content == "not JSON" else json.dumps(user if content == "user" else account)
    )
    given = json.dumps(account) if content == "variable" else str(path)
    for name in ("BIGQUERY_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", given)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # no request leaves this machine
    monkeypatch.setenv("COVERTYPE_DEBUG", "1")
    monkeypatch.setattr("steps.google.gcs.store.PATIENCE", Patience(seconds=0.1, first_wait=0.01))
    monkeypatch.setattr("steps.google.bigquery.client.PATIENCE_SECONDS", 0.1)
    result = call(prepare.main, "--source", source, "--dataset", f"aspen={tmp_path}/a", "--profile", f"{tmp_path}/p")
    assert result.code in {2, 69, 75, 77}, result.log
    assert "s3cr3t" not in result.log


@pytest.mark.parametrize("way", ["kube", "server", "nobody"])
def test_netrc_has_no_say(
    way: str, api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, invoke: Callable[..., tuple[int, str]]
) -> None:
    (tmp_path / "netrc").write_text(
        "machine 127.0.0.1 login other password other\ndefault login other password other\n"
    )
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    by_kube(api, monkeypatch, tmp_path) if way == "kube" else by_server(api, monkeypatch, SECRET * (way == "server"))
    path = f"{KUBE}/workflows" if way == "kube" else f"{SERVER}/workflows/covertype"
    api.on(f"GET {path}", (307, {}))
    api.on(f"GET {path}/", (200, {"items": []}))
    api.on(f"POST {path}", (201, {"metadata": {"name": NAME, "namespace": "covertype"}, "spec": {}}))
    for verb in (("status",), ("submit", "--rows", "1000")):
        assert invoke(*verb)[0] == 0
    assert len(api.requests) == 3
    wanted = None if way == "nobody" else f"Bearer {SECRET}"
    assert {request.headers.get("Authorization") for request in api.requests} == {wanted}


@pytest.mark.parametrize("service", ["storage", "bigquery"])
def test_netrc_has_no_say_at_google(
    service: str, api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("BIGQUERY_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    credentials = Credentials(SECRET)  # type: ignore[no-untyped-call]
    monkeypatch.setattr("google.auth.default", lambda **_: (credentials, "p"))
    client: Any = gcs.connect().client if service == "storage" else bigquery_client.connect("p")
    client._connection.API_BASE_URL = api.url
    api.default = (200, {})
    list(client.list_buckets() if service == "storage" else client.list_datasets())
    [request] = api.requests
    assert {name.lower(): value for name, value in request.headers.items()}["authorization"] == f"Bearer {SECRET}"
