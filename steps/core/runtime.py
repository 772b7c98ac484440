"""What every step's command line shares: error lines and exit codes, usage figures, progress, logging."""

from __future__ import annotations

import io
import os
import resource
import signal
import sys
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.exceptions
import typer.main

from steps.core import storage
from steps.core.errors import INTERRUPTED, RUN_FAILED, TERMINATED, PipelineError, from_system_error
from steps.core.options import with_flags
from steps.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ValueOption = Annotated[Path | None, typer.Option(help="Where this figure goes as text, for Argo to show.")]
UsageOption = Annotated[Path | None, typer.Option(help="Where to write wall time, CPU time and peak memory (JSON).")]

# Environment variable that says which part of a process's work the running step is, as "done/all" steps.
PART = "COVERTYPE_PART"
# The highest file descriptor of a standard stream.
_LAST_STREAM = 2
_INTERRUPT = "interrupted: run again to go on, what was finished is kept"
# Characters of a reason that another library gives: XGBoost's for a missing OpenMP is a page.
_REASON_LENGTH = 300
TERMINATION = "terminated: run again to resume, what was finished is kept"


class TerminatedError(SystemExit):
    """SIGTERM or SIGHUP arrived; raised in the main thread, so that temporary files and remote jobs are cleaned up."""

    def __init__(self) -> None:
        super().__init__(TERMINATED)


def prepare_process() -> None:
    """Set up a process whose main thread runs a command line: call this before anything is printed.

    Characters that the output's encoding lacks are replaced. SIGTERM raises :class:`TerminatedError`, and so does
    SIGHUP (the terminal is closed) unless it is ignored (``nohup``). A standard stream that is closed (``>&-``) is
    opened as ``/dev/null``.
    """
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _terminate)


def _open_closed_streams() -> None:
    """Open the null device as each standard stream that is closed, so that no file gets the stream's number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= _LAST_STREAM:  # the lowest that is free
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process


def _terminate(*_: object) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the clean-up
    raise TerminatedError


def log(message: str) -> None:
    """Print one line of a step's log to standard error at once, without secrets; an unwritable log fails nothing."""
    with suppress(OSError):
        print(redact(message), file=sys.stderr, flush=True)


def as_app(main: Callable[..., Any]) -> typer.Typer:
    """Return the command line of a step's ``main`` function, as typer makes it from the annotations."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(with_flags(main))
    return app


def run(main: Callable[..., Any], arguments: Sequence[str] | None = None) -> int:
    """Run a step's ``main`` with command-line ``arguments`` and return its exit code.

    Expected errors print one line ``error: ...``. Anything else is a defect: its traceback is printed before the line.
    """
    try:
        return guarded(lambda: as_app(main)(args=list(arguments or []), standalone_mode=False) or 0)
    finally:
        flush()


def flush() -> None:
    """Write out what was printed, as far as it can be written.

    What cannot goes nowhere: Python would try again when it ends, fail, and exit with 120.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def guarded(action: Callable[[], int]) -> int:
    """Call ``action`` and return its exit code, with every exception turned into a line and a code."""
    try:
        code = action()
        # typer catches an interrupt itself and returns its exit code without a word.
        return _fail(_INTERRUPT, INTERRUPTED) if code == INTERRUPTED else code
    except typer.exceptions.TyperException as error:
        message = error.format_message().rstrip(".")  # none where the help was shown, as no argument was given
        return _fail(f"{message}: see --help", error.exit_code) if message else int(error.exit_code)
    except KeyboardInterrupt:
        return _fail(_INTERRUPT, INTERRUPTED)
    except TerminatedError:
        return _fail(TERMINATION, TERMINATED)
    except (PipelineError, OSError, UnicodeEncodeError, ImportError) as error:
        if os.environ.get("COVERTYPE_DEBUG"):
            log(traceback.format_exc().rstrip())
        known = _explained(error)
        return _fail(str(known), known.exit_code)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a defect must end as a line and a code too
        log(traceback.format_exc().rstrip())
        defect = error.__cause__ if isinstance(error, typer.Abort) else error  # typer's name for an EOFError
        return _fail(f"unexpected {type(defect).__name__}: {defect}", RUN_FAILED)


def _explained(error: PipelineError | OSError | UnicodeEncodeError | ImportError) -> PipelineError:
    if isinstance(error, ImportError):
        return cannot_load(error.name or "a library", error)
    return error if isinstance(error, PipelineError) else from_system_error(error)


def cannot_load(module: str, error: Exception) -> PipelineError:
    """Return the error about a module that cannot be imported: not installed, or a shared library is missing."""
    reason = " ".join(str(error).split())[:_REASON_LENGTH]
    fix = "install the project's libraries with `make run`, and a shared library that is named with the system's tools"
    return PipelineError(f"cannot load {module}: {reason}", where=sys.executable, fix=fix)


def _fail(message: str, code: int) -> int:
    log("error: " + " ".join(redact(message).split()))
    return code


def main_of(main: Callable[..., Any]) -> None:
    """Run a step as ``python -m steps.NAME`` does, and exit."""
    prepare_process()
    sys.exit(run(main, sys.argv[1:]))


def record_values(*values: tuple[Path | None, str]) -> None:
    """Write each value for which a path was given: what Argo shows as a step's output parameters."""
    for path, text in values:
        if path is not None:
            storage.write_text(path, text)


@dataclass
class Usage:
    """Counters a step fills in while :func:`record_usage` times it."""

    rows_in: int = 0
    rows_out: int = 0


@contextmanager
def record_usage(
    path: Path | None, step: str, *, inputs: Iterable[Path] = (), outputs: Iterable[Path] = ()
) -> Iterator[Usage]:
    """Time the block and write ``usage.json`` to ``path`` when it ends, also when it ends with an error.

    The file has ``step run started finished wall_seconds cpu_seconds peak_rss_bytes rows_in rows_out bytes_in
    bytes_out``; ``started`` and ``finished`` are Unix times, ``cpu_seconds`` is the process's in that time.
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
                },
            )


def reset_peak_rss() -> None:
    """Count the peak of this process's memory from now on, where the kernel can (clear_refs in ``man 5 proc``)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_rss_bytes() -> int:
    """Return the peak resident memory of this process in bytes, pages shared with its parent included."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def report_progress(done: int, total: int) -> None:
    """Write ``done/total`` to ``$ARGO_PROGRESS_FILE``, which Argo and the local runner read; do nothing without it.

    In a process that runs several steps this is the progress of all of them.
    Source: https://argo-workflows.readthedocs.io/en/latest/progress/ (self-reporting progress).
    """
    before, parts = (int(number) for number in os.environ.get(PART, "0/1").split("/"))
    if path := os.environ.get("ARGO_PROGRESS_FILE"):
        Path(path).write_text(f"{before * total + done}/{parts * total}\n")
