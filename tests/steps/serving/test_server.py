"""The server as real processes: start, stop, workers."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from steps.core.errors import UnavailableError
from steps.core.runtime import TerminatedError
from steps.options.serve import ServeOptions
from steps.serving import server

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


@contextmanager
def started(folder: Path, log: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start ``steps.serve`` as a process, and wait until it is ready."""
    port = free_port()
    command = [sys.executable, "-m", "steps.serve", f"--models={folder}", f"--port={port}", *words]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, stderr=file)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert requests.get(f"{url}/v2/health/ready", timeout=30).status_code == 200
                break
            except requests.ConnectionError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield process, url
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_port_that_is_used_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"cannot listen.*127.0.0.1:{port}"):
            server.bind("127.0.0.1", port)
    with pytest.raises(UnavailableError, match="cannot listen"):
        server.bind("no.such.host.invalid", 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_end(folder: Path, tmp_path: Path, row: dict[str, Any], number: signal.Signals) -> None:
    found: list[int] = []
    with started(folder, tmp_path / "log") as (process, url):
        many = json.dumps([row] * 9_000)
        client = threading.Thread(
            target=lambda: found.append(requests.post(f"{url}/predict", data=many, timeout=60).status_code)
        )
        client.start()
        time.sleep(0.15)
        process.send_signal(number)
        client.join()
        assert process.wait(60) == 0
    assert found == [200]
    assert [each["event"] for each in events(tmp_path / "log")][-1] == "stopped"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_the_models_are_loaded_is_one_line(
    folder: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    shutil.copytree(folder, tmp_path / "models")
    report = tmp_path / "report.html"
    os.mkfifo(report)
    command = [sys.executable, "-m", "steps.serve", f"--models={tmp_path / 'models'}", "--port=0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while True:
            try:
                writer = os.open(report, os.O_WRONLY | os.O_NONBLOCK)  # fails until the server reads
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        os.close(writer)
    assert (process.returncode, errors) == (
        code,
        "error: a signal ended the server before it was ready: start it again\n",
    )


def test_several_workers_answer_with_common_metrics_and_are_replaced(
    folder: Path, tmp_path: Path, row: dict[str, Any]
) -> None:
    log = tmp_path / "log"
    with started(folder, log, "--workers=2") as (process, url):

        def workers() -> list[int]:
            return [int(word) for word in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]

        def is_listening() -> int:
            return sum(each["event"] == "listening" for each in events(log))

        def wait_for_workers(count: int) -> None:
            deadline = time.monotonic() + 60
            while is_listening() < count:
                assert time.monotonic() < deadline
                time.sleep(0.05)

        wait_for_workers(2)
        for _ in range(30):
            assert requests.post(f"{url}/predict", json=row, timeout=30).status_code == 200
        for _ in range(5):
            text = requests.get(f"{url}/metrics", timeout=30).text
            assert re.search(r'covertype_rows_total\{version="[^"]+"\} 30.0', text)
        first = workers()
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        wait_for_workers(3)
        assert len(set(workers()) - set(first)) == 1
        assert requests.post(f"{url}/predict", json=row, timeout=30).status_code == 200
        children = workers()
    assert process.returncode == 0
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_workers_that_cannot_start_end_the_server(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "steps.serve", f"--models={tmp_path / 'no'}", "--port=0", "--workers=2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 66
    assert "no such folder of models" in done.stderr


def test_a_worker_that_cannot_start_does_not_end_the_ones_that_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The champion is broken while a worker is replaced: the other one has the version before."""
    codes = iter(["import time; time.sleep(60)", "raise SystemExit(65)", "raise SystemExit(65)"])
    ended: list[int] = []

    def start(_: Any, __: Any, ___: Any, workers: dict[int, tuple[subprocess.Popen[bytes], float]]) -> None:
        code = next(codes, None)
        if code is None:
            raise TerminatedError
        worker = subprocess.Popen([sys.executable, "-c", code])
        age = 100 if "sleep" in code else 0
        workers[worker.pid] = (worker, time.monotonic() - age)

    monkeypatch.setattr(server, "_start", start)
    monkeypatch.setattr(server, "_SHORTEST_LIFE_SECONDS", 0.1)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with server.bind("127.0.0.1", 0) as opened:
        options = ServeOptions(workers=2)
        assert server.supervise([], opened, options, lambda _, code: ended.append(code)) == 0
    assert ended == [65, 65]
    assert not server.has_lived([], 100.0)
