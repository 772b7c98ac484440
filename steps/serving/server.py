"""The server and its worker processes.

A worker is a process with the models, an event loop and a thread for large requests. Several workers share a socket,
and each loads new versions by itself, so that none depends on another. The process that started them restarts one that
ends.
"""

from __future__ import annotations

import functools
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from steps.core.errors import TransientError, UnavailableError
from steps.core.runtime import TerminatedError
from steps.serving.monitoring import metrics
from steps.serving.transport import connections

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from steps.options.serve import ServeOptions
    from steps.serving.gateway import Gateway

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75
# The pause before the next start of a worker that ended sooner than this.
_SHORTEST_LIFE_SECONDS, _PAUSE_SECONDS = 10.0, 1.0
_SECONDS_TO_END = 5.0
# How many of the largest bodies are read from a client whose body was refused.
_UNREAD_BODIES = 4
# How long the event loop waits for the thread that scores a large request. By default it is 5 ms.
_SWITCH_SECONDS = 0.0005


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that has an address and does not listen yet.

    Raises:
        UnavailableError: The address or port cannot be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address)
        except OSError:
            opened.close()
            raise
    except OSError as error:
        what = f"cannot listen ({(error.strerror or str(error)).lower()})"
        raise UnavailableError(what, where=f"{host}:{port}", fix="give another --host or --port") from None
    return opened


class _LogHandler(logging.Handler):
    """Writes the messages of uvicorn to the log of the service, without tracebacks, which may show values of rows."""

    def __init__(self, log: Callable[..., None]) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log("server", level=record.levelname.lower(), message=record.getMessage().splitlines()[0][:300])


def make_server(app: Gateway, options: ServeOptions, log: Callable[..., None]) -> uvicorn.Server:
    """Return the server of an application.

    Args:
        app: The application.
        options: The options of ``serve``.
        log: The log.
    """
    logger = logging.getLogger("uvicorn")
    logger.handlers, logger.propagate = [_LogHandler(log)], False
    limits = connections.Limits(
        options.timeout,
        _KEEP_ALIVE_SECONDS,
        options.max_connections,
        _UNREAD_BODIES * options.max_body,
        app.count_refusal,
    )
    config = uvicorn.Config(
        app,
        http=functools.partial(connections.LimitedProtocol, limits=limits),  # type: ignore[arg-type]
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=options.drain,
    )
    return uvicorn.Server(config)


def serve(server: uvicorn.Server, opened: socket.socket, log: Callable[..., None]) -> None:
    """Answer requests until SIGTERM or SIGINT, and let the ones that run end.

    Args:
        server: The server.
        opened: The socket of :func:`bind`.
        log: The log.
    """
    gc.collect()
    gc.freeze()  # a collection then looks at what requests leave, not at all modules: .1 s in which nobody is answered
    sys.setswitchinterval(_SWITCH_SECONDS)
    with suppress(TerminatedError, KeyboardInterrupt):  # uvicorn raises the signal again when it has ended
        server.run(sockets=[opened])
    log("stopped")


def supervise(words: Sequence[str], opened: socket.socket, options: ServeOptions, log: Callable[..., None]) -> int:
    """Run workers until SIGTERM or SIGINT, and return the exit code.

    Args:
        words: The command line of a worker, to which the descriptor of the socket is added.
        opened: The socket of :func:`bind`.
        options: The options of ``serve``.
        log: The log.
    """
    with tempfile.TemporaryDirectory(prefix="covertype-metrics-") as folder:
        environment = {**os.environ, metrics.FOLDER: folder}
        workers: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        try:
            for _ in range(options.workers):
                _start(words, opened, environment, workers)
            while True:
                pid, status = os.waitpid(-1, 0)
                if pid not in workers:
                    continue
                worker, begun = workers.pop(pid)
                worker.returncode = os.waitstatus_to_exitcode(status)
                metrics.forget_worker(pid, folder)
                now = time.monotonic()
                failed = worker.returncode > 0 and worker.returncode != TransientError.exit_code
                if failed and not has_lived([begun for _, begun in workers.values()], now):
                    return worker.returncode  # another start would end in the same way
                log("worker ended", code=worker.returncode)
                if now - begun < _SHORTEST_LIFE_SECONDS:
                    time.sleep(_SHORTEST_LIFE_SECONDS if failed else _PAUSE_SECONDS)
                _start(words, opened, environment, workers)
        except (TerminatedError, KeyboardInterrupt):
            return 0
        finally:
            _end([worker for worker, _ in workers.values()], options.drain + _SECONDS_TO_END)


def has_lived(begun: Sequence[float], now: float) -> bool:
    """Return whether one of the other workers is old enough to answer.

    The server keeps answering then, and the worker that cannot start, because the champion is broken, is started again
    and again.

    Args:
        begun: When the other workers were started, in seconds of the monotonic clock.
        now: The present moment.
    """
    return any(now - each >= _SHORTEST_LIFE_SECONDS for each in begun)


def _start(
    words: Sequence[str],
    opened: socket.socket,
    environment: dict[str, str],
    workers: dict[int, tuple[subprocess.Popen[bytes], float]],
) -> None:
    command = [sys.executable, "-m", "steps.serve", *words, f"--socket={opened.fileno()}"]
    worker = subprocess.Popen(command, env=environment, pass_fds=[opened.fileno()])
    workers[worker.pid] = (worker, time.monotonic())


def _end(workers: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Let workers finish their requests, and kill those that take longer."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + seconds
    for worker in workers:
        try:
            worker.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
