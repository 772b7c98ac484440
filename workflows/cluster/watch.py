"""Following a run until it ends, through lost connections, failing servers and failing image pulls, all limited."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps import PREDICT
from steps.core import runtime
from steps.core.errors import BadConfigurationError, PipelineError, TransientError, UnavailableError
from workflows.cluster import nodes, outcome
from workflows.cluster.status_table import Display, duration
from workflows.terminal.display import make_console

if TYPE_CHECKING:
    from collections.abc import Callable

    from workflows.cluster.client import Client
    from workflows.cluster.nodes import State, Step


class DetachedError(runtime.SignalError):
    """Ctrl-C or SIGTERM ended the waiting, not what was waited for."""


@dataclass(frozen=True)
class Pace:
    """How often to ask for the state of a run, and how long to tolerate failures.

    Attributes:
        interval: seconds between two requests.
        patience: seconds without an answer after which the server counts as lost.
        pull_patience: seconds of failing pulls after which an image counts as missing. The kubelet waits 10, 20, 40,
            80, 160 and 300 seconds between pulls: five fail in five minutes.
    """

    interval: float = 1.0
    patience: float = 300.0
    pull_patience: float = 300.0


class Follower:
    """Asks for the state of a run until it has ended.

    Args:
        client: client of the cluster.
        name: name of the run.
        timeout: seconds after which to stop waiting; the run continues. None for no limit.
        pace: how often to ask, and how long to tolerate failures.
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
            TransientError: the timeout has passed.
            BadConfigurationError: an image cannot be pulled.
            UnavailableError: the server did not answer for too long.
            DetachedError: Ctrl-C or SIGTERM.
        """
        try:
            while True:
                state = self._read_state()
                if state:
                    show(state)
                    if state.done:
                        return state
                    self._check_images(state)
                self._pause(state)
        except (KeyboardInterrupt, runtime.TerminatedError) as signal:
            raise DetachedError(f"stopped watching, {self._name} continues", signal, fix=self._commands()) from None

    def _commands(self) -> str:
        return f"watch it again with `status {self._name} --watch`, end it with `stop {self._name}`"

    def _read_state(self) -> State | None:
        """Return the state, or None where the server does not answer now."""
        try:
            state = nodes.read(self._client.get(self._name))
        except (UnavailableError, TransientError) as error:
            now = time.monotonic()
            if self._silent_since == float("inf"):
                runtime.log(f"{error.what}, in {error.where}: the run continues, trying again")
            self._silent_since = min(self._silent_since, now)
            if now - self._silent_since >= self._pace.patience:
                raise UnavailableError(
                    f"{error.what}, for {duration(self._pace.patience)}", where=error.where, fix=self._commands()
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
            if step.lacks_image and begun is None:
                self._failing_pulls[step.node] = begun = now
                if not step.impossible_image:
                    again = f"trying again for {duration(self._pace.pull_patience)}"
                    runtime.log(f"cannot pull {_image_of(step)} yet: {again}")
            elif begun is not None and step.phase != nodes.PENDING:
                del self._failing_pulls[step.node]
                runtime.log(f"the image of step {step.name} was pulled")
            if step.impossible_image or (
                step.lacks_image and begun is not None and now - begun >= self._pace.pull_patience
            ):
                raise _no_image(step, self._name)

    def _pause(self, state: State | None) -> None:
        if time.monotonic() >= self._end:
            phase = state.phase if state else "not known to have ended"
            stuck = next((step for step in state.steps.values() if step.lacks_image), None) if state else None
            reason = f" without {_image_of(stuck)}" if stuck else ""
            raise TransientError(
                f"{self._name} is {phase} after {self._timeout:g} s{reason} and continues", fix=self._commands()
            )
        time.sleep(self._pace.interval)


def _no_image(step: Step, name: str) -> PipelineError:
    return BadConfigurationError(
        f"cannot pull {_image_of(step)}",
        where=name,
        fix=f"push or load the image, or choose another by --image; `stop {name}` ends the waiting run",
    )


def _image_of(step: Step) -> str:
    return f"the image of step {step.name} ({' '.join(step.message.split())})"


def follow_to_end(client: Client, name: str, *, watch: bool, timeout: float | None, as_json: bool) -> int:
    """Follow a run to its end, print how it ended, and return the exit code.

    Args:
        client: client of the cluster.
        name: name of the run.
        watch: whether to show its state until then.
        timeout: seconds after which to stop waiting; None for no limit.
        as_json: whether stdout is for JSON alone.
    """
    follower = Follower(client, name, timeout=timeout)
    if watch:
        with Display(make_console(stderr=as_json)) as display:
            state = follower.follow(display.show)
    else:
        state = follower.follow(lambda _: None)
    failures = outcome.failures(client, state)
    result = outcome.summary(client, state, failures)
    if as_json:
        print(json.dumps(result))
    _print_end(state, failures, as_json=as_json)
    code: int = result["exit_code"]
    return code


def print_lines(*lines: str, as_json: bool) -> None:
    """Print lines for a person: on stderr where stdout is for JSON."""
    for line in lines:
        print(line, file=sys.stderr if as_json else sys.stdout, flush=True)


def _print_end(state: State, failures: dict[str, str], *, as_json: bool) -> None:
    for step, message in failures.items():
        runtime.log(f"error: step {step} failed: {message}")
    ended = f"{state.name} ended as {state.phase} after {duration(state.seconds)}"
    if state.phase == nodes.SUCCEEDED:
        print_lines(
            ended + (f": {state.summary}" if state.summary else ""),
            f"{_results_of(state)}: python workflows/covertype.py fetch {state.name}",
            as_json=as_json,
        )
    else:
        runtime.log(ended + (f" ({state.message})" if state.message and not failures else ""))


def _results_of(state: State) -> str:
    return "scores" if {path[-1] for path in state.steps} == {PREDICT} else "report and models"
