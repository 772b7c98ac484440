"""The verbs that use models on this machine: ``predict`` scores a table, ``serve`` answers requests over HTTP."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from steps import module_path
from steps.core.errors import shell_exit_code
from steps.core.options import declared, with_flags
from steps.options.predict import PredictOptions
from steps.options.serve import ServeOptions
from workflows.cli.options import PREDICTIONS, Runs, examples, option_word
from workflows.cli.registry_flag import Registry, RequiredKey, registry_or_runs

app = typer.Typer()

_Model = Annotated[
    str,
    typer.Option(
        help="Name of a run on this machine, or a version or alias in --registry. (default: champion, or newest run)"
    ),
]


@app.command(
    rich_help_panel=PREDICTIONS,
    epilog=examples(
        "predict --input new.csv --output scores.parquet",
        "predict --input new.csv --output scores.csv --registry ./registry --drift drift.html",
    ),
)
@with_flags
def predict(  # noqa: PLR0913 - one argument a flag
    *,
    options: PredictOptions,
    model: _Model = "",
    registry: Registry = None,
    runs: Runs = None,
    require_signature: RequiredKey = None,
    metrics: Annotated[Path | None, typer.Option(help="File for counts, metrics and drift (JSON).")] = None,
    drift: Annotated[
        Path | None, typer.Option(help="File for a page with the drift against the training rows (HTML).")
    ] = None,
) -> int:
    """Score the rows of a table with the models of a run or of a registry."""
    words = [option_word(option, getattr(options, option.attribute)) for option in declared(PredictOptions)]
    files = {"metrics": metrics, "drift": drift, "require-signature": require_signature}
    words += [f"--{name}={path}" for name, path in files.items() if path]
    return _run_step([*words, *_words_of_models(model, registry, runs)])


def _words_of_models(model: str, registry: str | None, runs: Path | None) -> list[str]:
    """Return the words of a step's command line that name the models."""
    from workflows.runs import results

    if address := registry_or_runs(registry, runs, *([model] if model else [])):
        return [f"--registry={address}", *([f"--version={model}"] if model else [])]
    return [f"--models={results.find_models(runs or results.DEFAULT_FOLDER, model)}"]


def _run_step(words: list[str]) -> int:
    """Run the step as its own process, whose messages are those of this one, and return its exit code."""
    done = subprocess.run([sys.executable, "-m", "steps.predict", *words], env=_environment(), check=False)
    return shell_exit_code(done.returncode)


def _environment() -> dict[str, str]:
    """Return the environment of a step, which imports from this project and not from the current folder."""
    return {**os.environ, "PYTHONPATH": module_path(), "PYTHONSAFEPATH": "1"}


@app.command(
    rich_help_panel=PREDICTIONS, epilog=examples("serve --registry ./registry", "serve --port 9000 --workers 2")
)
@with_flags
def serve(
    *,
    options: ServeOptions,
    model: _Model = "",
    registry: Registry = None,
    runs: Runs = None,
    require_signature: RequiredKey = None,
) -> None:
    """Answer requests over HTTP with the models of a run or of a registry."""
    words = [option_word(option, getattr(options, option.attribute)) for option in declared(ServeOptions)]
    words += [f"--require-signature={require_signature}"] if require_signature else []
    _become_step([*words, *_words_of_models(model, registry, runs)])


def _become_step(words: list[str]) -> None:
    """Replace this process by the step, which then gets all signals itself."""
    os.execve(sys.executable, [sys.executable, "-m", "steps.serve", *words], _environment())  # noqa: S606 - no shell
