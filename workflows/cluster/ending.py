"""Following a run to its end and saying how it ended."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from steps.core import runtime
from workflows.cluster import outcome
from workflows.cluster.table import duration
from workflows.cluster.watch import Display, Follower
from workflows.terminal.display import make_console

if TYPE_CHECKING:
    from workflows.cluster.client import Client
    from workflows.cluster.nodes import State


def say(as_json: bool, *lines: str) -> None:  # noqa: FBT001 - one switch for where lines go
    """Print lines for a person: on stderr where stdout is for JSON."""
    for line in lines:
        print(line, file=sys.stderr if as_json else sys.stdout, flush=True)


def follow_to_end(client: Client, name: str, *, watch: bool, timeout: float | None, as_json: bool) -> int:
    """Follow a run to its end, say how it ended, and return the exit code."""
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
    _tell_end(state, failures, as_json=as_json)
    code: int = result["exit_code"]
    return code


def _tell_end(state: State, failures: dict[str, str], *, as_json: bool) -> None:
    for step, message in failures.items():
        runtime.log(f"error: step {step} failed: {message}")
    ended = f"{state.name} ended as {state.phase} after {duration(state.seconds)}"
    if state.phase == "Succeeded":
        say(as_json, ended + (f": {state.summary}" if state.summary else ""))
        say(as_json, f"report and models: python workflows/covertype.py fetch {state.name}")
    else:
        runtime.log(ended + (f" ({state.message})" if state.message and not failures else ""))
