"""Following a run until it ends: through lost connections, failing servers and failing pulls, all with a limit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core import runtime
from steps.core.errors import (
    INTERRUPTED,
    TERMINATED,
    BadConfigurationError,
    PipelineError,
    TransientError,
    UnavailableError,
)
from workflows.cluster import nodes
from workflows.cluster.table import duration, state_table
from workflows.terminal.display import Drawing

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
    """Seconds between looks, of silence until a server counts as lost, and of failing pulls until an image does.

    The kubelet waits 10, 20, 40, 80, 160 and 300 seconds between pulls: five fail in five minutes.
    """

    interval: float = 1.0
    patience: float = 300.0
    pull_patience: float = 300.0


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
        self._silent_since = float("inf")
        self._failing_pulls: dict[str, float] = {}

    def follow(self, show: Callable[[State], None]) -> State:
        """Call ``show`` with each state until the run has ended, and return the last one.

        Raises:
            TransientError: the time is over.
            BadConfigurationError: an image cannot be pulled.
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
        """Report failing pulls once each; raise BadConfigurationError where one cannot or does not succeed."""
        now = time.monotonic()
        for step in state.steps.values():
            begun = self._failing_pulls.get(step.node)
            if step.no_image and begun is None:
                self._failing_pulls[step.node] = begun = now
                if not step.impossible_image:
                    again = f"trying again for {duration(self._pace.pull_patience)}"
                    runtime.log(f"cannot pull {_image_of(step)} yet: {again}")
            elif begun is not None and step.phase != nodes.PENDING:
                del self._failing_pulls[step.node]
                runtime.log(f"the image of step {step.name} was pulled")
            if step.impossible_image or (
                step.no_image and begun is not None and now - begun >= self._pace.pull_patience
            ):
                raise no_image(step, self._name)

    def _pause(self, state: State | None) -> None:
        if time.monotonic() >= self._end:
            phase = state.phase if state else "not seen to have ended"
            stuck = next((step for step in state.steps.values() if step.no_image), None) if state else None
            reason = f" without {_image_of(stuck)}" if stuck else ""
            raise TransientError(
                f"{self._name} is {phase} after {self._timeout:g} s{reason} and goes on", fix=self._again()
            )
        time.sleep(self._pace.interval)


def no_image(step: Step, name: str) -> PipelineError:
    """Return the error for a step whose image cannot be pulled."""
    return BadConfigurationError(
        f"cannot pull {_image_of(step)}",
        where=name,
        fix=f"push or load the image, or choose another by --image; `stop {name}` ends the run that waits for it",
    )


def _image_of(step: Step) -> str:
    return f"the image of step {step.name} ({' '.join(step.message.split())})"


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
                self.print_step(word, step.name, duration(step.seconds), step.note)
