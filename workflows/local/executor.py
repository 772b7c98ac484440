"""Runs a document's leaves: takes cached results, starts processes while there are cores, and tries again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from steps.core import storage
from steps.core.errors import DISK_FULL, PipelineError
from workflows.contract import RETRIED_CODES
from workflows.local import binding, processes
from workflows.local.cache import Cache, digest_of, key_of
from workflows.local.fingerprint import fingerprint
from workflows.local.nodes import Node, Phase
from workflows.local.scheduler import Scheduler
from workflows.rendered.expressions import substitute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from workflows.local.nodes import Values
    from workflows.rendered.document import Document

_TICK_SECONDS = 0.2
# Waiting empties no disk, and all steps here share one; a pod that is tried again may get another.
_NO_ROOM = tuple(what for what, _ in DISK_FULL.values())


class Observer(Protocol):
    """Is told of every change of a node, and a few times a second that time has passed."""

    def changed(self, node: Node) -> None:
        """Take note that a node's phase has changed."""

    def tick(self, root: Node) -> None:
        """Take note that time has passed; a running node's progress may have changed."""


@dataclass(frozen=True)
class Options:
    """How to run.

    Attributes:
        folder: the run's folder.
        cores: how many to fill.
        cache: where results are stored.
        content_of: returns the digest of what an input parameter refers to, of those that a template's annotation
            names; it is given the parameter's name and the inputs.
        use_cached: whether to look results up in the cache.
    """

    folder: Path
    cores: int
    cache: Cache
    content_of: Callable[[str, Values], str]
    use_cached: bool = True


@dataclass
class _Running:
    node: Node
    process: processes.Process
    deadline: float
    progress_file: Path


