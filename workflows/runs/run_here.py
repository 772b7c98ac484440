"""One run on this machine: render, execute, publish."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from steps import NAMES
from steps.core import storage
from workflows.local.cache import Cache
from workflows.local.executor import Executor, Options, start_server
from workflows.rendered import document
from workflows.runs import publishing, results
from workflows.runs.content import content_of
from workflows.terminal.display import LiveDisplay

if TYPE_CHECKING:
    from rich.console import Console

    from workflows.settings import Settings

CACHE = ".cache"


def run_here(settings: Settings, console: Console) -> dict[str, Any]:
    """Run the workflow of ``settings`` below ``settings.folder`` and return its result, see ``results.summarise``.

    Raises:
        PipelineError: the workflow cannot be rendered, the folder not be written or the run not be published; a step
            that fails is no error here but part of the result.
    """
    begun = time.monotonic()
    start_server(f"steps.{name}" for name in NAMES)
    from workflows import pipeline, rendering  # Hera takes most of a second: it is imported beside the server's work
    from workflows.argo import yaml_text

    name = results.new_name(pipeline.NAME)
    rendered = rendering.render(settings, "Workflow", name=name)
    # Absolute, as a step may be shown its own paths in a message.
    folder = settings.folder.absolute() / name
    folder.mkdir(parents=True)
    storage.write_text(folder / results.WORKFLOW, yaml_text.to_yaml(rendered))
    display = LiveDisplay(console)
    cache = Cache(settings.folder.absolute() / CACHE)
    options = Options(folder, settings.cores, cache, content_of, use_cached=settings.cache)
    executor = Executor(document.read(rendered), name, options, display)
    console.print(f"run {name}: {settings.cores} cores, {folder}", soft_wrap=True)
    with cache.in_use(), display:
        root = executor.run()
    results.publish(folder, root)
    result = results.summarise(folder, root, time.monotonic() - begun)
    if settings.bucket:
        result["published"] = publishing.publish(folder, root, settings.bucket)
        console.print(f"published {result['published']}", soft_wrap=True)
    return result
