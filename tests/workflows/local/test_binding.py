from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from steps.core.errors import BadConfigurationError, PipelineError
from steps.core.times import parse_time
from workflows.local import binding
from workflows.local.nodes import Node, Values
from workflows.rendered.document import Artifact, Container, Document, Parameter, Slots, Task, Template


def parameters(*declared: Parameter) -> Slots:
    return Slots({parameter.name: parameter for parameter in declared})


def artifacts(*declared: Artifact) -> Slots:
    return Slots(artifacts={artifact.name: artifact for artifact in declared})


def child_of(parent: Node, inputs: Slots, arguments: Slots, folder: Path = Path()) -> Node:
    template = Template("leaf", inputs, Slots(), Container("module", (), {}))
    return Node((*parent.path, "child"), template, folder, Task("child", "leaf", "", arguments))


def dag(folder: Path = Path(), outputs: Slots | None = None) -> Node:
    """Return a DAG with the input x, and a task a that has the outputs note and file."""
    leaf = Template("leaf", Slots(), Slots(), Container("module", (), {}))
    first = Node(("a",), leaf, folder, outputs=Values({"note": "n"}, {"file": Path("made")}, {"file": "123"}))
    template = Template("dag", Slots(), outputs or Slots())
    return Node((), template, folder, inputs=Values({"x": "1"}, {"data": Path("given")}), children={"a": first})


def test_workflow_scope_has_the_name_and_the_parameters() -> None:
    document = Document("w", "main", parameters(Parameter("seed", "7"), Parameter("empty")), {})
    scope = binding.workflow_scope(document, "run-1")
    created = parse_time(scope.pop("workflow.creationTimestamp.RFC3339"))
    assert created is not None
    assert abs((datetime.now(UTC) - created).total_seconds()) < 60
    assert scope == {
        "workflow.name": "run-1",
        "workflow.parameters.seed": "7",
        "workflow.parameters.empty": "",
    }


def test_parameters_come_from_arguments_and_defaults() -> None:
    parent = dag()
    inputs = parameters(Parameter("given"), Parameter("default", "d"))
    value = "{{workflow.name}} {{inputs.parameters.x}} {{tasks.a.outputs.parameters.note}}"
    child = child_of(parent, inputs, parameters(Parameter("given", value)))
    binding.bind_inputs(child, parent, {"workflow.name": "w"})
    assert child.inputs.parameters == {"given": "w 1 n", "default": "d"}


def test_a_parameter_without_a_value_is_an_error() -> None:
    child = child_of(dag(), parameters(Parameter("x")), Slots())
    with pytest.raises(PipelineError, match="parameter 'x' was not given, in child"):
        binding.bind_inputs(child, dag(), {})


def test_artifacts_come_from_the_dag_and_from_other_tasks() -> None:
    inputs = artifacts(Artifact("first"), Artifact("second"), Artifact("third", optional=True))
    arguments = artifacts(
        Artifact("first", source="{{inputs.artifacts.data}}"),
        Artifact("second", source="{{tasks.a.outputs.artifacts.file}}"),
        Artifact("third", source="{{tasks.a.outputs.artifacts.nothing}}"),
    )
    child = child_of(dag(), inputs, arguments)
    binding.bind_inputs(child, dag(), {})
    assert child.inputs.artifacts == {"first": Path("given"), "second": Path("made")}
    assert child.inputs.digests == {"second": "123"}


def test_raw_content_is_written_under_its_file_name(tmp_path: Path) -> None:
    child = child_of(dag(), artifacts(Artifact("schema", path="/work/in/schema.toml", raw="text")), Slots(), tmp_path)
    binding.bind_inputs(child, dag(), {})
    assert child.inputs.artifacts["schema"] == tmp_path / "in/schema/schema.toml"
    assert (tmp_path / "in/schema/schema.toml").read_text() == "text"


def test_a_reference_that_cannot_be_read_is_an_error() -> None:
    child = child_of(dag(), artifacts(Artifact("x")), artifacts(Artifact("x", source="{{a.b}}")))
    with pytest.raises(BadConfigurationError, match="cannot read the reference"):
        binding.bind_inputs(child, dag(), {})


def test_outputs_of_a_dag_come_from_its_tasks() -> None:
    outputs = Slots(
        {"note": Parameter("note", expression="<{{tasks.a.outputs.parameters.note}}>")},
        {"out": Artifact("out", source="{{tasks.a.outputs.artifacts.file}}")},
    )
    node = dag(outputs=outputs)
    binding.collect_outputs(node)
    assert (node.outputs.parameters, node.outputs.artifacts) == ({"note": "<n>"}, {"out": Path("made")})


@pytest.mark.parametrize("optional", [True, False])
def test_an_output_that_is_missing_must_be_optional(*, optional: bool) -> None:
    source = "{{tasks.a.outputs.artifacts.nothing}}"
    node = dag(outputs=artifacts(Artifact("out", source=source, optional=optional)))
    if optional:
        binding.collect_outputs(node)
        assert node.outputs.artifacts == {}
    else:
        with pytest.raises(PipelineError, match="output artifact 'out' was not made"):
            binding.collect_outputs(node)


def test_variables_of_a_leaf_are_its_parameters_and_local_paths(tmp_path: Path) -> None:
    inputs = Slots({"p": Parameter("p")}, {"in": Artifact("in"), "absent": Artifact("absent", optional=True)})
    outputs = Slots({"note": Parameter("note")}, {"out": Artifact("out", path="/work/out/file.json")})
    template = Template("leaf", inputs, outputs, Container("module", (), {}))
    node = Node(("a",), template, tmp_path, inputs=Values({"p": "5"}, {"in": Path("given")}))
    scope = binding.leaf_scope(node, {"workflow.name": "w"})
    assert scope == {
        "workflow.name": "w",
        "inputs.parameters.p": "5",
        "inputs.artifacts.in.path": "given",
        "inputs.artifacts.absent.path": str(tmp_path / "in/absent/absent"),
        "outputs.artifacts.out.path": str(tmp_path / "out/out/file.json"),
        "outputs.parameters.note.path": str(tmp_path / "out/parameter-note.txt"),
    }
    assert not Path(scope["inputs.artifacts.absent.path"]).exists()
