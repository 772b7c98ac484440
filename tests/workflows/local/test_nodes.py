from __future__ import annotations

from pathlib import Path

import pytest

from workflows.local.nodes import Node, Phase, Values, failure_reason, read_progress
from workflows.rendered.document import Container, Slots, Template

LEAF = Template("leaf", Slots(), Slots(), Container("module", (), {}))
DAG = Template("dag", Slots(), Slots())


@pytest.mark.parametrize("phase", Phase)
def test_a_phase_that_is_unsuccessful_is_finished(phase: Phase) -> None:
    assert phase.finished or not phase.unsuccessful


def test_depends_expressions_have_their_own_word_for_an_error() -> None:
    assert [phase.depends_result for phase in (Phase.ERROR, Phase.FAILED)] == ["Errored", "Failed"]


def test_an_artifact_is_copied_with_its_digest() -> None:
    source, target = Values(artifacts={"out": Path("a")}, digests={"out": "123"}), Values()
    assert target.copy_artifact("in", source, "out")
    assert (target.artifacts, target.digests) == ({"in": Path("a")}, {"in": "123"})


def test_an_artifact_that_does_not_exist_is_not_copied() -> None:
    target = Values()
    assert not target.copy_artifact("in", Values(), "out")
    assert target == Values()


@pytest.mark.parametrize(
    ("annotated", "expected"), [((), 1), (("threads",), 2), (("a-threads", "b-threads"), 4), (("unset",), 1)]
)
def test_threads_are_those_of_the_annotated_parameters(annotated: tuple[str, ...], expected: int) -> None:
    template = Template("leaf", Slots(), Slots(), LEAF.container, threads_parameters=annotated)
    parameters = {"threads": "2", "a-threads": "4", "b-threads": "3", "other-threads": "9", "unset": ""}
    assert Node(("a",), template, Path(), inputs=Values(parameters)).threads == expected


def test_leaves_are_in_the_order_of_the_tasks() -> None:
    inner = Node(("b",), DAG, Path(), children={name: Node(("b", name), LEAF, Path()) for name in "dc"})
    root = Node((), DAG, Path(), children={"b": inner, "a": Node(("a",), LEAF, Path())})
    assert [leaf.name for leaf in root.leaves()] == ["b.d", "b.c", "a"]


def test_a_dag_has_no_container() -> None:
    with pytest.raises(ValueError, match="b"):
        _ = Node(("b",), DAG, Path()).container


def test_the_reason_of_a_failure_is_its_last_error_line(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert failure_reason(log, 7) == "ended with exit code 7"
    assert failure_reason(log, 137) == "ended by signal 9"
    log.write_text("error: one\nerror: two\nmore\n")
    assert failure_reason(log, 137) == "two"


def test_progress_is_empty_before_a_step_has_written_any(tmp_path: Path) -> None:
    assert read_progress(tmp_path / "progress") == ""
    (tmp_path / "progress").write_text("1/2\n")
    assert read_progress(tmp_path / "progress") == "1/2"
