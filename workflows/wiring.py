"""The wiring: prepare -> split -> preprocess -> tune -> train -> evaluate of each cover type -> report -> register.

In names of this module, the steps of one cover type are a chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from steps import CHAIN as CHAIN_POD
from steps import PIPELINE as PIPELINE_POD
from workflows.argo import embedded_files
from workflows.argo.fused import Chain
from workflows.argo.step import Slot
from workflows.contract import task_name
from workflows.interfaces import CHAIN, CHAIN_STEPS, FINGERPRINTS, USAGE, form_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workflows.argo.fused import Source
    from workflows.argo.step import Step
    from workflows.settings import Settings

# Outputs of a chain that leave it: artifact name -> (step, artifact of the step).
CHAIN_OUTPUTS = {
    "model": ("train", "model"),
    "learning-curve": ("train", "learning-curve"),
    "trial-table": ("tune", "trial-table"),
    "study": ("tune", "study"),
    "metrics": ("evaluate", "metrics"),
    "scores": ("evaluate", "scores"),
    **{f"usage-{step}": (step, "usage") for step in CHAIN},
}
# Source of each input of a step: an input of the chain, or a step and its output.
CHAIN_SOURCES: dict[str, dict[str, Source]] = {
    "split": {"dataset": "dataset"},
    "preprocess": {part: ("split", part) for part in ("train", "validation", "test")},
    "tune": {part: ("preprocess", part) for part in ("train-features", "validation-features")},
    "train": {
        "train-features": ("preprocess", "train-features"),
        "validation-features": ("preprocess", "validation-features"),
        "preprocessor": ("preprocess", "preprocessor"),
        "parameters": ("tune", "best-parameters"),
    },
    "evaluate": {"model": ("train", "model"), "test-features": ("preprocess", "test-features")},
}
# Steps that run only if an expression is true. ``train`` takes the preset where nothing is searched.
CONDITIONS = {"tune": "{{workflow.parameters.trials}} != 0"}
# Each once, in the order of the steps.
CHAIN_PARAMETERS = tuple(dict.fromkeys(name for step in CHAIN for name in form_parameters(step)))


def whole_chain(settings: Settings) -> Chain:
    """Return the steps of a cover type and their connections; the files of a search become part of the workflow."""
    given = []
    if settings.space:
        given.append(Slot("space", "space.toml", raw=embedded_files.read_text(settings.space, "--space")))
    if settings.warm_start:
        given.append(Slot("warm-start", "warm-start.json", raw=embedded_files.read_warm_start(settings.warm_start)))
    tune = replace(CHAIN_STEPS["tune"], inputs=[*CHAIN_STEPS["tune"].inputs, *given])
    sources = {**CHAIN_SOURCES, "tune": {**CHAIN_SOURCES["tune"], **{slot.name: slot.name for slot in given}}}
    steps = {**CHAIN_STEPS, "tune": tune}
    return Chain(
        CHAIN_POD,
        steps,
        inputs=(Slot("dataset", "dataset.parquet"), *given),
        sources=sources,
        outputs=CHAIN_OUTPUTS,
        values={value: (name, value) for name, step in steps.items() for value in step.values},
    )


def whole_run(settings: Settings, slugs: Sequence[str], first: Step, last: Sequence[Step]) -> Chain:
    """Return all steps of a run and their connections.

    Artifacts that only later steps read are no outputs. Output parameters are named after their task, except those of
    the report and of the registration, which are those of the run.

    Args:
        settings: settings of the run.
        slugs: cover types.
        first: prepare.
        last: the report, and the registration if there is one.
    """
    chain = whole_chain(settings)
    steps, cover_types = {"prepare": first}, dict[str, str]()
    sources: dict[str, dict[str, Source]] = {"prepare": {slot.name: slot.name for slot in first.inputs}}
    outputs = {slot.name: ("prepare", slot.name) for slot in first.outputs if slot.name != USAGE.name}
    of_cover_types: dict[str, tuple[str, str]] = {}
    for slug in slugs:
        names = {step: task_name(slug, step) for step in CHAIN}
        steps |= {name: chain.steps[step] for step, name in names.items()}
        cover_types |= dict.fromkeys(names.values(), slug)
        given = {slot.name: slot.name for slot in chain.inputs} | {"dataset": ("prepare", f"dataset-{slug}")}
        sources |= {name: _renamed(chain.sources[step], names, given) for step, name in names.items()}
        of_cover_types |= {f"{name}-{slug}": (names[step], output) for name, (step, output) in CHAIN_OUTPUTS.items()}
    outputs |= {name: output for name, output in of_cover_types.items() if output[1] != USAGE.name}
    of_prepare = {name: ("prepare", name) for name in ("profile", FINGERPRINTS.name)}
    made = {**of_cover_types, **of_prepare, "usage-prepare": ("prepare", USAGE.name)}
    for step in last:
        steps[step.name] = step
        sources[step.name] = {slot.name: made.get(slot.name, slot.name) for slot in step.inputs}
        outputs |= {slot.name: (step.name, slot.name) for slot in step.outputs if slot.name != USAGE.name}
        made |= {f"{step.name}-{slot.option or slot.name}": (step.name, slot.name) for slot in step.outputs}
    values = {_value_name(name, value): (name, value) for name, step in steps.items() for value in step.values}
    of_last = [slot for step in last for slot in step.inputs]
    inputs = {slot.name: slot for slot in (*first.inputs, *chain.inputs, *of_last) if slot.raw is not None}
    return Chain(
        PIPELINE_POD,
        steps,
        inputs=tuple(inputs.values()),
        sources=sources,
        outputs=outputs,
        values=values,
        cover_types=cover_types,
        optional={name for name, (step, _) in outputs.items() if step in cover_types or step == "register"},
    )


def _value_name(task: str, value: str) -> str:
    """Return the name of an output parameter of a task in a pod for all steps."""
    if task == "register":
        return "registration"
    return value if task == "report" else f"{task}-{value}"


def _renamed(sources: Mapping[str, Source], names: Mapping[str, str], given: Mapping[str, Source]) -> dict[str, Source]:
    """Return sources with the names of steps and inputs that they have in the whole run."""
    return {
        slot: given[source] if isinstance(source, str) else (names[source[0]], source[1])
        for slot, source in sources.items()
    }
