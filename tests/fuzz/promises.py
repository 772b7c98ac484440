"""Checks the guarantees for every command line with any input. ``Broken`` names the guarantee that was violated.

- It ends in time, with a documented exit code, and not by a signal. 130 means an interrupt: no test sends one.
- Standard error has no traceback, no ``unexpected`` (how a defect is reported) and no warning of a library.
- Code 0: no line begins with ``error``.
- Another code, where no run was started: one line begins with ``error: ``, and it is the last.
- Another code, of a run: a line ``error: step STEP failed: ...`` for each step that failed by itself (without the
  report, which fails with any other), then one last line ``the run ended as STATUS: inputs and logs are in FOLDER``.
  The log of each of these steps has one error line. Code 1 stands for several steps that failed with different codes.
- ``lint`` finds nothing wrong with what this project rendered: it ends with 0 or refuses the settings, never with 1.
  Of a file it may find several things wrong: a line ``error: ...`` for each, and 1.
- Nothing is half-written.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from steps.core import errors
from steps.core.storage import PARTIAL
from tests.fuzz.nursery import read

if TYPE_CHECKING:
    from tests.fuzz.nursery import Ended

CODES = errors.DOCUMENTED_EXIT_CODES | {0, errors.RUN_FAILED}
# The report of a defect. A usage error may contain "Got unexpected extra argument".
_DEFECT = re.compile(r"^(?:error: )?(?:step \S+ failed: )?unexpected (\w+)", re.MULTILINE)
_TRACEBACK = "Traceback (most recent call last)"
_WARNING = re.compile(r"^.*\b\w*Warning: .*$", re.MULTILINE)
_FAILED_STEP = re.compile(r"error: step (\S+) failed: \S")
_FRAME = re.compile(r'File "[^"]*?((?:steps|workflows)/[\w/]+\.py)", line (\d+), in (\w+)')


class Broken(AssertionError):  # noqa: N818 - the guarantee is broken
    """A violated guarantee. ``kind`` names it; ``details`` are equal for equal faults."""

    def __init__(self, kind: str, details: str, text: str = "") -> None:
        self.kind, self.details = kind, details
        super().__init__(f"{kind}: {details}\n{text}")

    @property
    def signature(self) -> str:
        """The identity of this fault."""
        return f"{self.kind}: {self.details}"


def breaks(kind: str, details: object, text: str = "") -> NoReturn:
    """Raise the error about a violated guarantee."""
    raise Broken(kind, str(details), text)


def check_end(ended: Ended, folder: Path) -> None:
    """Check the guarantees of all commands, and those of runs."""
    if ended.code is None:
        breaks("hang", f"no end after {ended.seconds:.0f} s", _end_of(ended))
    if ended.code < 0:
        breaks("crash", f"ended by signal {-ended.code}", _end_of(ended))
    for log in (*logs_of(folder).values(), ended.err):  # logs of steps first, because they contain the traceback
        check_text(log, ended)
    if ended.code not in CODES:
        breaks("exit code", f"{ended.code} is not documented", _end_of(ended))
    if half := [path.name for path in folder.rglob(f"*{PARTIAL}*")]:
        breaks("half-written", half[0], _end_of(ended))
    if result := result_of(folder):
        _check_run(ended, folder, result[1])
    elif ended.code == 0 and ended.errors:
        breaks("error line", "and exit code 0", _end_of(ended))
    elif ended.code != 0:
        _check_refusal(ended)


def check_text(text: str, ended: Ended) -> None:
    """Check that a log contains no defect."""
    if _TRACEBACK in text or _DEFECT.search(text):
        breaks("defect", defect_in(text), text[-3000:])
    if found := _WARNING.search(text):
        breaks("warning", generalised(found[0]), _end_of(ended))


def defect_in(text: str) -> str:
    """Return the exception and the innermost line of the project in a traceback."""
    frames = _FRAME.findall(text.rpartition(_TRACEBACK)[2])
    place = "{}:{} {}".format(*frames[-1]) if frames else "no frame"
    errors_ = _DEFECT.findall(text) or re.findall(
        r"^(\w+(?:\.\w+)*(?:Error|Exception|Interrupt))\b", text, re.MULTILINE
    )
    return f"{errors_[-1] if errors_ else 'exception'} at {place}"


def generalised(text: str) -> str:
    """Return a message without the parts that differ from case to case."""
    return re.sub(r"\d+(\.\d+)?", "N", re.sub(r"'[^']*'|\"[^\"]*\"|\(.*?\)|/\S+", "…", text))[:120]


def result_of(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the folder and the result of the run that was started in a folder; None if there is none."""
    started = sorted(folder.glob("runs/*/workflow.yaml"))
    if not started:
        return None
    result = started[0].parent / "result.json"
    return started[0].parent, json.loads(result.read_bytes()) if result.exists() else {}


