"""What the fork server imports: the modules that steps need, and the first use of a command line.

A module that cannot be imported is left out: the step that needs it reports why, and the server lives on.
"""

from __future__ import annotations

import gc
import importlib
import os
from contextlib import suppress
from pathlib import Path

import typer

from workflows.local.processes import PRELOAD


def _parse() -> None:
    """Parse a command line, for which typer imports pydantic: a tenth of a second."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def nothing(path: Path, number: int = 0) -> None:
        """Do nothing."""

    app(args=["path", "--number=1"], standalone_mode=False)


def _import_modules() -> None:
    for name in filter(None, os.environ.get(PRELOAD, "").split(",")):
        with suppress(Exception):
            importlib.import_module(name)


_import_modules()
_parse()
gc.collect()
gc.freeze()  # a collection in a child would write to, and so copy, the memory it shares with the server
