"""The process around a step: command line, error lines and exit codes, signals, log, usage figures, progress."""

from __future__ import annotations

import ctypes
import gc
import io
import os
import signal
import sys
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.exceptions
import typer.main

from steps.core import storage
from steps.core.errors import INTERRUPTED, RUN_FAILED, TERMINATED, PipelineError, from_system_error
from steps.core.options import texts_of, with_flags
from steps.core.quantities import peak_rss_bytes
from steps.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ValueOption = Annotated[Path | None, typer.Option(help="Output file for this figure as text, which Argo displays.")]
UsageOption = Annotated[Path | None, typer.Option(help="Output file for wall time, CPU time and peak memory (JSON).")]

# Environment variables: the files from which Argo and the local executor read the progress of a step, and its position
# among the steps of its process, as "finished/all". Argo adds up the numbers of all pods; one without any counts 1.
ARGO_PROGRESS, LOCAL_PROGRESS, CHAIN_POSITION = "ARGO_PROGRESS_FILE", "COVERTYPE_PROGRESS_FILE", "COVERTYPE_PART"
# Environment variable with the image that a pod runs, as its template names it; empty outside of pods.
IMAGE = "COVERTYPE_POD_IMAGE"
# The highest file descriptor of a standard stream.
_LAST_STREAM = 2
_INTERRUPT = "interrupted: run again to resume, finished results are kept"
# File whose content Kubernetes adds to the status of a pod that fails, and Argo to the message of its node.
_TERMINATION_LOG = Path("/dev/termination-log")
# Longest reason quoted from a library, in characters: XGBoost's text about a missing OpenMP is a page long.
_REASON_LENGTH = 300
TERMINATION = "terminated: run again to resume, finished results are kept"


class TerminatedError(SystemExit):
    """SIGTERM or SIGHUP was received.

    It is raised in the main thread, so that temporary files are removed and remote jobs are cancelled.
    """

    def __init__(self) -> None:
        super().__init__(TERMINATED)


class SignalError(PipelineError):
    """A signal, as KeyboardInterrupt or TerminatedError, ended something that is not resumed by running it again."""

    def __init__(self, what: str, signal: BaseException, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what, where=where, fix=fix)
        self.exit_code = TERMINATED if isinstance(signal, TerminatedError) else INTERRUPTED


def prepare_process() -> None:
    """Set up a process whose main thread runs a command line. Call this before anything is printed.

    - Characters that the output's encoding lacks are replaced.
    - SIGTERM raises :class:`TerminatedError`. SIGHUP (the terminal is closed) does too, unless ``nohup`` ignores it.
    - A closed standard stream (``>&-``) is opened as ``/dev/null``.
    """
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _terminate)


def _open_closed_streams() -> None:
    """Open ``/dev/null`` as each closed standard stream.

    Otherwise the next file that is opened would get the descriptor of that stream, and output would go into the file.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= _LAST_STREAM:  # open() returns the lowest free number
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open until the exit


def _terminate(*_: object) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a second signal must not interrupt the clean-up
    raise TerminatedError


def log(message: str) -> None:
    """Print one line to standard error, with secrets masked. A log that cannot be written is not an error."""
    with suppress(OSError):
        print(redact(message), file=sys.stderr, flush=True)


def as_app(main: Callable[..., Any]) -> typer.Typer:
    """Return the typer application for a step's ``main`` function, whose annotations declare the options."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(with_flags(main))
    return app


def run(
    main: Callable[..., Any],
    arguments: Sequence[str] | None = None,
    on_error: Callable[[str], object] | None = None,
) -> int:
    """Run a step's ``main`` with command-line ``arguments`` and return its exit code.

    An expected error prints one line ``error: ...``. Any other exception is a defect, so its traceback is printed
    before that line.

    Args:
        main: the step.
        arguments: its command line.
        on_error: called with the text of that line, without ``error: ``.
    """
    try:
        return run_to_exit_code(lambda: as_app(main)(args=list(arguments or []), standalone_mode=False) or 0, on_error)
    finally:
        flush_output()


