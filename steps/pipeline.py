"""Run all steps of a run in one process: ``python -m steps.pipeline -- prepare ... -- aspen/split ... -- report ...``.

The steps of a cover type are written ``SLUG/STEP``. They run one after the other until one fails. Cover types whose
steps stand together in the command line run side by side, ``--parallel`` at a time. A step without a cover type waits
for all steps before it. The steps after a failed cover type run nevertheless, so that the report covers the others; if
every cover type failed, there is nothing to report, and none of them runs.

What only later steps need goes to a scratch folder: an option that is written ``@--NAME=PATH`` has a path in it.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import chain, chain_processes, prepare, register, report
from steps.core import runtime
from steps.core.errors import DOCUMENTED_EXIT_CODES, INTERRUPTED, RUN_FAILED, TERMINATED, PipelineError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STEPS: dict[str, Callable[..., Any]] = {
    "prepare": prepare.main,
    **chain.STEPS,
    "report": report.main,
    "register": register.main,
}


@dataclass(frozen=True)
class Command:
    """A step with its command line; ``cover_type`` is empty for a step of the whole run."""

    cover_type: str
    step: str
    options: Sequence[str]

    @property
    def name(self) -> str:
        """The name of the step in messages, such as ``aspen-train``."""
        return f"{self.cover_type}-{self.step}" if self.cover_type else self.step


@dataclass(frozen=True)
class Failure:
    """Exit code and message of a step that failed."""

    code: int
    message: str


def parse(words: Sequence[str], scratch: Path) -> list[Command]:
    """Return the steps of a command line with paths in ``scratch``; UsageError for an unknown step or none at all."""
    found = []
    for name, options in chain.parse(words, STEPS):
        cover_type, _, step = name.rpartition("/")
        if cover_type and step not in chain.STEPS:
            raise UsageError(f"step {step!r} is not one of a cover type", where=name, fix=f"write {step}")
        found.append(Command(cover_type, step, [chain.with_scratch_path(option, scratch) for option in options]))
    return found


class Run:
    """One run of all steps.

    Args:
        commands: the steps in order.
        parallel: number of cover types at a time.

    Attributes:
        failures: the steps that failed, by name.
    """

    def __init__(self, commands: Sequence[Command], parallel: int) -> None:
        self._commands, self._parallel = commands, parallel
        self._done = 0
        self.failures: dict[str, Failure] = {}

    def run(self) -> int:
        """Run all steps and return the exit code.

        Raises:
            PipelineError: steps failed; it names them, with the exit code that they have in common.
        """
        for of_cover_types, block in groupby(self._commands, key=lambda command: bool(command.cover_type)):
            chains = _by_cover_type(block)
            if of_cover_types and min(self._parallel, len(chains)) > 1:
                self._run_side_by_side(chains)
            else:
                for commands in chains.values():
                    self._run_in_this_process(commands)
            if codes := {failure.code for failure in self.failures.values()} & {INTERRUPTED, TERMINATED}:
                return codes.pop()
            if self.failures and (not of_cover_types or len(self.failures) == len(chains)):
                break
        if self.failures:
            raise _failed(self.failures)
        return 0

    def _run_in_this_process(self, commands: Sequence[Command]) -> None:
        """Run steps until one fails, and none after a signal; after a failed cover type, only the report."""
        if any(failure.code in (INTERRUPTED, TERMINATED) for failure in self.failures.values()):
            return
        for position, command in enumerate(commands):
            messages: list[str] = []
            place = (self._done + position, len(self._commands))
            code = chain.run_step(command.name, STEPS[command.step], command.options, place, messages.append)
            if code:
                self.failures[command.name] = Failure(code, "".join(messages))
            if code or (self.failures and not command.cover_type):  # nothing follows a report of a failed cover type
                break
        self._done += len(commands)

    def _run_side_by_side(self, chains: Mapping[str, Sequence[Command]]) -> None:
        """Run the steps of each cover type in a process of its own."""
        words = {
            slug: [word for command in commands for word in (chain.SEPARATOR, command.step, *command.options)]
            for slug, commands in chains.items()
        }
        with closing(chain_processes.run_all(words, self._parallel)) as all_ended:
            for ended in all_ended:
                commands = chains[ended.name]
                self._done += len(commands)
                runtime.report_progress(self._done, len(self._commands))
                if ended.code:
                    failed = next((each for each in commands if each.step == ended.last_step), commands[0])
                    self.failures[failed.name] = Failure(ended.code, ended.message)


def _by_cover_type(commands: Any) -> dict[str, list[Command]]:  # noqa: ANN401 - an iterator of groupby
    chains: dict[str, list[Command]] = {}
    for command in commands:
        chains.setdefault(command.cover_type, []).append(command)
    return chains


def _failed(failures: Mapping[str, Failure]) -> PipelineError:
    """Return the error about failed steps. A report that failed besides other steps failed because of them."""
    roots = {name: failure for name, failure in failures.items() if name != "report"} or failures
    codes = {failure.code for failure in roots.values()}
    what = "; ".join(f"step {name} failed: {failure.message}" for name, failure in roots.items())
    error = PipelineError(what)
    error.exit_code = codes.pop() if len(codes) == 1 and codes <= DOCUMENTED_EXIT_CODES else RUN_FAILED
    return error


def main(
    *,
    words: Annotated[list[str], typer.Argument(metavar="-- [SLUG/]STEP OPTIONS [-- [SLUG/]STEP OPTIONS]...")],
    parallel: Annotated[int, typer.Option(min=1, help="Cover types at a time, each in a process of its own.")] = 1,
) -> int:
    """Run all steps of a run."""
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        return Run(parse(words, Path(folder)), parallel).run()


if __name__ == "__main__":
    runtime.run_and_exit(main)
