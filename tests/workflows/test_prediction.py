"""The workflow that scores a table: its parameters and artifacts, and the scores that it gives on this machine."""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hera.workflows import models
from hypothesis import given
from hypothesis import strategies as st

from steps import PREDICT
from steps import predict as step
from steps.core.errors import UsageError
from steps.options import Scope, options_of
from steps.options.predict import OUTPUT_KINDS, PredictOptions, RegistryOptions
from steps.provenance import signing
from steps.registry import aliases, publishing
from steps.registry.destinations import Folder
from tests.registered_run import change_entry
from tests.support import call, real_rows, write_table
from tests.workflows.local.test_executor import execute
from tests.workflows.test_pipeline import options_of as command_line_of
from workflows import interfaces, rendering
from workflows.local.nodes import Phase
from workflows.prediction import Prediction
from workflows.rendered import name_checks, references
from workflows.rendered.reader import read_workflow
from workflows.settings import Resources, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain
    from workflows.local.nodes import Node

REGISTERED = RegistryOptions(registry="s3://bucket/models", version="v1")
IN_BUCKETS: dict[str, Any] = {"input": "s3://bucket/a.parquet", "output": "gs://bucket/scores.parquet"}


def rendered(settings: Settings | None = None, registered: RegistryOptions = REGISTERED, **options: Any) -> Any:
    prediction = Prediction(PredictOptions(**{**IN_BUCKETS, **options}), registered)
    return rendering.render_prediction(settings or Settings(), prediction, "Workflow", name="w")


def template_of(workflow: dict[str, Any]) -> dict[str, Any]:
    [_, found] = workflow["spec"]["templates"]
    template: dict[str, Any] = found
    return template


def test_the_parameters_are_the_options_of_the_form() -> None:
    workflow = rendered(keep="a,b", max_rejects=5, first_label="one")
    parameters = {entry["name"]: entry for entry in workflow["spec"]["arguments"]["parameters"]}
    assert list(parameters) == [option.name for option in options_of(PREDICT, Scope.FORM)]
    assert {name: entry["value"] for name, entry in parameters.items()} == {
        "registry": "s3://bucket/models",
        "version": "v1",
        "input": "s3://bucket/a.parquet",
        "output": "gs://bucket/scores.parquet",
        "keep": "a,b",
        "first-label": "one",
        "max-rejects": "5",
    }
    assert parameters["first-label"]["enum"] == ["auto", "zero", "one"]
    assert all(entry["description"] for entry in parameters.values())


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_arguments_are_options_of_the_step(overwrite: bool) -> None:  # noqa: FBT001
    every: tuple[dict[str, Any], ...] = ({}, {"output": "scores.csv"}, {"rejects": "s3://bucket/r.csv"})
    for changes in every:
        words = template_of(rendered(overwrite=overwrite, **changes))["container"]["args"]
        given_ = [word.removeprefix("--").partition("=")[0] for word in words]
        assert len(given_) == len(set(given_))
        assert set(given_) <= set(command_line_of(PREDICT))
        assert {"input", "output", "registry", "metrics", "rejects", "summary", "usage"} <= set(given_)
        assert ("--overwrite" in words) is overwrite


def test_only_what_has_no_other_address_is_an_artifact() -> None:
    def artifacts(**options: Any) -> set[str]:
        return {entry["name"] for entry in template_of(rendered(**options))["outputs"]["artifacts"]}

    common = {interfaces.PREDICTION_METRICS, interfaces.DRIFT, "usage"}
    assert artifacts(rejects="s3://bucket/r.csv") == common
    assert artifacts() == common | {interfaces.REJECTS}
    assert artifacts(output="scores.csv") == common | {interfaces.REJECTS, interfaces.PREDICTIONS}


@given(
    stem=st.sampled_from(["metrics", "usage", "rejects", "a b", "scores.csv", "x.json"]),
    kind=st.sampled_from(OUTPUT_KINDS),
)
def test_outputs_of_the_pod_have_different_file_names(stem: str, kind: str) -> None:
    template = template_of(rendered(output=f"{stem}{kind}"))
    files = [PurePosixPath(slot["path"]).name for slot in template["outputs"]["artifacts"]]
    assert len(files) == len(set(files))
    assert f"{stem}{kind}" in files


@pytest.mark.parametrize(
    ("resources", "threads", "expected"),
    [
        (Resources(), 0, "1"),
        (Resources(cpu="4"), 0, "4"),
        (Resources(cpu="500m", cpu_limit="2500m"), 0, "2"),
        (Resources(cpu="4"), 3, "3"),
    ],
)
def test_the_threads_are_the_cores_of_the_pod(resources: Resources, threads: int, expected: str) -> None:
    workflow = rendered(Settings(steps={PREDICT: resources}), threads=threads)
    assert read_workflow(workflow).templates[PREDICT].inputs.parameters["threads"].value == expected


