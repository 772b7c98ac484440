"""Clients that are slow, idle or too many: none of them holds a connection for ever, or stops the others."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from steps.serving import server
from steps.serving import service as app_service
from tests.steps.serving.conftest import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running

HEAD = b"POST /predict HTTP/1.1\r\nHost: a\r\n"
# More than enough for the limit of the tests, and an end for a test that fails.
MOST_BYTES = 200


@pytest.fixture(scope="module")
def hurried(model: ServedModel) -> Iterator[Running]:
    """A server that waits for nobody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_KEEP_ALIVE_SECONDS", 0.5)
        with running(model, timeout=0.5, max_connections=4) as made:
            made.session.headers["connection"] = "close"  # the server closes connections that wait
            yield made


def connect(service: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=20)


def trickle(connection: socket.socket, data: bytes) -> bytes:
    """Send a byte now and then, until the server ends the connection. Return what it sent."""
    connection.settimeout(0.05)
    found = b""
    for at in range(MOST_BYTES):
        try:
            connection.sendall(data[at % len(data) :][:1])
            part = connection.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            return found
        if not part:
            return found
        found += part
    raise AssertionError("the connection is still open")


SLOW = {
    "head": b"GET /v2 HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * MOST_BYTES,
    "method": b"G" * MOST_BYTES,
    "empty lines": b"\r\n" * MOST_BYTES,
}


@pytest.mark.parametrize("name", list(SLOW))
def test_a_slow_head_does_not_hold_a_connection(hurried: Running, name: str) -> None:
    with connect(hurried) as connection:
        answer = trickle(connection, SLOW[name])
    assert answer[9:12] == {"head": b"408", "method": b"400", "empty lines": b"408"}[name]
    assert hurried.get("/v2/health/live").status_code == 200


def test_a_slow_second_head_is_answered_in_the_same_way(hurried: Running, row: dict[str, Any]) -> None:
    with connect(hurried) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        assert trickle(connection, HEAD + b"X: " + b"a" * MOST_BYTES).startswith(b"HTTP/1.1 408")
    assert hurried.post("/predict", row).status_code == 200
    assert 'covertype_refused_total{reason="slow head"}' in hurried.get("/metrics").text


def test_a_body_that_nobody_waits_for_does_not_hold_a_connection(hurried: Running) -> None:
    with connect(hurried) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        assert trickle(connection, b"x") == b""


