"""A cover type's whole chain in one pod: fewer pods, and what one step hands to the next never leaves the pod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps import CHAIN
from workflows.argo import templates
from workflows.argo.templates import Slot, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hera.workflows import Container

    from workflows.settings import Settings


@dataclass(frozen=True)
class Chain:
    """Steps one after the other, and how their artifacts are connected.

    Attributes:
        steps: by name, in their order.
        inputs: what comes from outside.
        sources: for each step, where each of its inputs comes from: the name of an input, or a step and its output.
        outputs: what goes outside, by its name there: a step and its output.
    """

    steps: Mapping[str, Step]
    inputs: tuple[Slot, ...]
    sources: Mapping[str, Mapping[str, str | tuple[str, str]]]
    outputs: Mapping[str, tuple[str, str]]


def container(chain: Chain, settings: Settings, overrides: Mapping[str, Mapping[str, str]], name: str) -> Container:
    """Return the template of a pod that runs the whole chain by ``steps.chain``.

    Args:
        chain: what is run.
        settings: image, and the resources of ``chain``.
        overrides: further options of the steps' command lines, by step.
        name: name of the template.
    """
    outside = {place: name for name, place in chain.outputs.items()}
    parameters: dict[str, str | None] = {}
    words: list[str] = []
    resources = settings.resources(CHAIN)
    for step in chain.steps.values():
        words += ["--", step.name]
        for option, value in step.chosen(resources, overrides.get(step.name, {})).items():
            parameter = option if value is None else f"{step.name}-{option}"
            parameters[parameter] = value
            words.append(f"--{option}={{{{inputs.parameters.{parameter}}}}}")
        for slot in step.inputs:
            source = chain.sources[step.name][slot.name]
            path = (
                f"{{{{inputs.artifacts.{source}.path}}}}" if isinstance(source, str) else _path(chain, source, outside)
            )
            words.append(f"--{slot.option or slot.name}={path}")
        for slot in step.outputs:
            words.append(f"--{slot.option or slot.name}={_path(chain, (step.name, slot.name), outside)}")
        words += [templates.value_argument(value) for value in step.values]
    whole = Step(
        CHAIN,
        inputs=chain.inputs,
        outputs=[Slot(name, _slot(chain, place).file) for name, place in chain.outputs.items()],
        values=[value for step in chain.steps.values() for value in step.values],
        continues=[name for name, (step, output) in chain.outputs.items() if output in chain.steps[step].continues],
        continues_despite=[name for step in chain.steps.values() for name in step.continues_despite],
    )
    return templates.pod(whole, settings, parameters, words, name=name, of_cover_type=True)


def _slot(chain: Chain, place: tuple[str, str]) -> Slot:
    """Return the output of a step by the names of both."""
    step, output = place
    return next(slot for slot in chain.steps[step].outputs if slot.name == output)


def _path(chain: Chain, place: tuple[str, str], outside: Mapping[tuple[str, str], str]) -> str:
    """Return where a step's output lies: where Argo takes it from, or in the pod's scratch folder."""
    if place in outside:
        return f"{{{{outputs.artifacts.{outside[place]}.path}}}}"
    return f"@{place[0]}-{_slot(chain, place).name}/{_slot(chain, place).file}"
