from __future__ import annotations

from workflows import contract
from workflows.argo import fused
from workflows.argo.fused import Chain
from workflows.argo.step import Slot, Step
from workflows.contract import COVER_TYPE
from workflows.rendered.expressions import variable_names
from workflows.settings import Settings

CHAIN = Chain(
    "chain",
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
    values={"outcome": ("second", "outcome")},
)


def test_the_steps_run_in_one_pod_and_pass_files_in_its_scratch_folder() -> None:
    container = fused.container(CHAIN, Settings(), {"second": {"rounds": "3"}}, "all")
    assert container.command == ["python", "-m", "steps.chain"]
    assert container.args == [
        "--",
        "first",
        "--seed={{inputs.parameters.seed}}",
        "--dataset={{inputs.artifacts.dataset.path}}",
        "@--table=first-table/table.parquet",
        "--usage={{outputs.artifacts.usage-first.path}}",
        "--",
        "second",
        "--threads={{inputs.parameters.second-threads}}",
        "--rounds={{inputs.parameters.second-rounds}}",
        "@--table=first-table/table.parquet",
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


def test_a_pod_for_several_cover_types_names_them_and_keeps_their_outputs_apart() -> None:
    """Two chains of one step each, and a step of all that reads a file of each by its key."""
    study = Step("second", outputs=[Slot("study", "study.jsonl")], parameters={"threads": "1"}, continues=["study"])
    last = Step("last", inputs=[Slot(f"of-{slug}", "s", option="study", key=slug) for slug in ("oak", "fir")])
    whole = Chain(
        "pipeline",
        steps={"oak-second": study, "fir-second": study, "last": last},
        inputs=(),
        sources={
            "oak-second": {},
            "fir-second": {},
            "last": {f"of-{slug}": (f"{slug}-second", "study") for slug in ("oak", "fir")},
        },
        outputs={"study-oak": ("oak-second", "study")},
        values={},
        cover_types={"oak-second": "oak", "fir-second": "fir"},
        optional=["study-oak"],
    )
    own = {"oak-second": {"threads": "4", "rounds": "3"}, "fir-second": {"rounds": "3"}}
    container = fused.container(
        whole, Settings(study_volume="claim"), own, "all", common={"second": {"rounds": "3"}}, flags=["--parallel=2"]
    )
    assert container.args == [
        "--parallel=2",
        *("--", "oak/second"),
        "--threads={{inputs.parameters.oak-second-threads}}",
        "--rounds={{inputs.parameters.second-rounds}}",
        "--study={{outputs.artifacts.study-oak.path}}",
        *("--", "fir/second"),
        "--threads={{inputs.parameters.second-threads}}",
        "--rounds={{inputs.parameters.second-rounds}}",
        "@--study=fir-second-study/study.jsonl",
        *("--", "last"),
        "--study=oak={{outputs.artifacts.study-oak.path}}",
        "@--study=fir=fir-second-study/study.jsonl",
    ]
    assert container.command == ["python", "-m", "steps.pipeline"]
    assert COVER_TYPE not in str(container.inputs)
    template = container._build_template()
    assert template.outputs
    assert [slot.optional for slot in template.outputs.artifacts or []] == [True]
    assert template.container
    mounts = [mount.sub_path for mount in template.container.volume_mounts or [] if mount.sub_path]
    assert mounts == ["{{workflow.name}}/oak"]
