"""A step for tests of the executor: the options of ``python -m tests.workflows.fake_step`` set its behaviour."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    """Append a line to ``--trace``, wait, write the ``--read`` files and ``--text`` to each ``--write``, and exit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--name", default="")
    parser.add_argument("--text", default="")
    parser.add_argument("--read", type=Path, action="append", default=[])
    parser.add_argument("--write", type=Path, action="append", default=[])
    parser.add_argument("--sleep", type=float, default=0)
    parser.add_argument("--exit", default="0", help="Exit codes of the attempts, by commas; the last one stays.")
    parser.add_argument("--error", help="The error line of an exit code that is not 0.")
    parser.add_argument("--kill-at", choices=["start", "half", "end"], help="Where the first attempt kills itself.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--process", type=Path, help="File for the number of the process.")
    given = parser.parse_args()
    if given.process:
        given.process.write_text(str(os.getpid()))
    attempt = 1
    if given.trace:
        mine = f"start {given.name}"
        attempt += given.trace.read_text().splitlines().count(mine) if given.trace.exists() else 0
        _append(given.trace, mine)
    for variable, progress in (("ARGO_PROGRESS_FILE", "1/2\n"), ("COVERTYPE_PROGRESS_FILE", "2/3\n")):
        if path := os.environ.get(variable):
            Path(path).write_text(progress)
    doomed = given.kill_at if attempt == 1 else None
    _die(doomed == "start")
    try:
        time.sleep(given.sleep)
    except SystemExit:
        if given.trace:
            _append(given.trace, f"terminated {given.name}")
        raise
    text = "".join(path.read_text() for path in given.read if path.exists()) + given.text
    for path in given.write:
        path.write_text(text[: len(text) // 2] if doomed == "half" else text)
    _die(doomed is not None)
    if given.trace:
        _append(given.trace, f"end {given.name}")
    codes = [int(code) for code in given.exit.split(",")]
    code = codes[min(attempt, len(codes)) - 1]
    if code:
        print(f"error: {given.error or f'asked to end with {code}'}", file=sys.stderr)
    sys.exit(code)


def _die(now: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    main()