def test_a_large_body_does_not_reset_the_connection_of_an_early_answer(hurried: Running) -> None:
    with connect(hurried) as connection:
        for _ in range(2):
            connection.sendall(b"POST /v2/health/live HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
            connection.sendall(b"x" * 3_000_000)
            assert connection.recv(65_536)[:12] == b"HTTP/1.1 405"


def read_all(connection: socket.socket) -> bytes:
    found = b""
    while part := connection.recv(65_536):
        found += part
    return found


@pytest.mark.parametrize("times", [2, 3])
def test_a_client_that_sends_a_body_over_the_limit_reads_the_refusal(service: Running, times: int) -> None:
    size = times << 20  # the limit is 1 << 20
    for framing, body in (
        (b"Content-Length: %d" % size, b"x" * size),
        (b"Transfer-Encoding: chunked", b"10000\r\n%b\r\n" % (b" " * 65_536) * (size >> 16) + b"0\r\n\r\n"),
    ):
        with connect(service) as connection:
            connection.sendall(HEAD + framing + b"\r\n\r\n")
            time.sleep(0.05)  # the refusal is on its way before the body is
            connection.sendall(body)
            answer = read_all(connection)
            assert answer.startswith(b"HTTP/1.1 413")
            assert b"the body has more than 1,048,576 bytes" in answer
    assert service.session.post(service.url("/predict"), data=b" " * size, timeout=30).status_code == 413


def test_a_client_that_never_stops_sending_is_disconnected(hurried: Running) -> None:
    with connect(hurried) as connection:
        connection.sendall(HEAD + b"Content-Length: 100000000000\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413")
        sent = 0
        with suppress(ConnectionError):
            while sent < 1 << 30:
                sent += connection.send(b"x" * 65_536)
        assert sent < 100 << 20  # the limit is four bodies of 8 MiB, and what is on the way
    with connect(hurried) as connection:
        connection.sendall(HEAD + b"Content-Length: 100000000000\r\n\r\n")
        answer = trickle(connection, b"x")  # which takes ten seconds if the server does not end it
        assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("before", [b"", HEAD])
def test_a_connection_without_a_request_is_closed(hurried: Running, before: bytes) -> None:
    with connect(hurried) as connection:
        connection.sendall(before)
        assert connection.recv(65_536)[:12] == (b"HTTP/1.1 408" if before else b"")


def test_a_large_head_is_refused(hurried: Running) -> None:
    answer = hurried.raw(b"GET /v2 HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n")
    assert not answer or answer.startswith(b"HTTP/1.1 431")
    assert 'covertype_refused_total{reason="head"}' in hurried.get("/metrics").text


def read_until(connection: socket.socket, count: int) -> bytes:
    """Return what arrives up to the head of an answer of a number, or up to the end of the connection."""
    found = b""
    while found.count(b"HTTP/1.1 ") < count and (part := connection.recv(65_536)):
        found += part
    return found


def test_many_requests_at_once_are_no_large_head(service: Running) -> None:
    requests = (b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1_000 + b"\r\n\r\n") * 150
    with connect(service) as connection:
        connection.sendall(requests[:-500])
        assert read_until(connection, 149).count(b"HTTP/1.1 200") == 149
        connection.sendall(requests[-500:])
        assert read_until(connection, 1).startswith(b"HTTP/1.1 200")


def test_a_large_head_is_refused_after_the_answer_of_the_request_before(
    service: Running, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = threading.Event()
    score = app_service._predict_in_thread

    def wait_and_score(*arguments: Any) -> Any:
        heads.wait(10)
        return score(*arguments)

    monkeypatch.setattr(app_service, "_predict_in_thread", wait_and_score)
    body = json.dumps([row] * 40).encode()
    with connect(service) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        time.sleep(0.1)
        connection.sendall(HEAD + b"X: " + b"a" * 100_000)
        time.sleep(0.3)
        heads.set()
        answers = read_until(connection, 2)
    assert answers.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 431" in answers


@pytest.mark.parametrize("name", [b"Upgrade", b"upgrade"])
def test_a_body_behind_a_wish_for_another_protocol_is_read(service: Running, row: dict[str, Any], name: bytes) -> None:
    body = json.dumps({**row, "note": "\r\nupgrade:"}).encode()
    wish = b"Connection: Upgrade, HTTP2-Settings\r\n%b: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n" % name
    request = HEAD + wish + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with connect(service) as connection:
        for _ in range(2):
            connection.sendall(request)
            assert read_until(connection, 1).startswith(b"HTTP/1.1 200")


def test_a_client_that_does_not_read_is_disconnected(hurried: Running, row: dict[str, Any]) -> None:
    body = json.dumps([row] * 2_000).encode()
    ask = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", hurried.port))
        threading.Thread(target=lambda: suppressed(connection.sendall, ask * 30)).start()
        ended = select.poll()
        ended.register(connection, select.POLLHUP)
        assert ended.poll(20_000)
    assert 'covertype_refused_total{reason="slow reader"}' in hurried.get("/metrics").text


def suppressed(action: Callable[..., Any], *arguments: Any) -> None:
    with suppress(OSError):
        action(*arguments)


def test_an_idle_connection_makes_room_for_another(hurried: Running, row: dict[str, Any]) -> None:
    idle = [connect(hurried) for _ in range(10)]
    assert hurried.post("/predict", row).status_code == 200
    for connection in idle:
        with connection:
            assert connection.recv(65_536) == b""


def test_connections_beyond_the_limit_are_refused_while_all_are_busy(model: ServedModel) -> None:
    with running(model, max_connections=2, timeout=5) as service:
        busy = [connect(service) for _ in range(2)]
        for connection in busy:
            connection.sendall(HEAD + b"Content-Length: 10\r\n\r\n{")
        time.sleep(0.3)
        with connect(service) as refused:
            assert refused.recv(65_536).startswith(b"HTTP/1.1 503")
        for connection in busy:
            connection.close()
        end = time.monotonic() + 10
        while service.get("/v2/health/live").status_code != 200:
            assert time.monotonic() < end, "connections that ended still count"
        assert 'covertype_refused_total{reason="connections"}' in service.get("/metrics").text
