"""Chains of empty steps, side by side, run by the local executor: ``python -m benchmarks.chains FOLDER MODULE CORES``.

It is a process of its own, so that it starts a new executor and a new fork server. Imports are inside functions, as in
the command line of the project, because the process of every step imports the main module again.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

CHAINS, LENGTH = 7, 5


def workflow(module: str, chains: int = CHAINS, length: int = LENGTH) -> dict[str, Any]:
    """Return a workflow of ``chains`` DAGs of ``length`` steps, each of which reads the output of the one before."""
    outer = [{"name": f"chain-{i}", "template": "chain", "depends": "", "arguments": {}} for i in range(chains)]
    templates = [_dag("main", outer), _dag("chain", [_task(i) for i in range(length)])]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "empty"},
        "spec": {"entrypoint": "main", "templates": [*templates, _leaf(module, 0), _leaf(module, 1)]},
    }


def _dag(name: str, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "dag": {"failFast": False, "tasks": tasks}}


def _task(i: int) -> dict[str, Any]:
    source = {"name": "text", "from": f"{{{{tasks.step-{i - 1}.outputs.artifacts.text}}}}"}
    return {
        "name": f"step-{i}",
        "template": f"leaf-{min(i, 1)}",
        "depends": f"step-{i - 1}" if i else "",
        "arguments": {"artifacts": [source] if i else []},
    }


def _leaf(module: str, inputs: int) -> dict[str, Any]:
    return {
        "name": f"leaf-{inputs}",
        "inputs": {"artifacts": [{"name": "text", "path": "/in/text.txt"}] * inputs},
        "outputs": {"artifacts": [{"name": "text", "path": "/out/text.txt"}]},
        "container": {
            "command": ["python", "-m", module],
            "args": [*["--read={{inputs.artifacts.text.path}}"] * inputs, "--write={{outputs.artifacts.text.path}}"],
        },
    }


class _Silent:
    """An observer that does nothing."""

    def phase_changed(self, node: object) -> None:
        """Do nothing."""

    def tick(self, root: object) -> None:
        """Do nothing."""


def execute(document: dict[str, Any], folder: Path, cores: int) -> float:
    """Run a workflow without cached results; return the seconds."""
    from workflows.local.cache import Cache
    from workflows.local.executor import Executor, ExecutorOptions
    from workflows.rendered.reader import read_workflow
    from workflows.runs.source_digest import source_digest

    folder.mkdir(parents=True)
    begun = time.perf_counter()
    options = ExecutorOptions(folder, cores, Cache(folder / "cache"), source_digest, use_cached=False)
    root = Executor(read_workflow(document), "empty", options, _Silent()).run()
    seconds = time.perf_counter() - begun
    lengths = [len(leaf.outputs.artifacts["text"].read_text()) for leaf in root.leaves()]
    if max(lengths) * len(root.children) != len(lengths):
        sys.exit("error: a step did not read the output of the one before it")
    return seconds


def main(folder: str, module: str, cores: str) -> None:
    """Run the chains, and again with the fork server running; print the seconds of both."""
    first = execute(workflow(module), Path(folder) / "first", int(cores))
    again = execute(workflow(module), Path(folder) / "again", int(cores))
    print(json.dumps({"first": first, "again": again}))


if __name__ == "__main__":
    main(*sys.argv[1:])
