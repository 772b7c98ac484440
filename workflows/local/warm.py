"""The module that the fork server imports: it imports what steps need, so that forked processes do not have to.

It ignores modules that cannot be imported, so that the server survives. The step that needs one reports the error.
"""

from __future__ import annotations

import gc
import importlib
import os
from contextlib import suppress
from pathlib import Path

import typer

from steps.core.errors import PipelineError
from workflows.local.fingerprint import fingerprint
from workflows.local.processes import PRELOAD_VARIABLE


def _parse_a_command_line() -> None:
    """Parse a command line: typer imports pydantic at the first use, which takes a tenth of a second."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def command(path: Path, number: int = 0) -> None:
        """Do nothing."""

    app(args=["path", "--number=1"], standalone_mode=False)


def _import_what_steps_import() -> None:
    """Import all project modules that the steps import, but not the steps.

    A step runs as the main module of its process, so an imported copy of it would be of no use.
    """
    steps = set(filter(None, os.environ.get(PRELOAD_VARIABLE, "").split(",")))
    modules: set[str] = set()
    for step in steps:
        with suppress(PipelineError):
            modules.update(fingerprint(step).modules)
    for name in sorted(modules - steps):
        with suppress(Exception):
            importlib.import_module(name)


_import_what_steps_import()
_parse_a_command_line()
gc.collect()
gc.freeze()  # a collection in a child would write to the memory that it shares with the server, and so copy it
