"""What servers answer, and that they do not: one line, and an exit code of its own."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
import requests

from steps.core.errors import BadConfigurationError, NoInputError, PipelineError, UnavailableError
from tests.workflows.fake_api import FakeApi, status
from tests.workflows.fake_runs import KUBE, SERVER, invoke
from workflows.cluster import http

if TYPE_CHECKING:
    from pathlib import Path

# Hera's service calls pydantic's old `json`.
pytestmark = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")

FORBIDDEN = (
    'workflows.argoproj.io is forbidden: User "jane" cannot create resource "workflows" in API group "argoproj.io" '
    'in the namespace "covertype"'
)


@pytest.mark.parametrize("way", ["kube", "server"])
@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        ((401, status(401, "Unauthorized")), 77, "the server rejects the credentials (Unauthorized)"),
        ((403, status(403, FORBIDDEN)), 77, "jane may not create workflows.argoproj.io in namespace covertype"),
        ((403, status(403, 'exceeded quota "q"')), 77, 'exceeded quota "q"'),
        ((404, status(404, 'namespaces "covertype" not found')), 66, "no such namespace 'covertype'"),
        ((404, b"404 page not found\n"), 69, "Argo Workflows does not answer here"),
        ((409, status(409, "the object has been modified")), 75, "the server failed (409: the object has been"),
        ((400, status(400, "spec.x: unknown field")), 78, "the server rejects the request (400: spec.x: unknown"),
        ((429, status(429, "too many")), 75, "the server failed (429: too many)"),
        ((500, status(500, "etcd is away")), 75, "the server failed (500: etcd is away)"),
        ((503, b"<html>bad\ngateway"), 75, "the server failed (503: <html>bad gateway)"),
        ((500, b"\xff\xfe"), 75, "the server failed (500: "),
    ],
)
def test_a_bad_answer_is_one_line_and_a_code(  # noqa: PLR0913, PLR0917 - fixtures and cases
    way: str,
    answer: tuple[int, Any],
    code: int,
    message: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api: FakeApi = request.getfixturevalue(way)
    for path in (KUBE, SERVER):
        api.on(f"GET {path}", answer)
    assert invoke("status") == code
    err = capsys.readouterr().err
    assert err.startswith(f"error: {message}")
    assert ", in http://127.0.0.1:" in err
    assert len(err.splitlines()) == 1


def test_a_name_that_exists() -> None:
    text = '{"message": "workflows.argoproj.io \\"mine\\" already exists"}'
    error = http.error_of_status(409, text, "s", "log in")
    assert isinstance(error, http.AlreadyExistsError)
    assert str(error) == "'mine' already exists, in s: choose another name by --name"


def test_credentials_that_the_server_rejects_name_the_login() -> None:
    error = http.error_of_status(401, "Unauthorized", "s", "log in")
    assert str(error) == "the server rejects the credentials (Unauthorized), in s: log in"


@pytest.mark.parametrize(
    ("message", "what", "check"),
    [
        (FORBIDDEN, "jane may not create workflows.argoproj.io in namespace covertype", "create workflows.argoproj.io"),
        (
            'Permission denied, you are not allowed to list workflows in namespace "covertype".',
            "this account may not list workflows.argoproj.io in namespace covertype",
            "list workflows.argoproj.io",
        ),
        (
            'User "jane" cannot get resource "secrets" in API group "" in the namespace "covertype"',
            "jane may not get secrets in namespace covertype",
            "get secrets",
        ),
    ],
)
def test_a_missing_permission_is_named(message: str, what: str, check: str) -> None:
    error = http.denied(message, "s")
    assert error.what == what
    assert f"`kubectl auth can-i {check} -n covertype` shows whether it is granted" in str(error)


def test_a_missing_permission_of_the_whole_cluster_names_no_namespace() -> None:
    error = http.denied('User "jane" cannot list resource "nodes" in API group "" at the cluster scope', "s")
    assert error.what == "jane may not list nodes"
    assert "`kubectl auth can-i list nodes` shows" in str(error)


@pytest.mark.parametrize(
    ("message", "kind", "what"),
    [
        ('workflows.argoproj.io "a" not found', NoInputError, "no such workflow 'a'"),
        ('cronworkflows.argoproj.io "a" not found', NoInputError, "no such cronworkflow 'a'"),
        ('namespaces "a" not found', NoInputError, "no such namespace 'a'"),
        ("the server could not find the requested resource", UnavailableError, "Argo Workflows does not answer here"),
        ('pods "a" not found', NoInputError, 'pods "a" not found'),
    ],
)
def test_what_is_not_found(message: str, kind: type[PipelineError], what: str) -> None:
    error = http.error_of_status(404, f'{{"message": "{message}"}}'.replace('"a"', '\\"a\\"'), "s", "")
    assert (type(error), error.what) == (kind, what)


@pytest.mark.parametrize("way", ["kube", "server"])
def test_a_server_that_hangs_ends_in_time(
    way: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api: FakeApi = request.getfixturevalue(way)
    monkeypatch.setattr(http, "TIMEOUT", (0.2, 0.2))
    for path in (KUBE, SERVER):
        api.on(f"POST {path}", (0, None))
        api.on(f"GET {path}", (0, None))
    assert invoke("submit", "--rows", "1000", "--cover-types", "aspen") == 69
    assert invoke("status") == 69
    assert capsys.readouterr().err.count("error: no answer in time, in http://127.0.0.1:") == 2
    assert len(api.requests) == 2


@pytest.mark.parametrize("way", ["kube", "server"])
def test_nobody_listens(
    way: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api: FakeApi = request.getfixturevalue(way)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        api.url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        api.kubeconfig(tmp_path)
        if way == "server":
            monkeypatch.setenv("ARGO_SERVER", api.url)
        assert invoke("status") == 69
    assert capsys.readouterr().err.startswith(f"error: connection refused, in {api.url}: check that it runs")


@pytest.mark.parametrize("way", ["kube", "server"])
def test_a_server_without_tls(
    way: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api: FakeApi = request.getfixturevalue(way)
    api.url = api.url.replace("http://", "https://")
    api.kubeconfig(tmp_path)
    if way == "server":
        monkeypatch.setenv("ARGO_SERVER", api.url)
    assert invoke("status") == 69
    assert capsys.readouterr().err.startswith("error: TLS failed: wrong version number, in https://127.0.0.1:")


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (requests.exceptions.InvalidHeader("Bearer s3cr3t"), BadConfigurationError, "a header cannot be sent"),
        (requests.exceptions.InvalidURL("http://user:s3cr3t@"), BadConfigurationError, "not an address"),
        (requests.ConnectTimeout("x"), UnavailableError, "no answer in time"),
        (requests.ConnectionError(OSError(113, "No route to host")), UnavailableError, "no route to host"),
    ],
)
def test_no_answer(error: Exception, kind: type[PipelineError], what: str) -> None:
    found = http.unreachable(error, "s")
    assert (type(found), found.what) == (kind, what)
    assert "s3cr3t" not in str(found)


@pytest.mark.parametrize("text", ["token", " token\n", "Bearer token\r\n", ""])
def test_a_credential_has_no_white_space_around_it(text: str) -> None:
    assert http.credential(text, "here") == text.strip()


@pytest.mark.parametrize("text", ["a\nb", "é", "a\x01", "a  b", "\udcff"])
def test_a_credential_that_no_header_can_carry(text: str) -> None:
    with pytest.raises(BadConfigurationError, match="in here: store it again") as caught:
        http.credential(text, "here")
    assert text not in str(caught.value)


@pytest.mark.parametrize("address", ["me:s3cr3t@host", "https://s3cr3t@host", "host/?token=s3cr3t", "host#s3cr3t"])
def test_an_address_with_a_credential_is_not_shown(address: str) -> None:
    with pytest.raises(BadConfigurationError, match="in here") as caught:
        http.check_address(address, "here")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_redirect_to_another_host_gets_no_token(*, elsewhere: bool) -> None:
    session = http.Session("s", login="")
    response = requests.Response()
    response.request = requests.Request("GET", "https://host/a").prepare()
    url = "https://other/a" if elsewhere else "https://host/a/"
    redirected = requests.Request("GET", url, headers={"Authorization": "Bearer token"}).prepare()
    session.rebuild_auth(redirected, response)
    assert ("Authorization" in redirected.headers) == (not elsewhere)


def test_a_session_masks_what_it_knows() -> None:
    session = http.Session("s", login="")
    session.secrets.add("s3cr3t-token")
    assert session.redact("no s3cr3t-token here") == "no *** here"
