"""The last that the fork server imports: does once what the first use of a command line would cost each step anew."""

from __future__ import annotations

import gc
from pathlib import Path

import typer


def _parse() -> None:
    """Parse a command line, for which typer imports pydantic: a tenth of a second."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def nothing(path: Path, number: int = 0) -> None:
        """Do nothing."""

    app(args=["path", "--number=1"], standalone_mode=False)


_parse()
gc.collect()
gc.freeze()  # a collection in a child would write to, and so copy, the memory it shares with the server
