"""The verb ``serve``, which answers requests over HTTP on this machine."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from steps.core.options import declared, with_flags
from steps.options.serve import ServeOptions
from workflows.cli.options import Output, option_word

app = typer.Typer()

_ROOT = Path(__file__).resolve().parents[2]


@app.command()
@with_flags
def serve(
    *,
    options: ServeOptions,
    model: Annotated[
        str, typer.Option(help="Name of a run on this machine, or a version or alias in --registry. (default: newest)")
    ] = "",
    registry: Annotated[
        str, typer.Option(metavar="URI", help="Registry to take the models from: gs://, s3:// or a folder.")
    ] = "",
    runs: Output = None,
) -> None:
    """Answer requests over HTTP with the models of a run or of a registry."""
    words = [option_word(option, getattr(options, option.attribute)) for option in declared(ServeOptions)]
    if registry:
        words += [f"--registry={registry}", *([f"--version={model}"] if model else [])]
    else:
        from workflows.runs import results

        words.append(f"--models={results.find_models(runs or Path('runs'), model)}")
    _become_step(words)


def _become_step(words: list[str]) -> None:
    """Replace this process by the step, which then gets all signals itself."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    os.execve(sys.executable, [sys.executable, "-m", "steps.serve", *words], environment)  # noqa: S606 - no shell
