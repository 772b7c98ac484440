"""What the lineage takes from the report of a run."""

from __future__ import annotations

from steps.registry.lineage import images_of, run_facts


def test_options_of_the_steps_that_shape_a_model() -> None:
    steps = [
        {"name": "prepare", "step": "prepare", "options": {"rows": "0"}, "image": ""},
        {"name": "aspen-train", "step": "train", "options": {"seed": "3"}, "image": "steps:1"},
        {"name": "aspen-evaluate", "step": "evaluate", "options": {"threads": "1"}, "image": "steps:1"},
    ]
    facts = run_facts({"data": {"datasets": {"aspen": "ab"}}, "steps": steps})
    assert facts == {
        "datasets": {"aspen": "ab"},
        "images": ["steps:1"],
        "parameters": {"prepare": {"rows": "0"}, "aspen-train": {"seed": "3"}},
    }


def test_a_report_of_before() -> None:
    facts = run_facts({"data": {}, "steps": [{"name": "prepare", "step": "prepare"}]})
    assert facts == {"datasets": {}, "images": [], "parameters": {}}
    assert images_of([]) == []
