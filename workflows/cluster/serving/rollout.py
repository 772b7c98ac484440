"""Roll the Deployment of ``serve`` to another version, and back if its pods do not become ready or answer wrongly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from steps.core import runtime
from steps.core.errors import (
    INTERRUPTED,
    TERMINATED,
    BadConfigurationError,
    NoInputError,
    PipelineError,
    TransientError,
    UnavailableError,
)
from workflows.cluster.serving.deployment import DEPLOYMENT, SELECTOR, troubles_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from workflows.cluster.serving.deployment import Service, ServingClient, Target


class DetachedError(PipelineError):
    """Ctrl-C or SIGTERM ended the waiting, and nothing was rolled back."""

    exit_code = INTERRUPTED


class NotRolledOutError(PipelineError):
    """The new pods did not become ready, or answered wrongly."""


class Rollout:
    """Changes the Deployment of ``serve`` and waits.

    Args:
        client: client of the cluster.
        timeout: seconds in which the pods must become ready, in each direction.
        interval: seconds between two looks.
    """

    def __init__(self, client: ServingClient, timeout: float, interval: float = 1.0) -> None:
        self._client, self._timeout, self._interval = client, timeout, interval

    def read(self) -> Service:
        """Return the Deployment; NoInputError if there is none."""
        try:
            return self._client.deployment()
        except NoInputError as error:
            if "namespace" in error.what:
                raise
            what, fix = f"there is no Deployment {DEPLOYMENT}", "apply an overlay with k8s/serve, or give --namespace"
            raise NoInputError(what, where=f"namespace {self._client.namespace}", fix=fix) from None

    def run(self, target: Target, check: Callable[[Service], str]) -> str:
        """Roll to a target, and return what the check returned.

        Args:
            target: what the pods shall run.
            check: called when all pods are ready. It returns the version that answers, and raises NotRolledOutError if
                an answer is wrong.

        Raises:
            NotRolledOutError: the pods did not become ready, or answered wrongly. What was there before is back.
            TransientError: others changed the Deployment, or what was there before is not ready in time.
            DetachedError: Ctrl-C or SIGTERM.
        """
        service = self.read()
        before = service.target
        try:
            if target != before:
                self._change(service, target)
                runtime.log(f"{DEPLOYMENT}: {before} -> {target}")
            return check(self._wait(target))
        except NotRolledOutError as error:
            if target == before:
                fix = "the Deployment was not changed"
                raise NotRolledOutError(error.what, where=error.where, fix=fix) from None
            self._go_back(before, error.what)
            fix = f"{before} answers as before"
            raise NotRolledOutError(f"rolled back: {error.what}", where=error.where, fix=fix) from None
        except (KeyboardInterrupt, runtime.TerminatedError) as signal:
            raise self._interrupted(before, signal) from None

    def _change(self, service: Service, target: Target) -> Service:
        try:
            return self._client.change(service, target)
        except BadConfigurationError:
            present = self.read().target
            if present == service.target:
                raise
            what = f"others changed it to {present} meanwhile"
            raise TransientError(what, where=DEPLOYMENT, fix="look at it, then run again") from None

    def _go_back(self, before: Target, reason: str) -> None:
        """Bring back what was there before, and wait until it is."""
        runtime.log(f"{DEPLOYMENT}: {reason}: rolling back to {before}")
        service = self.read()
        if service.target != before:
            self._change(service, before)
        try:
            self._wait(before)
        except NotRolledOutError as error:
            what = f"{reason}; the rollback to {before} is not ready either: {error.what}"
            fix = f"kubectl --namespace {self._client.namespace} describe pods --selector {SELECTOR}"
            raise TransientError(what, where=DEPLOYMENT, fix=fix) from None

    def _interrupted(self, before: Target, signal: BaseException) -> DetachedError:
        what = "stopped waiting, nothing was rolled back"
        try:
            service = self.read()
            ready, old = service.progress
            what += (
                f": it shall run {service.target}, {ready} of {service.pods} new pods are ready, {old} old ones left"
            )
        except PipelineError:
            what += ", and the cluster does not answer"
        error = DetachedError(what, where=DEPLOYMENT, fix=f"`rollout {before.version}` returns to {before}")
        error.exit_code = TERMINATED if isinstance(signal, runtime.TerminatedError) else INTERRUPTED
        return error

    def _wait(self, target: Target) -> Service:
        """Wait until all pods run a target and are ready, and return the Deployment."""
        end, shown, silent = time.monotonic() + self._timeout, "", ""
        while True:
            try:
                service, silent = self.read(), ""
            except (UnavailableError, TransientError) as error:
                service, silent = None, error.what
            if service is not None:
                if service.target != target:
                    what = f"others changed it to {service.target} meanwhile"
                    raise TransientError(what, where=DEPLOYMENT, fix="look at it, then run again")
                if service.complete:
                    return service
                problem = self._problem(service, target)
                ready, old = service.progress
                line = f"{ready} of {service.pods} new pods ready, {old} old ones left"
                silent = line + (f" ({problem})" if problem else "")
            if silent != shown:
                shown = silent
                runtime.log(f"{DEPLOYMENT}: {shown}")
            if time.monotonic() >= end:
                raise NotRolledOutError(
                    f"{target.version} is not ready after {self._timeout:g} s: {shown}", where=DEPLOYMENT
                )
            time.sleep(self._interval)

    def _problem(self, service: Service, target: Target) -> str:
        """Return why new pods are not ready yet, in a few words; NotRolledOutError if they will not be."""
        if service.refused:
            raise NotRolledOutError(f"no pod is created: {service.refused}", where=DEPLOYMENT)
        found = ""
        for pod in self._client.pods(target):
            name = pod["metadata"]["name"]
            for hopeless, reason in troubles_of(pod):
                if hopeless:
                    raise NotRolledOutError(f"pod {name}: {reason}", where=DEPLOYMENT)
                found = f"{name}: {reason}"
        return found
