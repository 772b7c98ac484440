"""The wiring inside the pipeline of a cover type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows import wiring
from workflows.interfaces import CHAIN, CHAIN_STEPS, REPORTED
from workflows.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_every_input_comes_from_an_output_of_an_earlier_step_or_from_outside() -> None:
    chain = wiring.whole_chain(Settings())
    made: set[tuple[str, str]] = set()
    outside = {slot.name for slot in chain.inputs}
    for name, step in chain.steps.items():
        assert set(chain.sources[name]) == {slot.name for slot in step.inputs}
        assert all(source in (outside if isinstance(source, str) else made) for source in chain.sources[name].values())
        made |= {(name, slot.name) for slot in step.outputs}
    assert set(chain.outputs.values()) <= made
    assert set(REPORTED) <= set(chain.outputs)


def test_the_steps_are_in_the_order_in_which_they_run() -> None:
    assert tuple(CHAIN_STEPS) == CHAIN
    assert set(wiring.CONDITIONS) <= set(CHAIN)


def test_files_of_a_search_are_inputs_of_the_chain_and_of_tune(tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text("[parameters.rounds]\n")
    chain = wiring.whole_chain(Settings(space=str(space)))
    assert [slot.name for slot in chain.inputs] == ["dataset", "space"]
    assert chain.sources["tune"]["space"] == "space"
    assert chain.steps["tune"].inputs[-1].raw == "[parameters.rounds]\n"
