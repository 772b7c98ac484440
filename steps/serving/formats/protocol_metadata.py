"""The metadata of the model, as the Open Inference Protocol has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.serving.formats.inference_protocol import CONTRIBUTIONS, COVER_TYPE, PROBABILITY, SCORES, datatype_of

if TYPE_CHECKING:
    from steps.serving.versions import ServedModel


def describe(model: ServedModel) -> dict[str, Any]:
    """Return the metadata of the model, as the protocol has it."""
    schema = model.schema
    label = "BYTES" if isinstance(model.ensemble.cover_types[0].label, str) else "INT64"
    count = len(model.ensemble.cover_types)
    found: dict[str, Any] = {
        "name": model.name,
        "versions": [model.version],
        "platform": "covertype_forest",
        "inputs": [{"name": c.name, "datatype": datatype_of(c), "shape": [-1]} for c in schema.columns],
        "outputs": [
            {"name": SCORES, "datatype": "FP32", "shape": [-1, count]},
            {"name": COVER_TYPE, "datatype": label, "shape": [-1]},
            {"name": PROBABILITY, "datatype": "FP32", "shape": [-1]},
        ],
        "parameters": {"scores": [each.slug for each in model.ensemble.cover_types], **model.facts()},
    }
    if model.explainer is not None and len(set(map(tuple, model.explainer.features))) == 1:
        features = [*model.explainer.features[0], "base"]
        found["outputs"].append({"name": CONTRIBUTIONS, "datatype": "FP32", "shape": [-1, len(features)]})
        found["parameters"][CONTRIBUTIONS] = features
    return found
