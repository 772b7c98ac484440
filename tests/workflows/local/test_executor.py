"""The executor with real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from steps.core.errors import TERMINATED
from tests.support import heed_hangups
from tests.workflows.documents import artifact, dag, leaf, task, workflow
from workflows import contract
from workflows.local.cache import Cache
from workflows.local.executor import Executor, ExecutorOptions
from workflows.local.nodes import Node, Phase
from workflows.rendered.reader import read_workflow
from workflows.runs.source_digest import source_digest

if TYPE_CHECKING:
    from pathlib import Path


class Seen:
    """An observer that records the progress and the largest number of steps that ran at once."""

    def __init__(self) -> None:
        self.most_running = 0
        self.progress: set[str] = set()
        self.stop_at: str | None = None

    def phase_changed(self, node: Node) -> None:
        if self.stop_at == node.name and node.phase is Phase.RUNNING:
            time.sleep(0.3)
            raise KeyboardInterrupt

    def tick(self, root: Node) -> None:
        running = [leaf for leaf in root.leaves() if leaf.phase is Phase.RUNNING]
        self.most_running = max(self.most_running, len(running))
        self.progress |= {leaf.progress for leaf in running}


def execute(
    folder: Path, made: dict[str, Any], *, cores: int = 2, use_cached: bool = True, seen: Seen | None = None
) -> Node:
    """Run a workflow in a folder of its own, with the cache beside it."""
    run = folder / f"run{len(list(folder.glob('run*')))}"
    options = ExecutorOptions(run, cores, Cache(folder / "cache"), source_digest, use_cached=use_cached)
    return Executor(read_workflow(made), "w", options, seen or Seen()).run()


def chain(trace: Path, text: str = "b") -> dict[str, Any]:
    """Return a workflow of three steps in a row."""
    return workflow(
        [
            dag(
                "main",
                task("a"),
                task("b", depends="a", artifacts=[artifact("data", "tasks.a.outputs.artifacts.out")]),
                task("c", depends="b", artifacts=[artifact("data", "tasks.b.outputs.artifacts.out")]),
            ),
            leaf("a", trace, "--text=a"),
            leaf("b", trace, f"--text={text}", reads=("data",)),
            leaf("c", trace, "--text=c", reads=("data",)),
        ]
    )


def test_hands_files_on_and_takes_a_second_run_from_the_cache(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    root = execute(tmp_path, chain(trace))
    assert root.phase is Phase.SUCCEEDED
    assert root.children["c"].outputs.artifacts["out"].read_text() == "abc"
    assert trace.read_text().split() == ["start", "a", "end", "a", "start", "b", "end", "b", "start", "c", "end", "c"]
    again = execute(tmp_path, chain(trace))
    assert [leaf.cached for leaf in again.leaves()] == [True, True, True]
    assert again.children["c"].outputs.artifacts["out"].read_text() == "abc"
    assert len(trace.read_text().splitlines()) == 6
    fresh = execute(tmp_path, chain(trace), use_cached=False)
    assert [leaf.cached for leaf in fresh.leaves()] == [False, False, False]


def test_the_next_step_starts_before_the_outputs_of_the_last_one_are_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace, seen = tmp_path / "trace", list[list[str]]()

    def store(*arguments: Any) -> Any:
        end = time.monotonic() + 30
        while "start b" not in trace.read_text() and time.monotonic() < end:
            time.sleep(0.05)
        seen.append(trace.read_text().splitlines())
        return stored(*arguments)

    stored = Cache.store_result
    monkeypatch.setattr(Cache, "store_result", store)
    made = workflow([dag("main", task("a"), task("b")), leaf("a", trace), leaf("b", trace)])
    assert execute(tmp_path, made, cores=1).phase is Phase.SUCCEEDED
    assert seen[0][:3] == ["start a", "end a", "start b"]


def test_a_change_is_executed_with_what_follows_from_it(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    execute(tmp_path, chain(trace))
    changed = execute(tmp_path, chain(trace, text="B"))
    assert [leaf.cached for leaf in changed.leaves()] == [True, False, False]
    same_text_again = execute(tmp_path, chain(trace, text="b"))
    assert all(leaf.cached for leaf in same_text_again.leaves())


def test_a_step_with_a_damaged_object_is_executed_again(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    root = execute(tmp_path, chain(trace))
    damaged = tmp_path / "cache" / "objects" / root.children["b"].outputs.digests["out"]
    damaged.chmod(0o644)
    damaged.unlink()
    damaged.write_text("nonsense")
    again = execute(tmp_path, chain(trace))
    assert [leaf.cached for leaf in again.leaves()] == [True, False, True]
    assert damaged.read_text() == "ab"


def test_a_failure_stops_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    main = dag("main", task("bad"), task("after", depends="bad"), task("good"), task("always", depends="bad.Failed"))
    made = workflow([main, leaf("bad", None, "--exit=65"), leaf("after"), leaf("good"), leaf("always")])
    root = execute(tmp_path, made)
    assert {name: node.phase.value for name, node in root.children.items()} == {
        "bad": "Failed",
        "after": "Omitted",
        "good": "Succeeded",
        "always": "Succeeded",
    }
    assert root.phase is Phase.FAILED
    assert (root.children["bad"].exit_code, root.children["bad"].message) == (65, "asked to end with 65")
    assert "asked to end" in root.children["bad"].log.read_text()


def test_retries_only_after_exit_codes_75_and_143_and_not_on_a_full_disk(tmp_path: Path) -> None:
    main = dag("main", task("transient"), task("hopeless"), task("wrong"), task("ended"), task("full"))
    made = workflow(
        [
            main,
            leaf("transient", tmp_path / "t", "--exit=75,75,0", retries=3),
            leaf("hopeless", tmp_path / "h", "--exit=75", retries=2),
            leaf("wrong", tmp_path / "w", "--exit=65,0", retries=3),
            leaf("ended", tmp_path / "e", "--exit=143,0", retries=3),
            leaf("full", tmp_path / "f", "--exit=75", "--error=no space left on the disk, in x", retries=3),
        ]
    )
    root = execute(tmp_path, made)
    found = {name: (node.phase.value, node.attempts) for name, node in root.children.items()}
    assert found == {
        "transient": ("Succeeded", 3),
        "hopeless": ("Failed", 3),
        "wrong": ("Failed", 1),
        "ended": ("Succeeded", 2),
        "full": ("Failed", 1),
    }


def test_a_step_past_its_deadline_is_stopped_and_cleans_up(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    made = workflow([dag("main", task("slow")), leaf("slow", trace, "--sleep=60", activeDeadlineSeconds=2, retries=2)])
    root = execute(tmp_path, made)
    assert root.phase is Phase.FAILED
    assert "deadline of 2 s" in root.children["slow"].message
    assert root.children["slow"].exit_code == TERMINATED
    assert not trace.exists() or trace.read_text().splitlines()[-1] == "terminated slow"


def test_a_missing_output_is_an_error(tmp_path: Path) -> None:
    slow = leaf("a", writes=("out",))
    slow["container"]["args"] = []
    root = execute(tmp_path, workflow([dag("main", task("a")), slow]))
    assert root.children["a"].phase is Phase.ERROR
    assert "'out' was not made" in root.children["a"].message


THREADED: dict[str, Any] = {"annotations": {contract.THREADS_ANNOTATION: "threads"}}


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (4, 2)])
def test_admits_as_many_threads_as_there_are_cores(tmp_path: Path, cores: int, expected: int) -> None:
    names = ["a", "b", "c"]
    leaves = [leaf(name, None, "--sleep=0.7", parameters={"threads": "2"}, metadata=THREADED) for name in names]
    seen = Seen()
    root = execute(tmp_path, workflow([dag("main", *(task(name) for name in names)), *leaves]), cores=cores, seen=seen)
    assert root.phase is Phase.SUCCEEDED
    assert seen.most_running == expected  # a step with more threads than cores runs alone
    assert "2/3" in seen.progress


@pytest.mark.parametrize(
    ("cores", "asked", "granted"), [(2, 1, {1, 2}), (8, 1, {2, 8}), (8, 3, {3, 8}), (1, 1, {1}), (1, 2, {2})]
)
def test_steps_share_the_cores_that_would_be_idle(tmp_path: Path, cores: int, asked: int, granted: set[int]) -> None:
    """Three steps of a module, and one more when they have ended."""
    given = "--text={{inputs.parameters.threads}}"
    leaves = [leaf(name, None, given, parameters={"threads": str(asked)}, metadata=THREADED) for name in "abcd"]
    tasks = [task("a"), task("b"), task("c"), task("d", depends="a && b && c")]
    root = execute(tmp_path, workflow([dag("main", *tasks), *leaves]), cores=cores)
    first, *_, last = (int(node.outputs.artifacts["out"].read_text()) for node in root.children.values())
    assert {first, last} == granted
    assert last == max(asked, cores)


def test_a_result_does_not_depend_on_the_threads_that_made_it(tmp_path: Path) -> None:
    made = workflow([dag("main", task("a")), leaf("a", None, parameters={"threads": "1"}, metadata=THREADED)])
    execute(tmp_path, made, cores=1)
    assert execute(tmp_path, made, cores=4).children["a"].cached


def test_a_step_without_such_a_parameter_gets_one_core(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    made = workflow([dag("main", *map(task, names)), *(leaf(name, None, "--sleep=0.7") for name in names)])
    seen = Seen()
    execute(tmp_path, made, cores=3, seen=seen)
    assert seen.most_running == 3


def test_output_parameters_and_raw_artifacts(tmp_path: Path) -> None:
    first = leaf("first", None, "--write={{outputs.parameters.note.path}}", "--read={{inputs.artifacts.text.path}}")
    first["inputs"]["artifacts"].append({"name": "text", "path": "/in/text.txt", "raw": {"data": "raw content"}})
    first["outputs"]["parameters"] = [{"name": "note", "valueFrom": {"path": "/out/note"}}]
    second = leaf("second", None, "--text={{inputs.parameters.note}}", parameters={"note": None})
    main = dag("main", task("first"), task("second", depends="first", note="<{{tasks.first.outputs.parameters.note}}>"))
    root = execute(tmp_path, workflow([main, first, second]))
    assert root.children["second"].outputs.artifacts["out"].read_text() == "<raw content>"


def test_an_interrupt_stops_the_steps(tmp_path: Path) -> None:
    seen = Seen()
    seen.stop_at = "b"
    made = workflow([dag("main", task("a"), task("b")), *(leaf(name, tmp_path / name, "--sleep=30") for name in "ab")])
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        execute(tmp_path, made, seen=seen)
    assert time.monotonic() - before < 25
    begun = tmp_path / "a"  # on a busy machine it may not have started
    assert not begun.exists() or begun.read_text().splitlines() in (["start a"], ["start a", "terminated a"])


@pytest.mark.parametrize("name", [pytest.param("SIGKILL", marks=pytest.mark.kills), "SIGTERM", "SIGHUP"])
def test_steps_end_with_the_runner_and_clean_up(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "tests.workflows.doomed_run", str(tmp_path), name]
    with (tmp_path / "err").open("wb") as err:  # not a pipe, which the steps would keep open
        done = subprocess.run(command, check=False, stderr=err, timeout=60, preexec_fn=heed_hangups)
    assert done.returncode == (-signal.SIGKILL if name == "SIGKILL" else TERMINATED)
    trace, end = tmp_path / "trace", time.monotonic() + 30
    while "terminated" not in trace.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert trace.read_text().split() == ["start", "a", "terminated", "a"]
    if name != "SIGKILL":
        assert (tmp_path / "err").read_text().splitlines()[-1].startswith("error: terminated: run again")
