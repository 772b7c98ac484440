"""The wiring of the pipeline of a cover type: split -> preprocess -> tune -> train -> evaluate.

In names of this module, the pipeline of one cover type is a chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workflows.argo import embedded_files
from workflows.argo.fused import Chain
from workflows.argo.step import Slot
from workflows.interfaces import CHAIN, CHAIN_STEPS, form_parameters

if TYPE_CHECKING:
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
CHAIN_SOURCES: dict[str, dict[str, str | tuple[str, str]]] = {
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
    inputs = (Slot("dataset", "dataset.parquet"), *given)
    return Chain({**CHAIN_STEPS, "tune": tune}, inputs, sources, CHAIN_OUTPUTS)
