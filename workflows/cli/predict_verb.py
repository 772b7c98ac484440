"""The verb ``predict``, which scores a table on this machine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from steps.core.errors import shell_exit_code
from steps.core.options import Declared, declared, with_flags
from steps.options.predict import PredictOptions
from workflows.cli.options import Output

app = typer.Typer()

_ROOT = Path(__file__).resolve().parents[2]


@app.command()
@with_flags
def predict(  # noqa: PLR0913 - one argument a flag
    *,
    options: PredictOptions,
    model: Annotated[
        str, typer.Option(help="Name of a run on this machine, or a version or alias in --registry. (default: newest)")
    ] = "",
    registry: Annotated[
        str, typer.Option(metavar="URI", help="Registry to take the models from: gs://, s3:// or a folder.")
    ] = "",
    runs: Output = None,
    require_signature: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Public key (PEM) that must have signed the version in --registry."),
    ] = None,
    metrics: Annotated[Path | None, typer.Option(help="File for counts and metrics (JSON).")] = None,
) -> int:
    """Score the rows of a table with the models of a run or of a registry."""
    words = [_word(option, getattr(options, option.attribute)) for option in declared(PredictOptions)]
    words += [f"--metrics={metrics}"] if metrics else []
    words += [f"--require-signature={require_signature}"] if require_signature else []
    if registry:
        words += [f"--registry={registry}", *([f"--version={model}"] if model else [])]
    else:
        from workflows.runs import results

        words.append(f"--models={results.find_models(runs or Path('runs'), model)}")
    return _run_step(words)


def _word(option: Declared, value: object) -> str:
    """Return an option of the step's command line with its value."""
    if option.kind is bool:
        return f"--{'' if value else 'no-'}{option.name}"
    return f"--{option.name}={value}"


def _run_step(words: list[str]) -> int:
    """Run the step as its own process, whose messages are those of this one, and return its exit code."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, "-m", "steps.predict", *words], env=environment, check=False)
    return shell_exit_code(done.returncode)