def logs_of(folder: Path) -> dict[str, str]:
    """Return the logs of the steps of the run that was started in a folder, by the step's name."""
    return {path.parent.name: read(path) for path in sorted(folder.glob("runs/*/nodes/*/log.txt"))}


def _check_refusal(ended: Ended) -> None:
    if ended.words[:2] == ("lint", "made.yaml") and ended.code == 1 and ended.errors:
        return
    if ended.words[0] == "lint" and ended.code == 1:
        breaks("lint", generalised(ended.errors[0]) if ended.errors else "no line", _end_of(ended))
    lines = ended.err.rstrip("\n").split("\n")
    if len(ended.errors) != 1 or not ended.errors[0].startswith("error: ") or lines[-1] != ended.errors[0]:
        breaks("error line", f"{len(ended.errors)} lines with exit code {ended.code}", _end_of(ended))
    if ended.code == errors.RUN_FAILED:
        breaks("exit code", f"1 though no run has failed: {generalised(ended.errors[0])}", _end_of(ended))


def _check_run(ended: Ended, folder: Path, result: dict[str, Any]) -> None:
    if not result:
        if len(ended.errors) != 1:
            breaks("error line", "a run without a result", _end_of(ended))
        return
    if result["exit_code"] != ended.code or (result["status"] == "Succeeded") != (ended.code == 0):
        breaks("exit code", f"{ended.code} of a run that ended as {result['status']}", _end_of(ended))
    if "--json" in ended.words and json.loads(ended.out) != result:
        breaks("json", "stdout is not the result", _end_of(ended))
    if ended.code == 0:
        if ended.errors:
            breaks("error line", "and exit code 0", _end_of(ended))
        return
    _check_failures(ended, folder, result)


def _check_failures(ended: Ended, folder: Path, result: dict[str, Any]) -> None:
    """Check that a failed run names its failed steps, each with the error line of its log."""
    failed, logs = result["failed_steps"], logs_of(folder)
    causes = [name for name in failed if name != "report"] or list(failed)
    lines = ended.err.rstrip("\n").split("\n")
    named = [found[1] for line in ended.errors if (found := _FAILED_STEP.match(line))]
    if named != causes or len(ended.errors) != len(causes):
        breaks("error line", f"of {len(ended.errors)} steps where {len(causes)} failed", _end_of(ended))
    if not lines[-1].startswith(f"the run ended as {result['status']}: inputs and logs are in {folder}"):
        breaks("error line", "the last one does not say how the run ended", _end_of(ended))
    for name in causes:
        count = sum(line.startswith("error") for line in logs.get(name, "").split("\n"))
        if count != 1:
            step, message = name.rpartition(".")[2], generalised(failed[name])
            breaks("error line", f"{count} in the log of {step}: {message}", logs.get(name, "")[-3000:])
    if ended.code == errors.RUN_FAILED and len(causes) == 1:
        breaks("exit code", f"1 of one step: {generalised(failed[causes[0]])}", _end_of(ended))


def _end_of(ended: Ended) -> str:
    return f"exit code {ended.code}\n{ended.out[-800:]}\n{ended.err[-2500:]}"