def flush_output() -> None:
    """Flush standard output and standard error.

    Redirect an unwritable stream to ``/dev/null``: Python would otherwise fail at shutdown with exit code 120.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def run_to_exit_code(action: Callable[[], int], on_error: Callable[[str], object] | None = None) -> int:
    """Call ``action`` and return its exit code. Print an exception as one line, and return the exit code for it.

    Args:
        action: what to call.
        on_error: called with the text of that line, without ``error: ``.
    """
    message, code = _call(action)
    if message:
        text = " ".join(redact(message).split())
        _print_error(f"error: {text}")
        if on_error:
            on_error(text)
    return code


def _call(action: Callable[[], int]) -> tuple[str, int]:
    """Call ``action`` and return the message of its error, empty if there is none, and its exit code."""
    try:
        code = action()
    except typer.exceptions.TyperException as error:
        message = error.format_message().rstrip(".")  # empty if typer has shown the help instead
        return (f"{message}: see --help" if message else ""), int(error.exit_code)
    except KeyboardInterrupt:
        return _INTERRUPT, INTERRUPTED
    except TerminatedError:
        return TERMINATION, TERMINATED
    except (PipelineError, OSError, UnicodeEncodeError, ImportError) as error:
        if os.environ.get("COVERTYPE_DEBUG"):
            log(traceback.format_exc().rstrip())
        known = _to_pipeline_error(error)
        return str(known), known.exit_code
    except Exception as error:  # noqa: BLE001 - a defect must end as one line and an exit code too
        log(traceback.format_exc().rstrip())
        defect = error.__cause__ if isinstance(error, typer.Abort) else error  # typer raises Abort from an EOFError
        return f"unexpected {type(defect).__name__}: {defect}", RUN_FAILED
    # typer catches an interrupt itself and returns its exit code without a message.
    return (_INTERRUPT if code == INTERRUPTED else ""), code


def _to_pipeline_error(error: PipelineError | OSError | UnicodeEncodeError | ImportError) -> PipelineError:
    if isinstance(error, ImportError):
        return cannot_load(error.name or "a library", error)
    return error if isinstance(error, PipelineError) else from_system_error(error)


def cannot_load(module: str, error: Exception) -> PipelineError:
    """Return the error for a module that cannot be imported, or whose shared library is missing."""
    reason = " ".join(str(error).split())[:_REASON_LENGTH]
    fix = "install the project's libraries with `make run`, and a missing shared library with the system's tools"
    return PipelineError(f"cannot load {module}: {reason}", where=sys.executable, fix=fix)


def _print_error(line: str) -> None:
    log(line)
    with suppress(OSError), _TERMINATION_LOG.open("r+", encoding="utf-8") as file:  # "r+" creates no file
        file.truncate()
        file.write(line)


def run_and_exit(main: Callable[..., Any]) -> None:
    """Run a step as ``python -m steps.NAME`` does, and exit the process with its exit code."""
    prepare_process()
    sys.exit(run(main, sys.argv[1:]))


def record_values(*values: tuple[Path | None, str]) -> None:
    """Write each text to its path, if there is one. Argo displays these files as output parameters of the step."""
    for path, text in values:
        if path is not None:
            storage.write_text(path, text)


@dataclass
class Usage:
    """Counters that a step sets while :func:`record_usage` measures it.

    Attributes:
        rows_in: Rows read.
        rows_out: Rows written.
        sha256: SHA-256 of files that the step read or wrote, by name.
    """

    rows_in: int = 0
    rows_out: int = 0
    sha256: dict[str, str] = field(default_factory=dict)


@contextmanager
def record_usage(
    path: Path | None, step: str, *, inputs: Iterable[Path] = (), outputs: Iterable[Path] = (), options: object = None
) -> Iterator[Usage]:
    """Measure the block and write ``usage.json`` when it ends, even if it ends with an error.

    The file has the keys ``step run started finished wall_seconds cpu_seconds peak_rss_bytes rows_in rows_out
    bytes_in bytes_out options image sha256``. ``started`` and ``finished`` are Unix times. ``cpu_seconds`` is the CPU
    time of this process during the block.

    Args:
        path: The file to write. Nothing is written without a path.
        step: Name of the step.
        inputs: Files and folders whose sizes add up to ``bytes_in``.
        outputs: Files and folders whose sizes add up to ``bytes_out``.
        options: The options of the step, a dataclass of them. Their texts are kept, so that it can be repeated.
    """
    usage, started, clock, processor = Usage(), time.time(), time.perf_counter(), time.process_time()
    try:
        yield usage
    finally:
        if path is not None:
            wall = time.perf_counter() - clock
            storage.write_json(
                path,
                {
                    "step": step,
                    "run": os.environ.get("COVERTYPE_RUN", ""),
                    "started": round(started, 3),
                    "finished": round(started + wall, 3),
                    "wall_seconds": round(wall, 3),
                    "cpu_seconds": round(time.process_time() - processor, 3),
                    "peak_rss_bytes": peak_rss_bytes(),
                    "rows_in": usage.rows_in,
                    "rows_out": usage.rows_out,
                    "bytes_in": sum(storage.size_of(source) for source in inputs),
                    "bytes_out": sum(storage.size_of(target) for target in outputs),
                    "options": texts_of(options) if options is not None else {},
                    "image": os.environ.get(IMAGE, ""),
                    "sha256": usage.sha256,
                },
            )


def release_memory() -> None:
    """Return memory that nothing uses to the system, before the next step in this process.

    Without it a step's peak would count what the step before it has freed. pyarrow and the C library keep freed memory.
    """
    gc.collect()
    if pyarrow := sys.modules.get("pyarrow"):
        pyarrow.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)


def report_progress(done: int, total: int, variables: Iterable[str] = (ARGO_PROGRESS, LOCAL_PROGRESS)) -> None:
    """Write ``done/total``, for all steps of this process, to the files in environment variables, where they are set.

    Source: https://argo-workflows.readthedocs.io/en/latest/progress/ (self-reporting progress).
    """
    finished, steps = (int(number) for number in os.environ.get(CHAIN_POSITION, "0/1").split("/"))
    for path in filter(None, map(os.environ.get, variables)):
        Path(path).write_text(f"{finished * total + done}/{steps * total}\n")
