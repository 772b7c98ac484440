"""Renders, executes and publishes one run on this machine."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from steps import NAMES
from steps.core import storage
from workflows.local import processes
from workflows.local.cache import Cache
from workflows.local.executor import Executor, ExecutorOptions
from workflows.rendered.reader import read_workflow
from workflows.runs import publishing, results
from workflows.runs.source_digest import source_digest
from workflows.terminal.display import LiveDisplay

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from workflows.local.nodes import Node
    from workflows.settings import Settings

CACHE = ".cache"


def run_here(settings: Settings, console: Console) -> dict[str, Any]:
    """Run the pipeline in a new folder below ``settings.folder``.

    Args:
        settings: what to run.
        console: where the progress is shown.

    Returns:
        The result, see ``results.write_result``. A failed step is part of it and raises nothing.

    Raises:
        PipelineError: the workflow cannot be rendered, the folder cannot be written, or the run cannot be published.
    """
    begun = time.monotonic()
    cache = Cache(settings.folder.absolute() / CACHE)
    first, *others = (f"steps.{name}" for name in _steps_of(settings))
    processes.start_fork_server(others)
    with closing(processes.Workers()) as workers:
        if cache.empty or not settings.cache:
            workers.expect(first)
        folder, root = _execute(settings, console, cache, workers)
    results.copy_results(folder, root)
    result = results.write_result(folder, root, time.monotonic() - begun)
    if settings.bucket:
        result["published"] = publishing.publish_run(folder, root, settings.bucket)
        console.print(f"published {result['published']}", soft_wrap=True)
    return result


def _execute(settings: Settings, console: Console, cache: Cache, workers: processes.Workers) -> tuple[Path, Node]:
    """Render the workflow and execute it; return the folder of the run and the root node."""
    from workflows import pipeline, rendering  # Hera takes most of a second to import: others work meanwhile
    from workflows.argo import yaml_text

    name = results.new_run_name(pipeline.NAME)
    rendered = rendering.render(settings, "Workflow", name=name)
    # Absolute, because the messages of steps contain their paths.
    folder = settings.folder.absolute() / name
    folder.mkdir(parents=True)
    storage.write_text(folder / results.WORKFLOW, yaml_text.to_yaml(rendered))
    display = LiveDisplay(console)
    options = ExecutorOptions(folder, settings.cores, cache, source_digest, use_cached=settings.cache)
    executor = Executor(read_workflow(rendered), name, options, display, workers)
    console.print(f"run {name}: {settings.cores} cores, {folder}", soft_wrap=True)
    with cache.locked(), display:
        return folder, executor.run()


def _steps_of(settings: Settings) -> list[str]:
    """Return the steps that a run executes; the libraries of the others need not be imported."""
    unused = {"tune": not settings.trials, "register": not settings.registry}
    return [name for name in NAMES if not unused.get(name)]
