"""Run several steps one after the other in one process: ``python -m steps.chain -- split --seed=0 ... -- train ...``.

What only the next step needs goes to a scratch folder: in the steps' options, ``=@NAME`` stands for a path in it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import evaluate, preprocess, split, train, tune
from steps.core import runtime
from steps.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STEPS: dict[str, Callable[..., Any]] = {
    "split": split.main,
    "preprocess": preprocess.main,
    "tune": tune.main,
    "train": train.main,
    "evaluate": evaluate.main,
}
_SEPARATOR = "--"
_SCRATCH = "=@"


def parse(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return each step's name with its options, in order; UsageError for an unknown step or none at all."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word == _SEPARATOR:
            commands.append([])
        else:
            commands[-1].append(word)
    for command in commands:
        if not command or command[0] not in STEPS:
            raise UsageError(
                f"unknown step {command[0]!r}" if command else "a step is missing",
                where=f"{_SEPARATOR} STEP OPTIONS",
                fix=f"use {', '.join(STEPS)}",
            )
    return [(name, options) for name, *options in commands]


def placed(option: str, scratch: Path) -> str:
    """Return an option with a path in ``scratch`` for what it names by ``@``."""
    name, separator, value = option.partition(_SCRATCH)
    return f"{name}={scratch / value}" if separator and "=" not in name else option


def run(commands: Sequence[tuple[str, Sequence[str]]], scratch: Path) -> int:
    """Run the steps until one fails, and return the exit code of the last one that ran."""
    code = 0
    for done, (name, options) in enumerate(commands):
        if code:
            break
        runtime.log(f"step {name} ({done + 1} of {len(commands)})")
        os.environ[runtime.CHAIN_POSITION] = f"{done}/{len(commands)}"
        runtime.reset_peak_rss()
        code = runtime.run(STEPS[name], [placed(option, scratch) for option in options])
        runtime.release_memory()
    os.environ.pop(runtime.CHAIN_POSITION, None)
    return code


def main(*, words: Annotated[list[str], typer.Argument(metavar="-- STEP OPTIONS [-- STEP OPTIONS]...")]) -> int:
    """Run several steps one after the other."""
    commands = parse(words)
    with tempfile.TemporaryDirectory(prefix="chain-") as folder:
        return run(commands, Path(folder))


if __name__ == "__main__":
    runtime.run_and_exit(main)