def test_the_pod_is_that_of_the_settings_and_meets_the_restricted_standard() -> None:
    workflow = rendered(Settings(image="steps:7", s3_secret="keys", namespace="team"))  # noqa: S106
    assert models.Workflow.model_validate(workflow)
    assert workflow["metadata"]["namespace"] == "team"
    container = template_of(workflow)["container"]
    assert (container["image"], container["command"]) == ("steps:7", ["python", "-m", "steps.predict"])
    assert container["envFrom"] == [{"secretRef": {"name": "keys"}}]
    security = container["securityContext"]
    assert security["runAsNonRoot"]
    assert security["readOnlyRootFilesystem"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert set(container["resources"]) == {"requests", "limits"}


def test_an_uploaded_input_is_an_artifact_in_place_of_the_parameter() -> None:
    slot = interfaces.input_file("my table.csv", {"s3": {"key": "sources/abc"}})
    prediction = Prediction(PredictOptions(input="./my table.csv", output="scores.csv"), REGISTERED, slot)
    workflow = rendering.render_prediction(Settings(), prediction, "Workflow")
    [artifact] = template_of(workflow)["inputs"]["artifacts"]
    assert artifact == {"name": "input", "path": "/work/in/input/my table.csv", "s3": {"key": "sources/abc"}}
    assert "--input={{inputs.artifacts.input.path}}" in template_of(workflow)["container"]["args"]
    assert "input" not in {entry["name"] for entry in workflow["spec"]["arguments"]["parameters"]}


@pytest.mark.parametrize("kind", rendering.KINDS)
def test_names_and_references(kind: str) -> None:
    for options in (IN_BUCKETS, {**IN_BUCKETS, "output": "scores.csv"}):
        prediction = Prediction(PredictOptions(**options), REGISTERED)
        made = rendering.render_prediction(Settings(), prediction, kind)
        workflow = {**made, "kind": "Workflow", "spec": made["spec"].get("workflowSpec", made["spec"])}
        read = read_workflow(workflow)
        assert [*name_checks.name_problems(made, read), *references.reference_problems(read)] == []


def test_the_date_in_a_name_is_that_of_the_workflow() -> None:
    workflow = rendered(output="gs://bucket/scores-{date}.parquet")
    assert "--created={{workflow.creationTimestamp.RFC3339}}" in template_of(workflow)["container"]["args"]
    parameters = {entry["name"]: entry["value"] for entry in workflow["spec"]["arguments"]["parameters"]}
    assert parameters["output"] == "gs://bucket/scores-{date}.parquet"
    with pytest.raises(UsageError, match=r"each run has its own artifact, whose name needs no \{date\}, in --output"):
        rendered(output="scores-{date}.parquet")


def test_without_a_registry_there_is_nothing_to_score_with() -> None:
    with pytest.raises(UsageError, match="in --registry: name the registry that the models were registered in"):
        rendered(registered=RegistryOptions())


@pytest.mark.parametrize("name", ["keep", "input", "output", "rejects", "version"])
def test_a_variable_of_argo_is_refused(name: str) -> None:
    text = "s3://bucket/{{workflow.name}}.csv"
    registered = RegistryOptions(registry="models", version=text) if name == "version" else REGISTERED
    changes: dict[str, Any] = {} if name == "version" else {name: text}
    with pytest.raises(UsageError, match=f"with which a variable of Argo begins, in --{name}"):
        rendered(registered=registered, **changes)


@pytest.mark.parametrize("kind", rendering.KINDS)
def test_the_key_is_part_of_the_template_and_no_parameter(kind: str) -> None:
    prediction = Prediction(PredictOptions(**IN_BUCKETS), REGISTERED, public_key="-----BEGIN\n")
    made = rendering.render_prediction(Settings(), prediction, kind)
    workflow = {**made, "kind": "Workflow", "spec": made["spec"].get("workflowSpec", made["spec"])}
    [artifact] = template_of(workflow)["inputs"]["artifacts"]
    path = "/work/in/require-signature/key.pub"
    assert artifact == {"name": "require-signature", "path": path, "raw": {"data": "-----BEGIN\n"}}
    words = template_of(workflow)["container"]["args"]
    assert "--require-signature={{inputs.artifacts.require-signature.path}}" in words
    assert "require-signature" not in {entry["name"] for entry in workflow["spec"]["arguments"]["parameters"]}
    read = read_workflow(workflow)
    assert [*name_checks.name_problems(made, read), *references.reference_problems(read)] == []


def test_without_a_key_nothing_asks_for_a_signature() -> None:
    assert not [word for word in template_of(rendered())["container"]["args"] if "signature" in word]


@pytest.fixture
def registry(tmp_path: Path, chain: Chain) -> str:
    """A registry with one version."""
    folder = Folder(tmp_path / "registry")
    publishing.publish({"models/lodgepole-pine": chain["model"]}, folder.below("versions/v1"))
    aliases.move_alias(folder, "champion", "v1")
    return folder.location


def predict_task(root: Node) -> Node:
    [found] = root.leaves()
    return found


@pytest.mark.parametrize("kind", [".parquet", ".csv"])
def test_on_this_machine_it_gives_the_bytes_of_the_step(tmp_path: Path, registry: str, kind: str) -> None:
    table = write_table(tmp_path / "a.csv", real_rows(294))
    registered = RegistryOptions(registry=registry)
    options: dict[str, Any] = {"input": str(table), "output": f"scores{kind}", "keep": "Elevation,Slope"}
    root = execute(tmp_path, rendered(registered=registered, **options))
    assert root.phase is Phase.SUCCEEDED, predict_task(root).message
    direct = tmp_path / f"direct{kind}"
    words = (f"--input={table}", f"--output={direct}", f"--registry={registry}", "--keep=Elevation,Slope")
    assert call(step.main, *words).code == 0
    assert root.outputs.artifacts[interfaces.PREDICTIONS].read_bytes() == direct.read_bytes()
    assert root.outputs.parameters["summary"].startswith("294 rows scored, 0 rejected; 294 labelled rows: accuracy ")
    assert interfaces.REJECTS not in predict_task(root).outputs.artifacts


def test_rejected_rows_are_an_artifact_also_of_a_failed_pod(tmp_path: Path, registry: str) -> None:
    table = write_table(tmp_path / "a.csv", real_rows(21))
    lines = table.read_text().splitlines()
    lines[3] = "high" + lines[3][lines[3].index(",") :]
    table.write_text("\n".join(lines) + "\n")
    registered = RegistryOptions(registry=registry)
    for limit, phase in ((0, Phase.FAILED), (1, Phase.SUCCEEDED)):
        options: dict[str, Any] = {"input": str(table), "output": "scores.csv", "max_rejects": limit}
        task = predict_task(execute(tmp_path, rendered(registered=registered, **options)))
        assert task.phase is phase, task.message
        rejects = task.outputs.artifacts[interfaces.REJECTS]
        assert rejects.name == "scores.csv.rejects.csv"
        assert len(rejects.read_text().splitlines()) == 2
        assert (interfaces.PREDICTIONS in task.outputs.artifacts) is bool(limit)


def test_a_cached_result_does_not_replace_it(tmp_path: Path, registry: str) -> None:
    table = write_table(tmp_path / "a.csv", real_rows(21))
    workflow = rendered(registered=RegistryOptions(registry=registry), input=str(table), output="scores.csv")
    assert [predict_task(execute(tmp_path, workflow)).cached for _ in range(2)] == [False, False]


def test_the_pod_scores_with_a_version_that_the_key_signed_and_no_other(
    tmp_path: Path, registered: Path, keys: Path
) -> None:
    pytest.importorskip("model_signing", exc_type=ImportError)
    shutil.copytree(registered, tmp_path / "registry")
    folder = Folder(tmp_path / "registry")
    table = write_table(tmp_path / "a.csv", real_rows(21))
    options = PredictOptions(input=str(table), output="scores.csv")

    def ended(key: str) -> Node:
        public_key = signing.read_public_key(keys / key)
        prediction = Prediction(options, RegistryOptions(registry=folder.location), public_key=public_key)
        return execute(tmp_path, rendering.render_prediction(Settings(), prediction, "Workflow", name="w"))

    def refused(key: str) -> tuple[int | None, str]:
        task = predict_task(ended(key))
        assert task.phase is Phase.FAILED
        assert interfaces.PREDICTIONS not in task.outputs.artifacts
        return task.exit_code, task.message

    code, message = refused("own.pub")
    assert (code, "version v1 is not signed" in message) == (66, True), message
    signing.sign_version(folder, "v1", signing.Signer(keys / "own.pem"))
    code, message = refused("other.pub")
    assert (code, "signed with another key" in message) == (65, True), message
    root = ended("own.pub")
    assert root.phase is Phase.SUCCEEDED, predict_task(root).message
    assert root.outputs.parameters["summary"].startswith("21 rows scored")
    change_entry(tmp_path / "registry/versions/v1", "report.html", lambda path: path.write_text("<h1>Good</h1>"))
    code, message = refused("own.pub")
    assert (code, "not the files that were signed (report.html)" in message) == (65, True), message
