"""Runs several steps in one pod.

This needs fewer pods, and files that only the next steps read stay in the pod.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from workflows.argo import templates
from workflows.argo.step import Slot, Step

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hera.workflows import Container

    from workflows.settings import Settings

# A step and the name of its output, or the name of an input of the whole pod.
Source = str | tuple[str, str]


@dataclass(frozen=True)
class Chain:
    """Steps that share a pod, and the connections of their artifacts.

    Attributes:
        module: module that runs them, below ``steps``.
        steps: steps by name, in the order in which they run.
        inputs: inputs of the whole chain.
        sources: source of each input of each step.
        outputs: output artifacts of the whole chain by name: a step and its output.
        values: output parameters of the whole chain by name: a step and its output parameter.
        cover_types: cover type of each step that has one, where the chain has steps of several.
        optional: output artifacts that may be absent, because steps run also if some before them failed.
    """

    module: str
    steps: Mapping[str, Step]
    inputs: tuple[Slot, ...]
    sources: Mapping[str, Mapping[str, Source]]
    outputs: Mapping[str, tuple[str, str]]
    values: Mapping[str, tuple[str, str]]
    cover_types: Mapping[str, str] = field(default_factory=dict)
    optional: Collection[str] = ()

    def slot(self, output: tuple[str, str]) -> Slot:
        """Return the slot of an output, given as the names of its step and of itself."""
        step, name = output
        return next(slot for slot in self.steps[step].outputs if slot.name == name)


def container(  # noqa: PLR0913 - the differences between the pods
    chain: Chain,
    settings: Settings,
    overrides: Mapping[str, Mapping[str, str]],
    name: str,
    *,
    common: Mapping[str, Mapping[str, str]] | None = None,
    flags: Sequence[str] = (),
) -> Container:
    """Return the template of a pod that runs all steps of a chain.

    Args:
        chain: the steps and their connections.
        settings: image, and resources of the chain's module.
        overrides: further options of the steps' command lines, by step.
        name: name of the template.
        common: options of the command lines by the name of the step's module; steps with the same value share a
            parameter.
        flags: options of the chain's module.
    """
    parameters: dict[str, str | None] = {}
    threads_parameters: list[str] = []
    words: list[str] = list(flags)
    for key, step in chain.steps.items():
        words += ["--", f"{chain.cover_types[key]}/{step.name}" if key in chain.cover_types else step.name]
        own = step.effective_parameters(settings.resources(chain.module), overrides.get(key, {}))
        shared = step.effective_parameters(settings.resources(chain.module), (common or {}).get(step.name, {}))
        for option, value in own.items():
            prefix = step.name if common is None or shared.get(option) == value else key
            parameter = option if value is None else f"{prefix}-{option}"
            parameters[parameter] = value
            if option == templates.THREADS and parameter not in threads_parameters:
                threads_parameters.append(parameter)
            words.append(f"--{option}={{{{inputs.parameters.{parameter}}}}}")
        words += [*step.fixed, *_artifact_arguments(chain, key)]
        names = {place: parameter for parameter, place in chain.values.items()}
        words += [f"--{value}={{{{outputs.parameters.{names[key, value]}.path}}}}" for value in step.values]
    return templates.module_container(
        _as_step(chain),
        settings,
        parameters,
        words,
        name=name,
        of_cover_type=not chain.cover_types,
        threads_parameters=threads_parameters,
    )


def _as_step(chain: Chain) -> Step:
    """Return the inputs and outputs of the whole chain, as those of one step."""
    steps = chain.steps.values()
    return Step(
        chain.module,
        inputs=chain.inputs,
        outputs=[_output_slot(chain, name) for name in chain.outputs],
        values=list(chain.values),
        source_parameters=[name for step in steps for name in step.source_parameters],
        publishes=any(step.publishes for step in steps),
        continues=[name for name, (step, output) in chain.outputs.items() if output in chain.steps[step].continues],
        continues_despite=list(dict.fromkeys(name for step in steps for name in step.continues_despite)),
    )


def _output_slot(chain: Chain, name: str) -> Slot:
    """Return an output of the whole chain."""
    output = chain.outputs[name]
    slot, cover_type = chain.slot(output), chain.cover_types.get(output[0], "")
    optional = slot.optional or name in chain.optional
    return replace(slot, name=name, option="", key="", cover_type=cover_type, optional=optional)


def _artifact_arguments(chain: Chain, key: str) -> list[str]:
    """Return the arguments of a step with the paths of its input and output artifacts."""
    step = chain.steps[key]
    inputs = [_argument(chain, slot, chain.sources[key][slot.name]) for slot in step.inputs]
    return [*inputs, *(_argument(chain, slot, (key, slot.name)) for slot in step.outputs)]


def _argument(chain: Chain, slot: Slot, source: Source) -> str:
    """Return the argument of a step with the path of an input of the chain, or of an output of one of its steps.

    An output that is one of the chain too is an artifact of the template. Others are in the scratch folder of the pod.
    Arguments with a path in it begin with ``@``.
    """
    option = f"--{slot.option or slot.name}={slot.key}{'=' if slot.key else ''}"
    if isinstance(source, str):
        return f"{option}{{{{inputs.artifacts.{source}.path}}}}"
    for name, output in chain.outputs.items():
        if output == source:
            return f"{option}{{{{outputs.artifacts.{name}.path}}}}"
    made = chain.slot(source)
    return f"@{option}{source[0]}-{made.name}/{made.file}"
