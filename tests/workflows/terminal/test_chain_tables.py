from __future__ import annotations

from steps.provenance.links import Link, State
from steps.provenance.reproduction import Comparison
from tests.workflows.terminal.test_result_tables import drawn
from workflows.terminal.chain_tables import chain_table, reproduction_table


def test_a_row_for_each_link() -> None:
    chain = [Link("source", State.UNCHECKED, "give [--source]"), Link("code", State.BROKEN, "x" * 200)]
    lines = drawn(chain_table(chain)).splitlines()
    assert lines[1].split() == ["source", "not", "checkable", "give", "[--source]"]
    assert "".join(lines).count("x") == 200
    assert lines[2].split()[:2] == ["code", "broken"]


def test_a_row_for_each_model() -> None:
    models = [Comparison("aspen", True, True, True), Comparison("krummholz", False, True, False)]
    assert [model.equal for model in models] == [True, False]
    lines = drawn(reproduction_table(models)).splitlines()
    assert lines[1].split() == ["aspen", "equal", "equal", "equal"]
    assert lines[2].split() == ["krummholz", "differs", "equal", "differs"]
