"""Roll the Deployment of ``serve`` to another version, and back if its pods do not become ready or answer wrongly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from steps.core import runtime
from steps.core.errors import (
    BadConfigurationError,
    NoInputError,
    PipelineError,
    TransientError,
    UnavailableError,
)
from workflows.cluster.serving.deployment import DEPLOYMENT, SELECTOR, troubles_of
from workflows.cluster.watch import DetachedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workflows.cluster.serving.deployment import Service, ServingClient, Target


class NotRolledOutError(PipelineError):
    """The new pods did not become ready, or answered wrongly."""


class Rollout:
    """Changes the Deployment of ``serve`` and waits.

    Args:
        client: client of the cluster.
        timeout: seconds in which the pods must become ready, in each direction.
        interval: seconds between two requests for the state.
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
            DetachedError: Ctrl-C or SIGTERM ended the waiting; nothing is rolled back.
        """
        service = self.read()
        try:
            return self._run(service, target, check)
        except (KeyboardInterrupt, runtime.TerminatedError) as signal:
            raise self._detached(service.target, signal) from None

    def _run(self, service: Service, target: Target, check: Callable[[Service], str]) -> str:
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
            self._go_back(target, before, error.what)
            fix = f"{before} answers as before"
            raise NotRolledOutError(f"rolled back: {error.what}", where=error.where, fix=fix) from None

    def _change(self, service: Service, target: Target) -> Service:
        try:
            return self._client.change(service, target)
        except BadConfigurationError:
            self._require(self.read(), service.target)
            raise

    @staticmethod
    def _require(service: Service, target: Target) -> Service:
        """Return the Deployment; TransientError if others let its pods run something else."""
        if service.target != target:
            what = f"others changed it to {service.target} meanwhile"
            raise TransientError(what, where=DEPLOYMENT, fix="look at it, then run again")
        return service

    def _go_back(self, target: Target, before: Target, reason: str) -> None:
        """Bring back what was there before, and wait until it is."""
        runtime.log(f"{DEPLOYMENT}: {reason}: rolling back to {before}")
        try:
            self._change(self._require(self.read(), target), before)
            self._wait(before)
        except NotRolledOutError as error:
            what = f"{reason}; the rollback to {before} is not ready either: {error.what}"
            fix = f"kubectl --namespace {self._client.namespace} describe pods --selector {SELECTOR}"
            raise TransientError(what, where=DEPLOYMENT, fix=fix) from None
        except UnavailableError as error:
            what = f"{reason}; the cluster did not answer the rollback to {before}: {error.what}"
            raise TransientError(what, where=DEPLOYMENT, fix=f"`rollout {before.version}`") from None

    def _detached(self, before: Target, signal: BaseException) -> DetachedError:
        """Return the error for a wait that a signal ended, with the state in which it left the Deployment."""
        try:
            what = f"stopped waiting: {self.read()}"
        except PipelineError:
            what = "stopped waiting, and the cluster does not answer"
        return DetachedError(what, signal, where=DEPLOYMENT, fix=f"`rollout {before.version}` returns to {before}")

    def _wait(self, target: Target) -> Service:
        """Wait until all pods run a target and are ready, and return the Deployment."""
        end, shown = time.monotonic() + self._timeout, ""
        while True:
            try:
                service = self.read()
                if service.target == target and service.complete:
                    return service
                problem = self._problem(service, target)
            except (UnavailableError, TransientError) as error:
                line = error.what
            else:
                self._require(service, target)
                line = str(service) + (f" ({problem})" if problem else "")
            if line != shown:
                runtime.log(f"{DEPLOYMENT}: {line}")
                shown = line
            if time.monotonic() >= end:
                what = f"{target.version} is not ready after {self._timeout:g} s: {shown}"
                raise NotRolledOutError(what, where=DEPLOYMENT)
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
