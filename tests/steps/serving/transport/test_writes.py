"""Head and body leave in one write, in the order of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps.serving.transport.writes import JoiningTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.steps.serving.conftest import Running

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Recorder:
    """Records what a transport is asked to do, and what waits for the end of the turn."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []
        self.later: list[Callable[[], None]] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.done


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def transport(recorder: Recorder) -> Any:
    return JoiningTransport(recorder, recorder.later.append, lambda: False)  # type: ignore[arg-type]


def test_head_and_body_are_one_write(recorder: Recorder, transport: Any) -> None:
    for _ in range(2):
        transport.write(HEAD)
        transport.write(b"{}")
    for call in recorder.later:
        call()
    assert recorder.done == [HEAD + b"{}"] * 2


def test_a_head_without_a_body_is_written_when_the_turn_ends(recorder: Recorder, transport: Any) -> None:
    transport.write(HEAD)
    assert not recorder.done
    recorder.later[0]()
    assert recorder.done == [HEAD]


def test_a_head_is_written_before_the_connection_is_closed(recorder: Recorder, transport: Any) -> None:
    transport.write(HEAD)
    transport.close()
    assert recorder.done == [HEAD, "closed"]
    assert transport.is_closing()


def test_nothing_is_written_to_a_closed_connection(recorder: Recorder, transport: Any) -> None:
    transport.write(HEAD)
    transport.close()
    transport.write(HEAD)
    transport.write(b"{}")
    for call in recorder.later:
        call()
    assert recorder.done == [HEAD, "closed"]


def test_what_is_no_head_is_written_at_once(recorder: Recorder, transport: Any) -> None:
    parts = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 is a body", b"0\r\n\r\n"]
    for part in parts:
        transport.write(part)
    assert recorder.done == parts


def test_a_large_body_is_not_copied(recorder: Recorder, transport: Any) -> None:
    body = bytes(1 << 20)
    transport.write(HEAD)
    transport.write(body)
    assert recorder.done[0] == HEAD
    assert recorder.done[1] is body


def test_an_answer_is_one_packet(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    write = JoiningTransport.write

    def count(self: Any, data: bytes) -> None:
        if "_counted" not in self.__dict__:
            inner = self._write

            def write_part(part: bytes) -> None:
                written.append(part)
                inner(part)

            self._write = write_part
            self._counted = True
        write(self, data)

    monkeypatch.setattr(JoiningTransport, "write", count)
    answer = service.raw(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b'{"live":true}')
    assert written == [answer]


def test_answers_of_a_pipeline_keep_their_order(service: Running) -> None:
    request = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nX-Request-ID: %d\r\n%b\r\n"
    ends = [b"", b"", b"Connection: close\r\n"]
    answer = service.raw(b"".join(request % (at, end) for at, end in enumerate(ends)))
    positions = [answer.find(b"x-request-id: %d\r\n" % at) for at in range(3)]
    assert positions == sorted(positions)
    assert positions[0] > 0
