from __future__ import annotations

from workflows import contract
from workflows.argo import fused
from workflows.argo.fused import Chain
from workflows.argo.step import Slot, Step
from workflows.rendered.expressions import variable_names
from workflows.settings import Settings

CHAIN = Chain(
    steps={
        "first": Step(
            "first",
            inputs=[Slot("dataset", "dataset.parquet")],
            outputs=[Slot("table", "table.parquet"), Slot("usage", "usage.json")],
            parameters={"seed": None},
        ),
        "second": Step(
            "second",
            inputs=[Slot("table", "table.parquet")],
            outputs=[Slot("study", "study.jsonl")],
            parameters={"threads": "1"},
            values=["outcome"],
            continues=["study"],
            continues_despite=["trials"],
        ),
    },
    inputs=(Slot("dataset", "dataset.parquet"),),
    sources={"first": {"dataset": "dataset"}, "second": {"table": ("first", "table")}},
    outputs={"usage-first": ("first", "usage"), "study": ("second", "study")},
)


def test_the_steps_run_in_one_pod_and_pass_files_in_its_scratch_folder() -> None:
    container = fused.container(CHAIN, Settings(), {"second": {"rounds": "3"}}, "all")
    assert container.command == ["python", "-m", "steps.chain"]
    assert container.args == [
        "--",
        "first",
        "--seed={{inputs.parameters.seed}}",
        "--dataset={{inputs.artifacts.dataset.path}}",
        "--table=@first-table/table.parquet",
        "--usage={{outputs.artifacts.usage-first.path}}",
        "--",
        "second",
        "--threads={{inputs.parameters.second-threads}}",
        "--rounds={{inputs.parameters.second-rounds}}",
        "--table=@first-table/table.parquet",
        "--study={{outputs.artifacts.study.path}}",
        "--outcome={{outputs.parameters.outcome.path}}",
    ]


def test_the_template_declares_what_its_arguments_use() -> None:
    container = fused.container(CHAIN, Settings(), {}, "all")
    template = container._build_template()
    assert template.inputs
    assert template.outputs
    declared = {f"inputs.parameters.{each.name}" for each in template.inputs.parameters or []}
    declared |= {f"inputs.artifacts.{each.name}.path" for each in template.inputs.artifacts or []}
    declared |= {f"outputs.parameters.{each.name}.path" for each in template.outputs.parameters or []}
    declared |= {f"outputs.artifacts.{each.name}.path" for each in template.outputs.artifacts or []}
    used = {name for word in container.args or [] for name in variable_names(str(word))}
    assert used == declared - {"inputs.parameters.cover-type"}


def test_annotations_are_those_of_all_steps() -> None:
    assert fused.container(CHAIN, Settings(), {}, "all").annotations == {
        contract.THREADS_ANNOTATION: "second-threads",
        contract.CONTINUES_ANNOTATION: "study",
        contract.DESPITE_ANNOTATION: "trials",
    }