class Executor:
    """One run of a document; :meth:`run` may be called once."""

    def __init__(self, document: Document, name: str, options: Options, observer: Observer) -> None:
        self._document, self._options, self._observer = document, options, observer
        self._scope = binding.workflow_scope(document, name)
        self._scheduler = Scheduler(document, self._scope, options.folder / "nodes", observer.changed)
        self._running: list[_Running] = []
        self._not_before: dict[tuple[str, ...], float] = {}
        self._started = False

    @property
    def root(self) -> Node:
        """The node of the whole workflow."""
        return self._scheduler.root

    def run(self) -> Node:
        """Run to the end and return the root node, whose phase is the run's; stops all steps on any exception."""
        start_server(t.container.module for t in self._document.templates.values() if t.container)
        try:
            self._scheduler.begin()
            while not self.root.phase.finished:
                self._start_ready()
                self._wait()
                self._observer.tick(self.root)
        finally:
            processes.stop([running.process for running in self._running])
        return self.root

    def _start_ready(self) -> None:
        """Start ready leaves, in the order of the workflow's tasks, while there are cores; take cached ones at once."""
        order = {leaf.path: i for i, leaf in enumerate(self.root.leaves())}
        ready = self._scheduler.ready
        for node in sorted(ready, key=lambda node: order[node.path]):
            if self._not_before.get(node.path, 0) > time.time():
                continue
            if not node.attempts and self._take_cached(node):
                ready.remove(node)
                continue
            busy = sum(running.node.threads for running in self._running)
            if not busy or busy + node.threads <= self._options.cores:
                ready.remove(node)
                self._start(node)

    def _take_cached(self, node: Node) -> bool:
        node.key = node.key or self._key(node)
        use_cached = self._options.use_cached and not node.template.publishes
        result = self._options.cache.find(node.key) if use_cached else None
        places = binding.output_paths(node.template, node.folder)
        needed = {name for name, slot in node.template.outputs.artifacts.items() if not slot.optional}
        if result is None or not needed <= result.artifacts.keys() <= places.keys():
            return False
        try:
            for name, digest in result.artifacts.items():
                self._options.cache.restore(digest, places[name])
        except FileNotFoundError:  # somebody is deleting the cache's files
            return False
        node.outputs.artifacts = {name: places[name] for name in result.artifacts}
        node.outputs.digests = dict(result.artifacts)
        node.outputs.parameters = dict(result.parameters)
        node.cached = True
        self._scheduler.finish(node, Phase.SUCCEEDED)
        return True

    def _kept(self, node: Node) -> dict[str, Path]:
        """Return where the outputs lie in which a leaf goes on from an earlier attempt, by name."""
        if not node.template.continues:
            return {}
        folder = self._options.cache.kept / self._key(node, despite=node.template.continues_despite)
        paths = binding.output_paths(node.template, folder)
        return {name: folder / paths[name].name for name in node.template.continues}

    def _key(self, node: Node, despite: Sequence[str] = ()) -> str:
        """Return the digest of all that a leaf's result depends on, ``despite`` some parameters."""
        container = node.container
        code = fingerprint(container.module)
        for name, path in node.inputs.artifacts.items():
            if name not in node.inputs.digests:
                node.inputs.digests[name] = digest_of(path)
        return key_of(
            {
                "module": container.module,
                "arguments": container.arguments,
                "code": code.code_sha256,
                "libraries": code.libraries,
                "parameters": {key: value for key, value in node.inputs.parameters.items() if key not in despite},
                "sources": {
                    name: self._options.content_of(name, node.inputs) for name in node.template.source_parameters
                },
                "artifacts": {name: node.inputs.digests[name] for name in node.inputs.artifacts},
            }
        )

    def _start(self, node: Node) -> None:
        scope = binding.leaf_scope(node, self._scope)
        progress = node.folder / "progress"
        kept = self._kept(node)
        for path in (*binding.output_paths(node.template, node.folder).values(), *kept.values()):
            path.parent.mkdir(parents=True, exist_ok=True)
        scope |= {f"outputs.artifacts.{name}.path": str(path) for name, path in kept.items()}
        command = processes.Command(
            module=node.container.module,
            arguments=[substitute(argument, scope) for argument in node.container.arguments],
            environment={
                **{name: substitute(value, scope) for name, value in node.container.environment.items()},
                "ARGO_PROGRESS_FILE": str(progress),
            },
            log=node.log,
        )
        node.attempts += 1
        node.started = time.time()
        deadline = node.started + node.template.deadline if node.template.deadline else float("inf")
        # The first one does not wait until the server has imported what all steps need.
        process = processes.Process(command, fresh=not self._started)
        self._started = True
        self._running.append(_Running(node, process, deadline, progress))
        self._scheduler.enter(node, Phase.RUNNING)

    def _wait(self) -> None:
        """Sleep until a step ends or a tick has passed, then take in what has ended or is too late."""
        if self._running:
            processes.wait([running.process.sentinel for running in self._running], _TICK_SECONDS)
        elif self._scheduler.ready:
            time.sleep(_TICK_SECONDS)
        for running in list(self._running):
            node = running.node
            node.progress = _read_progress(running.progress_file)
            if running.process.exit_code is None and time.time() > running.deadline:
                processes.stop([running.process])
                node.message = f"stopped after its deadline of {node.template.deadline:g} s"
            if running.process.exit_code is not None:
                self._running.remove(running)
                self._take_in(node, running.process.exit_code)

    def _take_in(self, node: Node, code: int) -> None:
        """Keep a finished leaf's outputs, try it again, or fail it."""
        node.exit_code = code
        paths = binding.output_paths(node.template, node.folder)
        for name, kept in self._kept(node).items():
            if kept.exists():  # a copy: the next attempt writes on in the original
                storage.write_bytes(paths[name], kept.read_bytes())
        node.outputs.artifacts = {name: path for name, path in paths.items() if path.exists()}
        if code == 0:
            self._succeed(node)
            return
        reason = node.message or _last_error(node.log, code)
        if code == processes.CANNOT_LOAD:  # every step that needs it would fail the same way
            raise PipelineError(reason)
        hopeful = code in RETRIED_CODES and not node.message and not reason.startswith(_NO_ROOM)
        if hopeful and node.attempts <= node.template.retry.limit:
            self._not_before[node.path] = time.time() + node.template.retry.delay(node.attempts - 1)
            self._scheduler.ready.append(node)
            self._scheduler.enter(node, Phase.PENDING)
        else:
            node.message = reason
            self._scheduler.finish(node, Phase.FAILED)

    def _succeed(self, node: Node) -> None:
        found, slots = node.outputs.artifacts, node.template.outputs.artifacts
        absent = [name for name, slot in slots.items() if name not in found and not slot.optional]
        if absent:
            node.message = f"output artifact {absent[0]!r} was not made"
            self._scheduler.finish(node, Phase.ERROR)
            return
        for name, path in binding.parameter_paths(node.template, node.folder).items():
            default = node.template.outputs.parameters[name].value
            node.outputs.parameters[name] = path.read_text("utf-8").strip() if path.exists() else default or ""
        node.outputs.digests = self._options.cache.store(
            node.key, node.container.module, found, node.outputs.parameters
        ).artifacts
        self._scheduler.finish(node, Phase.SUCCEEDED)


def start_server(modules: Iterable[str]) -> None:
    """Start the fork server with all that these modules import of the project, but without themselves."""
    mains = set(modules)
    processes.start_server(sorted({name for module in mains for name in fingerprint(module).modules} - mains))


def _read_progress(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return ""


def _last_error(log: Path, code: int) -> str:
    """Return the last ``error:`` line of a log, or what the exit code says."""
    lines = log.read_text("utf-8", errors="replace").splitlines() if log.exists() else []
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1]
    return f"ended by signal {code - 128}" if code > 128 else f"ended with exit code {code}"  # noqa: PLR2004 - as a shell
