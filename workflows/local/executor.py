"""Runs the leaves of a workflow: uses cached results, starts processes while there are free cores, retries."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core import storage
from steps.core.errors import DISK_FULL, PipelineError
from steps.core.runtime import ARGO_PROGRESS, IMAGE, LOCAL_PROGRESS
from workflows.contract import RETRIED_CODES
from workflows.local import binding, nodes, processes
from workflows.local.cache import Cache, content_digest, json_digest
from workflows.local.fingerprint import fingerprint
from workflows.local.nodes import Node, Phase
from workflows.local.scheduler import Scheduler
from workflows.local.worker import CANNOT_LOAD, Command
from workflows.rendered.expressions import substitute_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from workflows.local.nodes import Observer, Values
    from workflows.rendered.document import Document

_TICK_SECONDS = 0.2
# Never retry when the disk is full: all local steps share one disk. A retried pod may land on another node.
_DISK_FULL = tuple(what for what, _ in DISK_FULL.values())


@dataclass(frozen=True)
class ExecutorOptions:
    """How to run a workflow.

    Attributes:
        folder: folder of the run.
        cores: number of cores to use.
        cache: where results are stored.
        source_digest: returns a digest of the content that an input parameter refers to. It is called with the name of
            the parameter and the inputs, for the parameters in the annotation of the template.
        use_cached: whether to use results in the cache.
    """

    folder: Path
    cores: int
    cache: Cache
    source_digest: Callable[[str, Values], str]
    use_cached: bool = True


@dataclass
class _RunningLeaf:
    node: Node
    process: processes.Process
    threads: int
    deadline: float
    progress_file: Path


class Executor:
    """One run of a workflow; :meth:`run` may be called once.

    Args:
        document: the workflow.
        name: name of the run.
        options: how to run it.
        observer: receives the changes.
        workers: the processes in which it runs, if one for the first step has been started; closed at the end.
    """

    def __init__(
        self,
        document: Document,
        name: str,
        options: ExecutorOptions,
        observer: Observer,
        workers: processes.Workers | None = None,
    ) -> None:
        self._document, self._options, self._observer = document, options, observer
        self._scope = binding.workflow_scope(document, name)
        self._scheduler = Scheduler(document, self._scope, options.folder / "nodes", observer.phase_changed)
        self._running: list[_RunningLeaf] = []
        self._retry_times: dict[tuple[str, ...], float] = {}
        self._workers = workers or processes.Workers()
        self._started = False

    @property
    def root(self) -> Node:
        """The node of the whole workflow."""
        return self._scheduler.root

    def run(self) -> Node:
        """Run to the end and return the root node, whose phase is that of the run.

        Any exception, such as an interrupt, stops all steps.
        """
        processes.start_fork_server(t.container.module for t in self._document.templates.values() if t.container)
        try:
            self._scheduler.start()
            while not self.root.phase.finished:
                self._start_ready_leaves()
                self._wait_for_leaves()
                self._observer.tick(self.root)
        finally:
            processes.stop_processes([running.process for running in self._running])
            self._workers.close()
        return self.root

    def _start_ready_leaves(self) -> None:
        """Finish ready leaves that have a cached result; start others in the order of priority while cores are free."""
        ready = self._scheduler.ready
        for node in self._scheduler.by_priority():
            if self._retry_times.get(node.path, 0) > time.time():
                continue
            if not node.attempts and self._finish_from_cache(node):
                ready.remove(node)
                continue
            free = self._options.cores - sum(running.threads for running in self._running)
            if not self._running or node.threads <= free:
                ready.remove(node)
                self._start_leaf(node, self._granted_threads(node, free))

    def _granted_threads(self, node: Node, free: int) -> int:
        """Return the number of threads of a leaf, at least as many as it asks for.

        The leaves of its module that have not ended share all cores: the last ones get those that would be idle.
        """
        module = node.container.module
        running = [each.node.path for each in self._running]
        sharing = [
            leaf
            for leaf in self.root.leaves()
            if leaf.container.module == module
            and (leaf.path in running if leaf.phase is Phase.RUNNING else not leaf.phase.finished)
        ]
        may_have_more = bool(node.template.threads_parameters)
        return max(node.threads, min(free, self._options.cores // len(sharing)) if may_have_more else 1)

    def _finish_from_cache(self, node: Node) -> bool:
        """Finish a leaf with its cached result; return whether there is one."""
        node.key = node.key or self._cache_key(node)
        use_cached = self._options.use_cached and not node.template.publishes
        result = self._options.cache.find_result(node.key) if use_cached else None
        paths = binding.artifact_paths(node.template, node.folder)
        required = {name for name, slot in node.template.outputs.artifacts.items() if not slot.optional}
        if result is None or not required <= result.artifacts.keys() <= paths.keys():
            return False
        try:
            for name, digest in result.artifacts.items():
                self._options.cache.restore_object(digest, paths[name])
        except FileNotFoundError:  # somebody is deleting the files of the cache
            return False
        node.outputs.artifacts = {name: paths[name] for name in result.artifacts}
        node.outputs.digests = dict(result.artifacts)
        node.outputs.parameters = dict(result.parameters)
        node.cached = True
        self._scheduler.finish_node(node, Phase.SUCCEEDED)
        return True

    def _resumed_paths(self, node: Node) -> dict[str, Path]:
        """Return the paths at which a leaf resumes outputs of an earlier attempt, by name of the output."""
        if not node.template.continues:
            return {}
        folder = self._options.cache.kept / self._cache_key(node, ignored=node.template.continues_despite)
        paths = binding.artifact_paths(node.template, folder)
        return {name: folder / paths[name].name for name in node.template.continues}

    def _cache_key(self, node: Node, ignored: Sequence[str] = ()) -> str:
        """Return a hash of everything that the result of a leaf depends on, without the ``ignored`` parameters.

        The number of threads changes no result.
        """
        container = node.container
        ignored = (*ignored, *node.template.threads_parameters)
        code = fingerprint(container.module)
        for name, path in node.inputs.artifacts.items():
            if name not in node.inputs.digests:
                node.inputs.digests[name] = content_digest(path)
        return json_digest(
            {
                "module": container.module,
                "arguments": container.arguments,
                "code": code.code_sha256,
                "libraries": code.libraries,
                "parameters": {key: value for key, value in node.inputs.parameters.items() if key not in ignored},
                "sources": {
                    name: self._options.source_digest(name, node.inputs) for name in node.template.source_parameters
                },
                "artifacts": {name: node.inputs.digests[name] for name in node.inputs.artifacts},
            }
        )

    def _start_leaf(self, node: Node, threads: int) -> None:
        progress_file = node.folder / "progress"
        command = self._command(node, progress_file, threads)
        node.attempts += 1
        node.started = time.time()
        deadline = node.started + node.template.deadline if node.template.deadline else float("inf")
        # The first step does not wait until the fork server has imported what all steps need.
        process = self._workers.start(command, fresh=not self._started)
        self._started = True
        self._running.append(_RunningLeaf(node, process, threads, deadline, progress_file))
        self._scheduler.set_phase(node, Phase.RUNNING)

    def _command(self, node: Node, progress_file: Path, threads: int) -> Command:
        """Return the command of a leaf, and create the folders of its outputs."""
        resumed = self._resumed_paths(node)
        for path in (*binding.artifact_paths(node.template, node.folder).values(), *resumed.values()):
            path.parent.mkdir(parents=True, exist_ok=True)
        scope = binding.leaf_scope(node, self._scope)
        scope |= {f"outputs.artifacts.{name}.path": str(path) for name, path in resumed.items()}
        if threads > node.threads:
            scope |= {f"inputs.parameters.{name}": str(threads) for name in node.template.threads_parameters}
        environment = {name: substitute_variables(value, scope) for name, value in node.container.environment.items()}
        return Command(
            module=node.container.module,
            arguments=[substitute_variables(argument, scope) for argument in node.container.arguments],
            # A step on this machine runs in no image, so that its usage must not name one.
            environment={
                **environment,
                IMAGE: "",
                ARGO_PROGRESS: str(progress_file),
                LOCAL_PROGRESS: str(progress_file),
            },
            log=node.log,
        )

    def _wait_for_leaves(self) -> None:
        """Sleep until a step ends or a tick has passed, then handle the steps that ended or exceeded their deadline."""
        if self._running:
            processes.wait_for_any([running.process for running in self._running], _TICK_SECONDS)
        elif self._scheduler.ready:
            time.sleep(_TICK_SECONDS)
        ended = []
        for running in self._running:
            node = running.node
            node.progress = nodes.read_progress(running.progress_file)
            if running.process.poll() is None and time.time() > running.deadline:
                processes.stop_processes([running.process])
                node.message = f"stopped after its deadline of {node.template.deadline:g} s"
            if (code := running.process.poll()) is not None:
                ended.append((running, code))
        for running, _ in ended:
            self._running.remove(running)
        if ended:  # other steps use the cores while the outputs of these are hashed
            self._start_ready_leaves()
        for running, code in ended:
            self._handle_exit(running.node, code)

    def _handle_exit(self, node: Node, code: int) -> None:
        """Finish or retry a leaf whose process has ended."""
        node.exit_code = code
        self._find_outputs(node)
        if code == 0:
            self._finish_succeeded(node)
            return
        reason = node.message or nodes.failure_reason(node.log, code)
        if code == CANNOT_LOAD:  # every step that needs the library would fail
            raise PipelineError(reason)
        retriable = code in RETRIED_CODES and not node.message and not reason.startswith(_DISK_FULL)
        if retriable and node.attempts <= node.template.retry.limit:
            self._retry_times[node.path] = time.time() + node.template.retry.delay(node.attempts - 1)
            self._scheduler.ready.append(node)
            self._scheduler.set_phase(node, Phase.PENDING)
        else:
            node.message = reason
            self._scheduler.finish_node(node, Phase.FAILED)

    def _find_outputs(self, node: Node) -> None:
        """Set the output artifacts of a leaf to those that its process has written."""
        paths = binding.artifact_paths(node.template, node.folder)
        for name, resumed in self._resumed_paths(node).items():
            if resumed.exists():  # copy it, because the next attempt extends the original
                storage.write_bytes(paths[name], resumed.read_bytes())
        node.outputs.artifacts = {name: path for name, path in paths.items() if path.exists()}

    def _finish_succeeded(self, node: Node) -> None:
        """Store the outputs of a leaf that exited with 0; fail it where a required one is missing."""
        written, slots = node.outputs.artifacts, node.template.outputs.artifacts
        missing = [name for name, slot in slots.items() if name not in written and not slot.optional]
        if missing:
            node.message = f"output artifact {missing[0]!r} was not made"
            self._scheduler.finish_node(node, Phase.ERROR)
            return
        for name, path in binding.parameter_paths(node.template, node.folder).items():
            default = node.template.outputs.parameters[name].value
            node.outputs.parameters[name] = path.read_text("utf-8").strip() if path.exists() else default or ""
        node.outputs.digests = self._options.cache.store_result(
            node.key, node.container.module, written, node.outputs.parameters
        ).artifacts
        self._scheduler.finish_node(node, Phase.SUCCEEDED)
