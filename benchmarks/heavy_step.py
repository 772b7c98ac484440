"""The empty step with what the steps of the pipeline have: heavy shared modules, a typer command line, a usage file."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import empty_step, heavy_libraries
from steps.core import runtime

__all__ = ["heavy_libraries"]


def main(
    *,
    write: Annotated[Path, typer.Option(help="File for the text.")],
    read: Annotated[Path | None, typer.Option(help="File with the text of the step before.")] = None,
) -> None:
    """Write the text that was read and one more character."""
    given = [f"--read={read}"] if read else []
    with runtime.record_usage(write.with_name("usage.json"), "empty"):
        empty_step.main([*given, f"--write={write}"])


if __name__ == "__main__":
    runtime.run_and_exit(main)
