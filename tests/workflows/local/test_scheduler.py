"""Comparison of the scheduler with a simple oracle on random DAGs, without processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.documents import artifact, dag, leaf, task, workflow
from workflows.local.nodes import Phase
from workflows.local.scheduler import Scheduler
from workflows.rendered.reader import read_workflow


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, bool]]:
    """Return tasks by name in topological order, each with its dependencies and whether it succeeds if it runs."""
    tasks: dict[str, tuple[str, bool]] = {}
    for i in range(draw(st.integers(1, 9))):
        before = draw(st.lists(st.sampled_from(sorted(tasks)), unique=True, max_size=3)) if tasks else []
        results = ["", ".Succeeded", ".Failed", ".Omitted"]
        operands = [f"{name}{draw(st.sampled_from(results))}" for name in before]
        depends = draw(st.sampled_from([" && ", " || "])).join(operands)
        tasks[f"t{i}"] = (depends, draw(st.booleans()))
    return tasks


def oracle(tasks: dict[str, tuple[str, bool]]) -> tuple[dict[str, str], str]:
    """Return the phases of the tasks and of the DAG, by one pass over the tasks in topological order."""
    ends: dict[str, str] = {}
    inherited: dict[str, str] = {}
    for name, (depends, succeeds) in tasks.items():
        operands = depends.replace("&&", "||").split(" || ") if depends else []
        truths = []
        for operand in operands:
            other, _, result = operand.partition(".")
            truths.append(ends[other] == (result or "Succeeded"))
        start = all(truths) if "&&" in depends or len(truths) < 2 else any(truths)
        ends[name] = ("Succeeded" if succeeds else "Failed") if start else "Omitted"
        parents = [operand.partition(".")[0] for operand in operands]
        worst = "Failed" if any(inherited[parent] == "Failed" for parent in parents) else "Succeeded"
        inherited[name] = worst if ends[name] == "Omitted" else ends[name]
    needed = {
        operand.partition(".")[0]
        for depends, _ in tasks.values()
        for operand in depends.replace("&&", "||").split(" || ")
    }
    leaves = [name for name in tasks if name not in needed]
    return ends, "Failed" if any(inherited[name] == "Failed" for name in leaves) else "Succeeded"


@given(graphs(), st.randoms(use_true_random=False))
def test_random_dags_end_as_the_oracle_says(tasks: dict[str, tuple[str, bool]], random: object) -> None:
    made = workflow([dag("main", *(task(name, "step", depends) for name, (depends, _) in tasks.items())), leaf("step")])
    scheduler = Scheduler(read_workflow(made), {}, Path("unused"), lambda _node: None)
    scheduler.start()
    started = []
    while scheduler.ready:
        node = scheduler.ready.pop(random.randrange(len(scheduler.ready)))  # type: ignore[attr-defined]
        started.append(node.name)
        scheduler.finish_node(node, Phase.SUCCEEDED if tasks[node.name][1] else Phase.FAILED)
    ends, phase = oracle(tasks)
    assert {name: child.phase.value for name, child in scheduler.root.children.items()} == ends
    assert scheduler.root.phase.value == phase
    assert sorted(started) == sorted(name for name, end in ends.items() if end != "Omitted")


def test_nested_dag_hands_artifacts_and_parameters_up_and_down() -> None:
    chain = dag(
        "chain",
        task("first", "make", text="{{inputs.parameters.text}}", artifacts=[artifact("data", "inputs.artifacts.data")]),
        inputs={"parameters": [{"name": "text"}], "artifacts": [{"name": "data"}]},
        outputs={
            "artifacts": [{"name": "made", "from": "{{tasks.first.outputs.artifacts.out}}", "optional": True}],
            "parameters": [{"name": "note", "valueFrom": {"parameter": "{{tasks.first.outputs.parameters.note}}"}}],
        },
    )
    make = leaf("make", reads=("data",), parameters={"text": None})
    make["outputs"]["parameters"] = [{"name": "note", "valueFrom": {"path": "/out/note"}}]
    main = dag(
        "main",
        task("source", "begin"),
        task(
            "c",
            "chain",
            "source",
            text="{{workflow.parameters.w}}",
            artifacts=[artifact("data", "tasks.source.outputs.artifacts.out")],
        ),
        task(
            "last",
            "end",
            "c",
            note="{{tasks.c.outputs.parameters.note}}",
            artifacts=[artifact("in", "tasks.c.outputs.artifacts.made")],
        ),
    )
    made = workflow(
        [main, chain, make, leaf("begin"), leaf("end", reads=("in",), parameters={"note": None})], {"w": "hello"}
    )
    scheduler = Scheduler(read_workflow(made), {"workflow.parameters.w": "hello"}, Path("unused"), lambda _node: None)
    scheduler.start()
    first = scheduler.ready.pop()
    first.outputs.artifacts["out"] = Path("a")
    scheduler.finish_node(first, Phase.SUCCEEDED)
    inner = scheduler.ready.pop()
    assert inner.name == "c.first"
    assert (inner.inputs.parameters, inner.inputs.artifacts) == ({"text": "hello"}, {"data": Path("a")})
    inner.outputs.artifacts["out"], inner.outputs.parameters["note"] = Path("b"), "fine"
    scheduler.finish_node(inner, Phase.SUCCEEDED)
    last = scheduler.ready.pop()
    assert (last.inputs.parameters, last.inputs.artifacts) == ({"note": "fine"}, {"in": Path("b")})
    scheduler.finish_node(last, Phase.SUCCEEDED)
    assert scheduler.root.phase is Phase.SUCCEEDED


def test_missing_artifact_is_an_error_unless_optional() -> None:
    depends = "a.Failed"
    arguments = [artifact("in", "tasks.a.outputs.artifacts.out", optional=True)]
    main = dag("main", task("a"), task("b", depends=depends, artifacts=arguments), task("c", "b", depends, artifacts=[
        artifact("in", "tasks.a.outputs.artifacts.out")]))  # fmt: skip
    scheduler = Scheduler(
        read_workflow(workflow([main, leaf("a"), leaf("b", reads=("in",))])), {}, Path("x"), lambda _n: None
    )
    scheduler.start()
    scheduler.finish_node(scheduler.ready.pop(), Phase.FAILED)
    assert [node.name for node in scheduler.ready] == ["b"]
    assert scheduler.root.children["c"].phase is Phase.ERROR
    assert "'in' was not supplied" in scheduler.root.children["c"].message


@pytest.mark.parametrize(("trials", "phase"), [("0", Phase.SKIPPED), ("5", Phase.SUCCEEDED)])
def test_a_task_whose_condition_is_false_is_skipped_and_counts_as_done(trials: str, phase: Phase) -> None:
    given = [artifact("in", "tasks.a.outputs.artifacts.out", optional=True)]
    skipped = {**task("a"), "when": "{{workflow.parameters.trials}} != 0"}
    main = dag("main", skipped, task("b", depends="a", artifacts=given))
    made = workflow([main, leaf("a"), leaf("b", reads=("in",))], {"trials": trials})
    scheduler = Scheduler(read_workflow(made), {"workflow.parameters.trials": trials}, Path("x"), lambda _node: None)
    scheduler.start()
    while scheduler.ready:
        scheduler.finish_node(scheduler.ready.pop(), Phase.SUCCEEDED)
    assert {name: child.phase for name, child in scheduler.root.children.items()} == {"a": phase, "b": Phase.SUCCEEDED}
    assert scheduler.root.phase is Phase.SUCCEEDED


def test_a_condition_that_does_not_resolve_fails_the_task() -> None:
    main = dag("main", {**task("a"), "when": "{{inputs.parameters.nothing}} != 0"})
    scheduler = Scheduler(read_workflow(workflow([main, leaf("a")])), {}, Path("x"), lambda _node: None)
    scheduler.start()
    assert scheduler.root.children["a"].phase is Phase.ERROR
    assert "does not resolve" in scheduler.root.children["a"].message


def test_leaves_with_more_tasks_after_them_come_first() -> None:
    tasks = (
        task("a-split", "step"),
        task("a-train", "step", "a-split"),
        task("b", "chain"),
        task("c-split", "step"),
        task("report", "step", "a-train && b && c-split"),
    )
    chain = dag("chain", task("first", "step"), task("second", "step", "first"), task("third", "step", "second"))
    scheduler = Scheduler(
        read_workflow(workflow([dag("main", *tasks), chain, leaf("step")])), {}, Path("unused"), print
    )
    scheduler.start()
    assert [leaf.name for leaf in scheduler.by_priority()] == ["b.first", "a-split", "c-split"]
    scheduler.ready.remove(started := scheduler.by_priority()[1])
    scheduler.finish_node(started, Phase.SUCCEEDED)
    assert [leaf.name for leaf in scheduler.by_priority()] == ["b.first", "a-train", "c-split"]
