"""A run that sends itself a signal when a slow step runs: ``python -m tests.workflows.doomed_run FOLDER SIGKILL``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from steps.core import runtime
from tests.workflows.documents import dag, leaf, task, workflow
from workflows.local.cache import Cache
from workflows.local.executor import Executor, ExecutorOptions
from workflows.rendered.reader import read_workflow
from workflows.runs.source_digest import source_digest

if TYPE_CHECKING:
    from workflows.local.nodes import Node


class Killer:
    """Sends this process a signal when the step has started."""

    def __init__(self, trace: Path, number: signal.Signals) -> None:
        self._trace, self._number = trace, number

    def phase_changed(self, node: Node) -> None:
        """Do nothing."""

    def tick(self, root: Node) -> None:  # noqa: ARG002 - the observer's signature
        """Send the signal if the step has started."""
        if self._trace.exists():
            os.kill(os.getpid(), self._number)


def main() -> int:
    """Run until the signal arrives."""
    folder, number = Path(sys.argv[1]), signal.Signals[sys.argv[2]]
    made = workflow([dag("main", task("a")), leaf("a", folder / "trace", "--sleep=60")])
    options = ExecutorOptions(folder / "run", 1, Cache(folder / "cache"), source_digest)
    Executor(read_workflow(made), "w", options, Killer(folder / "trace", number)).run()
    return 0


if __name__ == "__main__":
    runtime.prepare_process()
    sys.exit(runtime.run_to_exit_code(main))
