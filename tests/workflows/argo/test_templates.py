from __future__ import annotations

from typing import Any

import pytest

from steps.core.errors import BadConfigurationError
from workflows import contract, rendering
from workflows.argo import templates
from workflows.argo.step import Slot, Step
from workflows.rendered import reader
from workflows.settings import Settings


def rendered(step: Step, settings: Settings | None = None, **options: Any) -> dict[str, Any]:
    """Return the template of a step as plain values."""
    overrides = options.pop("overrides", {})
    container = templates.container(step, settings or Settings(), overrides, **options)
    plain: dict[str, Any] = container._build_template().model_dump(exclude_none=True, by_alias=True)
    return plain


def annotations_of(template: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = template.get("metadata", {}).get("annotations", {})
    return found


def test_arguments_are_options_with_the_names_of_parameters_and_artifacts() -> None:
    step = Step(
        "split",
        inputs=[Slot("dataset", "dataset.parquet"), Slot("m-aspen", "m.json", option="metrics", key="aspen")],
        outputs=[Slot("train", "train.parquet")],
        parameters={"seed": None},
        fixed=["--fixed=1"],
        values=["summary"],
    )
    container = rendered(step)["container"]
    assert container["command"] == ["python", "-m", "steps.split"]
    assert container["args"] == [
        "--fixed=1",
        "--seed={{inputs.parameters.seed}}",
        "--dataset={{inputs.artifacts.dataset.path}}",
        "--metrics=aspen={{inputs.artifacts.m-aspen.path}}",
        "--train={{outputs.artifacts.train.path}}",
        "--summary={{outputs.parameters.summary.path}}",
    ]


def test_a_parameter_without_a_value_has_none_in_the_template() -> None:
    parameters = rendered(Step("train", parameters={"seed": None, "threads": "1"}))["inputs"]["parameters"]
    assert parameters == [{"name": "seed"}, {"name": "threads", "value": "1"}]


def test_annotations_describe_a_step_to_the_local_executor() -> None:
    step = Step(
        "tune",
        parameters={"source": None, "threads": "1", "trials": None},
        source_parameters=["source"],
        continues=["study"],
        continues_despite=["trials", "timeout"],
        publishes=True,
    )
    assert annotations_of(rendered(step)) == {
        contract.SOURCE_ANNOTATION: "source",
        contract.THREADS_ANNOTATION: "threads",
        contract.PUBLISHES_ANNOTATION: "true",
        contract.CONTINUES_ANNOTATION: "study",
        contract.DESPITE_ANNOTATION: "trials,timeout",
    }
    assert annotations_of(rendered(Step("split"))) == {}


def test_a_template_of_a_cover_type_labels_its_pods() -> None:
    template = rendered(Step("train"), of_cover_type=True)
    variable = "{{inputs.parameters.cover-type}}"
    assert template["metadata"]["labels"] == {"covertype/cover-type": variable}
    assert "annotations" not in rendered(Step("train"))


def test_outputs_to_resume_are_on_the_study_volume() -> None:
    step = Step("tune", outputs=[Slot("study", "study.jsonl"), Slot("other", "o.json")], continues=["study"])
    template = rendered(step, Settings(study_volume="claim", study_name="mine"), of_cover_type=True)
    paths = {entry["name"]: entry["path"] for entry in template["outputs"]["artifacts"]}
    assert paths == {"study": "/kept/study/study", "other": "/work/out/other/other"}
    [mount] = [each for each in template["container"]["volumeMounts"] if each["name"] == "kept-study"]
    assert (mount["mountPath"], mount["subPath"]) == ("/kept/study", "mine/{{inputs.parameters.cover-type}}")


def test_embedded_content_must_not_contain_a_variable() -> None:
    with pytest.raises(BadConfigurationError, match=r"schema\.toml becomes part of the workflow and contains '{{'"):
        rendered(Step("prepare", inputs=[Slot("schema", "schema.toml", raw="a = '{{b}}'")]))


def test_only_steps_that_read_the_source_or_publish_get_the_keys_of_s3() -> None:
    steps = {
        "prepare": Step("prepare", parameters={"source": None}, source_parameters=["source"]),
        "train": Step("train"),
        "register": Step("register", publishes=True),
    }

    def secrets(settings: Settings) -> dict[str, list[str]]:
        containers = {name: rendered(step, settings)["container"] for name, step in steps.items()}
        return {
            name: [entry["secretRef"]["name"] for entry in container.get("envFrom", [])]
            for name, container in containers.items()
        }

    assert secrets(Settings()) == {"prepare": [], "train": [], "register": []}
    assert secrets(Settings.model_validate({"s3_secret": "keys"})) == {
        "prepare": ["keys"],
        "train": [],
        "register": ["keys"],
    }
    given = Settings.model_validate({"s3_secret": "keys", "steps": {"register": {"s3_secret": "writer"}}})
    assert secrets(given) == {"prepare": ["keys"], "train": [], "register": ["writer"]}


def test_a_workflow_with_keys_of_s3_runs_on_this_machine_too() -> None:
    settings = Settings.model_validate({"s3_secret": "keys", "registry": "s3://bucket/models"})
    document = reader.read_workflow(rendering.render(settings, "Workflow", name="a"))
    assert document.templates["prepare"].container
