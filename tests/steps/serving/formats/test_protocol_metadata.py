from __future__ import annotations

from typing import TYPE_CHECKING

from steps.serving.formats.protocol_metadata import describe

if TYPE_CHECKING:
    from steps.serving.versions import ServedModel


def test_contributions_are_an_output_of_a_model_that_is_explained_only(
    model: ServedModel, explained: ServedModel
) -> None:
    plain, more = describe(model), describe(explained)
    assert {each["name"]: each["shape"] for each in plain["outputs"]} == {
        "scores": [-1, 3],
        "cover_type": [-1],
        "probability": [-1],
    }
    features = more["parameters"].pop("contributions")
    assert features[-1] == "base"
    assert set(model.ensemble.groups[0].features) == set(features[:-1])
    assert more["outputs"].pop() == {"name": "contributions", "datatype": "FP32", "shape": [-1, len(features)]}
    assert more == plain
