"""Run several steps one after the other in one process: ``python -m steps.chain -- split --seed=0 ... -- train ...``.

What only the next step needs goes to a scratch folder: an option that is written ``@--NAME=PATH`` has a path in it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import evaluate, preprocess, split, train, tune
from steps.core import quantities, runtime
from steps.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STEPS: dict[str, Callable[..., Any]] = {
    "split": split.main,
    "preprocess": preprocess.main,
    "tune": tune.main,
    "train": train.main,
    "evaluate": evaluate.main,
}
SEPARATOR = "--"
_SCRATCH = "@--"


def parse(words: Sequence[str], steps: Mapping[str, Any] = STEPS) -> list[tuple[str, list[str]]]:
    """Return each step's name with its options, in order.

    Args:
        words: a separator, a name and options, for each step.
        steps: the names that exist. A name may follow a cover type, as in ``aspen/train``.

    Raises:
        UsageError: a step is unknown, or there is none.
    """
    commands: list[list[str]] = [[]]
    for word in words:
        if word == SEPARATOR:
            commands.append([])
        else:
            commands[-1].append(word)
    for command in commands:
        if not command or command[0].rpartition("/")[2] not in steps:
            raise UsageError(
                f"unknown step {command[0]!r}" if command else "a step is missing",
                where=f"{SEPARATOR} STEP OPTIONS",
                fix=f"use {', '.join(steps)}",
            )
    return [(name, options) for name, *options in commands]


def with_scratch_path(option: str, scratch: Path) -> str:
    """Return ``@--NAME=PATH`` as an option with the path in ``scratch``, and any other option as it is."""
    if not option.startswith(_SCRATCH):
        return option
    name, _, path = option.removeprefix("@").rpartition("=")
    return f"{name}={scratch / path}"


def run_step(
    name: str,
    main: Callable[..., Any],
    options: Sequence[str],
    position: tuple[int, int],
    on_error: Callable[[str], object] | None = None,
) -> int:
    """Run one of several steps in this process, and return its exit code.

    Args:
        name: name for the log.
        main: the step.
        options: its command line.
        position: number of steps before it, and of all steps.
        on_error: called with the message of its error.
    """
    done, total = position
    runtime.log(f"step {name} ({done + 1} of {total})")
    os.environ[runtime.CHAIN_POSITION] = f"{done}/{total}"
    quantities.reset_peak_rss()
    code = runtime.run(main, options, on_error)
    runtime.release_memory()
    os.environ.pop(runtime.CHAIN_POSITION, None)
    return code


def run(commands: Sequence[tuple[str, Sequence[str]]], scratch: Path) -> int:
    """Run the steps until one fails, and return the exit code of the last one that ran."""
    code = 0
    for done, (name, options) in enumerate(commands):
        if code:
            break
        placed = [with_scratch_path(option, scratch) for option in options]
        code = run_step(name, STEPS[name], placed, (done, len(commands)))
    return code


def main(*, words: Annotated[list[str], typer.Argument(metavar="-- STEP OPTIONS [-- STEP OPTIONS]...")]) -> int:
    """Run several steps one after the other."""
    commands = parse(words)
    with tempfile.TemporaryDirectory(prefix="chain-") as folder:
        return run(commands, Path(folder))


if __name__ == "__main__":
    runtime.run_and_exit(main)
