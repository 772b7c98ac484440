"""A run that is killed: ``python -m tests.workflows.doomed_run FOLDER`` starts one slow step and dies once it runs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.workflows.documents import dag, leaf, task, workflow
from workflows.local import document
from workflows.local.cache import Cache
from workflows.local.executor import Executor, Options

if TYPE_CHECKING:
    from workflows.local.nodes import Node


class Killer:
    """Kills this process, as ``kill -9`` does, when the step has begun."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def changed(self, node: Node) -> None:
        """Do nothing."""

    def tick(self, root: Node) -> None:  # noqa: ARG002 - the observer's signature
        """Look whether the step has begun."""
        if self._trace.exists():
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run and be killed."""
    folder = Path(sys.argv[1])
    made = workflow([dag("main", task("a")), leaf("a", folder / "trace", "--sleep=3")])
    options = Options(folder / "run", 1, Cache(folder / "cache"))
    Executor(document.read(made), "w", options, Killer(folder / "trace")).run()


if __name__ == "__main__":
    main()
