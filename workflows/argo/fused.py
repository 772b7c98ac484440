"""Runs all steps of the per-cover-type pipeline in one pod.

This needs fewer pods, and files that only the next step reads stay in the pod.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps import CHAIN
from workflows.argo import templates
from workflows.argo.step import Slot, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hera.workflows import Container

    from workflows.settings import Settings


@dataclass(frozen=True)
class Chain:
    """Steps that run one after the other, and the connections of their artifacts.

    Attributes:
        steps: steps by name, in the order in which they run.
        inputs: inputs of the whole chain.
        sources: source of each input of each step: the name of an input of the chain, or a step and its output.
        outputs: outputs of the whole chain by name: a step and its output.
    """

    steps: Mapping[str, Step]
    inputs: tuple[Slot, ...]
    sources: Mapping[str, Mapping[str, str | tuple[str, str]]]
    outputs: Mapping[str, tuple[str, str]]


def container(chain: Chain, settings: Settings, overrides: Mapping[str, Mapping[str, str]], name: str) -> Container:
    """Return the template of a pod that runs the whole chain by ``steps.chain``.

    Args:
        chain: the steps and their connections.
        settings: image, and resources of ``chain``.
        overrides: further options of the steps' command lines, by step.
        name: name of the template.
    """
    resources = settings.resources(CHAIN)
    parameters: dict[str, str | None] = {}
    threads_parameters: list[str] = []
    words: list[str] = []
    for step in chain.steps.values():
        words += ["--", step.name]
        for option, value in step.effective_parameters(resources, overrides.get(step.name, {})).items():
            parameter = option if value is None else f"{step.name}-{option}"
            parameters[parameter] = value
            threads_parameters += [parameter] if option == templates.THREADS else []
            words.append(f"--{option}={{{{inputs.parameters.{parameter}}}}}")
        words += _artifact_arguments(chain, step)
        words += [templates.value_argument(value) for value in step.values]
    return templates.module_container(
        _as_step(chain),
        settings,
        parameters,
        words,
        name=name,
        of_cover_type=True,
        threads_parameters=threads_parameters,
    )


def _as_step(chain: Chain) -> Step:
    """Return the inputs and outputs of the whole chain, as those of the step ``steps.chain``."""
    steps = chain.steps.values()
    return Step(
        CHAIN,
        inputs=chain.inputs,
        outputs=[Slot(name, _output_slot(chain, output).file) for name, output in chain.outputs.items()],
        values=[value for step in steps for value in step.values],
        continues=[name for name, (step, output) in chain.outputs.items() if output in chain.steps[step].continues],
        continues_despite=[name for step in steps for name in step.continues_despite],
    )


def _artifact_arguments(chain: Chain, step: Step) -> list[str]:
    """Return the arguments of a step with the paths of its input and output artifacts."""
    sources = [(slot, chain.sources[step.name][slot.name]) for slot in step.inputs]
    outputs = [(slot, (step.name, slot.name)) for slot in step.outputs]
    return [f"--{slot.option or slot.name}={_path(chain, source)}" for slot, source in (*sources, *outputs)]


def _output_slot(chain: Chain, output: tuple[str, str]) -> Slot:
    """Return the slot of an output, given as the names of its step and of itself."""
    step, name = output
    return next(slot for slot in chain.steps[step].outputs if slot.name == name)


def _path(chain: Chain, source: str | tuple[str, str]) -> str:
    """Return the path of an input of the chain, or of an output of one of its steps.

    An output that is one of the chain too is an artifact of the template. Others are in the scratch folder of the pod,
    which ``steps.chain`` puts in place of ``@``.
    """
    if isinstance(source, str):
        return f"{{{{inputs.artifacts.{source}.path}}}}"
    for name, output in chain.outputs.items():
        if output == source:
            return f"{{{{outputs.artifacts.{name}.path}}}}"
    slot = _output_slot(chain, source)
    return f"@{source[0]}-{slot.name}/{slot.file}"
