"""Following a run until it ends: through lost connections and failing servers, but not through a missing image."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps import runtime
from steps.errors import INTERRUPTED, TERMINATED, BadConfigurationError, PipelineError, TransientError, UnavailableError
from workflows.cluster import nodes
from workflows.cluster.table import duration, state_table
from workflows.display import Drawing

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from workflows.cluster.client import Client
    from workflows.cluster.nodes import State, Step


class DetachedError(PipelineError):
    """Ctrl-C or SIGTERM ended the watching; the run goes on."""

    exit_code = INTERRUPTED


@dataclass(frozen=True)
class Pace:
    """Seconds between looks, until a silent server is given up, and for which a missing image may still come."""

    interval: float = 1.0
    patience: float = 300.0
    no_image: float = 5.0


class Follower:
    """Looks at a run again and again.

    Args:
        client: the way to the cluster.
        name: the run.
        timeout: seconds after which to give up, the run going on; None for never.
        pace: how often, and how patiently.
    """

    def __init__(self, client: Client, name: str, *, timeout: float | None = None, pace: Pace | None = None) -> None:
        self._client, self._name, self._pace = client, name, pace or Pace()
        self._end = float("inf") if timeout is None else time.monotonic() + timeout
        self._timeout = timeout
        self._silent_since = self._stuck_since = float("inf")

    def follow(self, show: Callable[[State], None]) -> State:
        """Call ``show`` with each state until the run has ended, and return the last one.

        Raises:
            TransientError: the time is over.
            BadConfigurationError: an image does not come.
            UnavailableError: the server has been silent for too long.
            DetachedError: Ctrl-C or SIGTERM.
        """
        try:
            while True:
                state = self._look()
                if state:
                    show(state)
                    if state.done:
                        return state
                    self._check_images(state)
                self._pause(state)
        except (KeyboardInterrupt, runtime.TerminatedError) as signal:
            detached = DetachedError(f"detached, {self._name} goes on", fix=self._again())
            detached.exit_code = TERMINATED if isinstance(signal, runtime.TerminatedError) else INTERRUPTED
            raise detached from None

    def _again(self) -> str:
        return f"look again with `status {self._name} --watch`, end it with `stop {self._name}`"

    def _look(self) -> State | None:
        """Return the state, None where the server does not answer now."""
        try:
            state = nodes.read(self._client.get(self._name))
        except (UnavailableError, TransientError) as error:
            now = time.monotonic()
            if self._silent_since == float("inf"):
                runtime.log(f"{error.what}, in {error.where}: the run goes on, trying again")
            self._silent_since = min(self._silent_since, now)
            if now - self._silent_since >= self._pace.patience:
                raise UnavailableError(
                    f"{error.what}, for {duration(self._pace.patience)}", where=error.where, fix=self._again()
                ) from None
            return None
        if self._silent_since != float("inf"):
            runtime.log("connected again")
        self._silent_since = float("inf")
        return state

    def _check_images(self, state: State) -> None:
        stuck = [step for step in state.steps.values() if step.no_image]
        now = time.monotonic()
        self._stuck_since = min(self._stuck_since, now) if stuck else float("inf")
        if now - self._stuck_since >= self._pace.no_image:
            raise no_image(stuck[0], self._name)

    def _pause(self, state: State | None) -> None:
        if time.monotonic() >= self._end:
            phase = state.phase if state else "not seen to have ended"
            raise TransientError(f"{self._name} is {phase} after {self._timeout:g} s and goes on", fix=self._again())
        time.sleep(self._pace.interval)


def no_image(step: Step, name: str) -> PipelineError:
    """Return the error for a step whose image does not come."""
    return BadConfigurationError(
        f"the image of step {step.name} does not come ({step.message})",
        where=name,
        fix=f"push or load the image, or choose another by --image; `stop {name}` ends the run that waits for it",
    )


class Display(Drawing):
    """Shows states: redrawn in place on a terminal, a line for each step that ends elsewhere."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._said: set[tuple[str, str]] = set()

    def show(self, state: State) -> None:
        """Show a state, or what is new in it."""
        if self.live:
            self.live.update(state_table(state), refresh=True)
            return
        for step in state.steps.values():
            word = "NoImage" if step.no_image else step.phase
            if (step.no_image or step.phase in nodes.FINISHED) and (step.name, word) not in self._said:
                self._said.add((step.name, word))
                self.tell(word, step.name, duration(step.seconds), step.note)
