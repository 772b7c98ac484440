"""The rendered pipeline: golden files, and a comparison of its options with the command lines of the steps."""

from __future__ import annotations

import importlib
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hera.workflows import models

from steps import NAMES
from steps.core import runtime
from steps.core.errors import NoInputError, UsageError
from tests.golden import write as golden
from workflows import rendering
from workflows.argo import envelope, form
from workflows.interfaces import CHAIN, source_file
from workflows.local import binding
from workflows.local.nodes import Phase
from workflows.local.scheduler import Scheduler
from workflows.rendered import references
from workflows.rendered.expressions import task_names
from workflows.rendered.reader import read_workflow
from workflows.runs import results
from workflows.settings import Resources, Settings, overrides

Pods = Literal["step", "cover-type", "all"]

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.local.nodes import Node


@pytest.mark.parametrize("name", golden.ALL_CASES)
def test_golden(name: str) -> None:
    expected = (golden.HERE / f"{name}.yaml").read_text()
    assert golden.without_schema(golden.render(name)) == expected, "run `make golden` and look at the difference"


@pytest.mark.parametrize("pods", ["step", "cover-type", "all"])
def test_outputs_of_a_pod_have_different_file_names_and_the_ui_draws_the_report_alone(pods: Pods) -> None:
    settings = Settings(pods=pods, registry="models", set={"train.aspen.rounds": 3})
    drawn = set()
    for template in read_workflow(rendering.render(settings, "Workflow")).templates.values():
        files = [PurePosixPath(slot.path).name for slot in template.outputs.artifacts.values() if slot.path]
        assert len(files) == len(set(files)), template.name
        drawn |= {file for file in files if "." in file}
    assert drawn == {"report.html", "report.json", "decision.html"}


@pytest.mark.parametrize("kind", rendering.KINDS)
def test_a_run_of_every_kind_has_the_labels_and_a_description(kind: str) -> None:
    spec = rendering.render(Settings(), kind, name="mine", revision="abc")["spec"]
    metadata = spec.get("workflowSpec", spec)["workflowMetadata"]
    assert metadata["labels"] == {"app.kubernetes.io/name": "covertype", "covertype/revision": "abc"}
    assert metadata["annotations"] == {envelope.DESCRIPTION: form.description()}


@pytest.mark.parametrize("kind", ["WorkflowTemplate", "CronWorkflow"])
def test_the_description_of_a_form_or_schedule_has_the_values_that_it_starts_with(kind: str) -> None:
    metadata = rendering.render(Settings(preset="fast", rows=3000), kind)["metadata"]
    assert "fast, 3000 rows." in metadata["annotations"][envelope.DESCRIPTION]


def test_the_outputs_of_a_run_are_the_report_and_its_main_figures() -> None:
    outputs = read_workflow(rendering.render(Settings(), "Workflow")).templates["pipeline"].outputs
    assert list(outputs.artifacts) == ["report"]
    assert list(outputs.parameters) == ["summary", "accuracy", "macro-f1", "worst-class"]
    with_registry = read_workflow(rendering.render(Settings(registry="models"), "Workflow")).templates["pipeline"]
    assert set(with_registry.outputs.parameters) - set(outputs.parameters) == {"registration"}


def test_a_run_may_take_a_week_or_the_deadlines_of_its_steps() -> None:
    def deadline(**settings: Any) -> int:
        seconds: int = rendering.render(Settings(**settings), "Workflow")["spec"]["activeDeadlineSeconds"]
        return seconds

    assert deadline() == deadline(pods="cover-type") == 7 * 86_400
    assert deadline(steps={"tune": Resources(deadline_seconds=10**6)}) == 10**6 + 3600 * 6 + 4 * 3600
    assert deadline(pods="cover-type", steps={"chain": Resources(deadline_seconds=10**6)}) == 10**6 + 3 * 3600


def test_the_pod_of_all_steps_has_what_the_largest_step_has_and_a_week() -> None:
    steps = {"split": Resources(memory="6Gi"), "report": Resources(cpu="2")}
    settings = Settings(pods="all", steps=steps)
    assert settings.resources("pipeline").model_dump(include={"cpu", "cpu_limit", "memory", "memory_limit"}) == {
        "cpu": "2",
        "cpu_limit": "2",
        "memory": "6Gi",
        "memory_limit": "6Gi",
    }
    assert rendering.render(settings, "Workflow")["spec"]["activeDeadlineSeconds"] == 7 * 86_400


@pytest.mark.parametrize("own", [{"gpu": 1}, {"service_account": "reader"}, {"node_selector": {"pool": "batch"}}])
def test_a_pod_of_all_steps_has_no_account_or_node_of_one_step(own: dict[str, Any]) -> None:
    steps = {"train": Resources(**own)}
    name = next(iter(own))
    with pytest.raises(UsageError, match=rf"in steps\.train\.{name}: set steps\.pipeline\.{name}, or use --pods step"):
        rendering.render(Settings(pods="all", steps=steps), "Workflow")
    rendering.render(Settings(pods="all", steps={**steps, "pipeline": Resources(**own)}), "Workflow")


def test_studies_of_all_cover_types_in_one_pod_are_apart_on_the_volume() -> None:
    settings = Settings(study_volume="studies", pods="all", cover_types=("4", "aspen"))
    [_, template] = rendering.render(settings, "Workflow")["spec"]["templates"]
    mounts = {each["mountPath"]: each["subPath"] for each in template["container"]["volumeMounts"] if "subPath" in each}
    slugs = ("cottonwood-willow", "aspen")
    assert mounts == {f"/kept/study-{slug}": f"{{{{workflow.name}}}}/{slug}" for slug in slugs}
    kept = [slot["path"] for slot in template["outputs"]["artifacts"] if slot["name"].startswith("study-")]
    assert [path.rpartition("/")[0] for path in kept] == list(mounts)


def options_of(step: str) -> dict[str, Any]:
    """Return the options of a step's command line, by name without dashes."""
    from typer.main import get_command

    command = get_command(runtime.as_app(importlib.import_module(f"steps.{step}").main))
    return {option.removeprefix("--"): parameter for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("step", NAMES)
def test_template_arguments_are_options_of_the_step(step: str) -> None:
    every: dict[str, Any] = {
        f"{step_}.{name}": option.choices[0] if option.choices else option.option.maximum or 1
        for step_, options in overrides.OPTIONS.items()
        for name, option in options.items()
    }
    for settings in (Settings(registry="models"), Settings(registry="models", set=every)):
        container = read_workflow(rendering.render(settings, "Workflow")).templates[step].container
        assert container is not None
        given = [argument.removeprefix("--").partition("=")[0] for argument in container.arguments]
        known = options_of(step)
        assert set(given) <= set(known)
        required = {name for name, parameter in known.items() if parameter.required}
        assert required <= set(given), f"required options of {step} that the template does not fill"
        once = [name for name in given if not getattr(known[name], "multiple", False)]
        assert len(once) == len(set(once))


@pytest.mark.parametrize("step", sorted(overrides.OPTIONS))
def test_what_can_be_set_is_what_the_wiring_leaves_open(step: str) -> None:
    container = read_workflow(rendering.render(Settings(), "Workflow")).templates[step].container
    assert container is not None
    wired = {argument.removeprefix("--").partition("=")[0] for argument in container.arguments}
    # Settings that become artifacts, and options that are only for single steps.
    files = {"space", "warm-start", "earlier-study"}
    left_open = set(options_of(step)) - wired - {"help"} - files
    assert left_open | ({"threads"} & wired) == set(overrides.OPTIONS[step])


def test_parameters_of_the_form_have_the_values_the_steps_take() -> None:
    spec = rendering.render(Settings(), "Workflow")["spec"]
    enums = {entry["name"]: entry.get("enum") for entry in spec["arguments"]["parameters"]}
    for step, name in (
        ("prepare", "first-label"),
        ("prepare", "on-missing"),
        ("prepare", "duplicates"),
        ("tune", "preset"),
    ):
        assert [each.value for each in options_of(step)[name].type_descriptor.annotation] == enums[name]
    assert all(entry["description"] for entry in spec["arguments"]["parameters"])


@pytest.mark.parametrize(("pods", "count"), [("step", len(NAMES)), ("cover-type", 4), ("all", 1)])
def test_every_pod_meets_the_restricted_standard_and_has_limits(pods: Pods, count: int) -> None:
    rendered = rendering.render(Settings(pods=pods, registry="models"), "Workflow")
    assert models.Workflow.model_validate(rendered)
    leaves = [template for template in rendered["spec"]["templates"] if "container" in template]
    assert len(leaves) == count
    for template in leaves:
        container = template["container"]
        security = container["securityContext"]
        assert security["runAsNonRoot"]
        assert security["readOnlyRootFilesystem"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert set(container["resources"]) == {"requests", "limits"}
        assert template["activeDeadlineSeconds"] > 0
        assert template["retryStrategy"]["limit"] == 3
        assert "maxDuration" not in template["retryStrategy"]["backoff"]


def played(folder: Path, failing: str | tuple[str, ...], **settings: Any) -> Node:
    """Return the root of a run whose tasks succeed, without processes, except those whose names end like this."""
    document = read_workflow(rendering.render(Settings(cover_types=("4", "aspen"), **settings), "Workflow"))
    scheduler = Scheduler(document, binding.workflow_scope(document, "w"), folder, lambda _: None)
    scheduler.start()
    while scheduler.ready:
        node = scheduler.ready.pop()
        failed = node.name.endswith(failing)
        node.outputs.artifacts = {} if failed else binding.artifact_paths(node.template, folder / node.name)
        node.outputs.parameters = dict.fromkeys(node.template.outputs.parameters, "")
        scheduler.finish_node(node, Phase.FAILED if failed else Phase.SUCCEEDED)
    return scheduler.root


def test_every_task_of_a_cover_type_is_named_after_it_and_its_step(tmp_path: Path) -> None:
    root = played(tmp_path, "nothing", registry="models")
    slugs = ("cottonwood-willow", "aspen")
    chains = [(slug, step) for slug in slugs for step in CHAIN]
    assert [node.cell for node in root.children.values()] == [("prepare",), *chains, ("report",), ("register",)]
    assert [leaf.name for leaf in root.leaves()][1:-2] == ["-".join(cell) for cell in chains]
    assert root.phase is Phase.SUCCEEDED


@pytest.mark.parametrize("trials", [0, 3])
def test_training_follows_a_search_that_is_skipped(tmp_path: Path, trials: int) -> None:
    children = played(tmp_path, "nothing", trials=trials).children
    assert children["aspen-tune"].phase is (Phase.SUCCEEDED if trials else Phase.SKIPPED)
    assert children["aspen-train"].phase is Phase.SUCCEEDED
    assert ("parameters" in children["aspen-train"].inputs.artifacts) is bool(trials)
    assert ("trial-table-aspen" in children["report"].inputs.artifacts) is bool(trials)


@pytest.mark.parametrize("pods", ["step", "cover-type"])
@pytest.mark.parametrize("failing", CHAIN)
def test_the_report_covers_the_cover_types_that_succeeded(tmp_path: Path, failing: str, pods: Pods) -> None:
    task = "aspen" if pods == "cover-type" else f"aspen-{failing}"
    children = played(tmp_path, task, pods=pods, trials=1).children
    report = children["report"]
    assert children[task].phase is Phase.FAILED
    assert report.phase is Phase.SUCCEEDED
    assert "metrics-cottonwood-willow" in report.inputs.artifacts
    assert "metrics-aspen" not in report.inputs.artifacts


@pytest.mark.parametrize("pods", ["step", "cover-type"])
@pytest.mark.parametrize("failing", ["train", "evaluate"])
def test_where_no_cover_type_succeeded_there_is_no_report(tmp_path: Path, failing: str, pods: Pods) -> None:
    tasks = ("aspen", "cottonwood-willow") if pods == "cover-type" else (f"-{failing}",)
    root = played(tmp_path, tasks, pods=pods, registry="models")
    assert root.phase is Phase.FAILED
    assert {root.children[name].phase for name in ("report", "register")} == {Phase.OMITTED}
    failed = {leaf.name for leaf in root.leaves() if leaf.phase.unsuccessful}
    assert len(failed) == 2
    assert results.root_failures(dict.fromkeys(failed, "")).keys() == failed


@pytest.mark.parametrize("pods", ["step", "cover-type"])
def test_the_report_depends_on_the_last_step_of_each_cover_type_alone(pods: Pods) -> None:
    """Otherwise the Argo UI draws an edge around all steps, and hides those of the cover types."""
    settings = Settings(cover_types=("4", "aspen"), pods=pods)
    tasks = read_workflow(rendering.render(settings, "Workflow")).templates["pipeline"].tasks
    [depends] = [task.depends for task in tasks if task.name == "report"]
    last = "" if pods == "cover-type" else "-evaluate"
    assert task_names(depends) == {f"cottonwood-willow{last}", f"aspen{last}"}


@pytest.mark.parametrize("pods", ["step", "cover-type"])
def test_without_rows_there_is_no_report(tmp_path: Path, pods: Pods) -> None:
    root = played(tmp_path, "prepare", pods=pods, registry="models")
    assert root.phase is Phase.FAILED
    assert {node.phase for node in root.children.values()} == {Phase.FAILED, Phase.OMITTED}


def test_overrides_of_one_cover_type_leave_the_others_alone() -> None:
    plain = read_workflow(rendering.render(Settings(), "Workflow")).templates
    own = read_workflow(rendering.render(Settings(set={"train.aspen.rounds": 3}), "Workflow")).templates
    assert {name: own[name] for name in plain if name != "pipeline"} == {
        name: template for name, template in plain.items() if name != "pipeline"
    }
    assert set(own) - set(plain) == {"train-aspen"}
    assert own["train-aspen"].inputs.parameters["rounds"].value == "3"


def test_a_gpu_is_what_the_training_uses_unless_something_else_is_set() -> None:
    steps = {"train": Resources(gpu=1)}

    def device(**settings: Any) -> Any:
        read = read_workflow(rendering.render(Settings(steps=steps, **settings), "Workflow"))
        return read.templates["train"].inputs.parameters["device"].value

    assert device() == "cuda"
    assert device(set={"train.device": "cpu"}) == "cpu"
    rendered = rendering.render(Settings(steps=steps), "Workflow")["spec"]["templates"]
    [train] = [template for template in rendered if template["name"] == "train"]
    assert train["container"]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert train["container"]["resources"]["limits"]["memory"] == "2Gi"


def test_a_query_becomes_part_of_the_workflow(tmp_path: Path) -> None:
    query = tmp_path / "rows.sql"
    query.write_text("SELECT 1\n")
    settings = Settings(source="bq://project", query=str(query))
    prepare = read_workflow(rendering.render(settings, "Workflow")).templates["prepare"]
    assert prepare.inputs.artifacts["query"].raw == "SELECT 1\n"
    assert prepare.container is not None
    assert "--query={{inputs.artifacts.query.path}}" in prepare.container.arguments
    with pytest.raises(NoInputError, match=r"no such file, in .*nowhere\.sql: check --query"):
        rendering.render(Settings(query=str(tmp_path / "nowhere.sql")), "Workflow")


def test_only_prepare_and_register_run_under_the_accounts_that_are_given_to_them() -> None:
    steps = {"prepare": Resources(service_account="reader"), "register": Resources(service_account="writer")}
    templates = rendering.render(Settings(steps=steps, registry="gs://b/models"), "Workflow")["spec"]["templates"]
    found = {template["name"]: template.get("serviceAccountName") for template in templates}
    assert {name: account for name, account in found.items() if account} == {"prepare": "reader", "register": "writer"}


@pytest.mark.parametrize(("pods", "template"), [("step", "tune"), ("cover-type", "cover-type"), ("all", "all")])
def test_a_search_space_becomes_part_of_the_workflow(tmp_path: Path, pods: Pods, template: str) -> None:
    space = tmp_path / "space.toml"
    space.write_text("[parameters.rounds]\n")
    read = read_workflow(rendering.render(Settings(space=str(space), pods=pods), "Workflow"))
    tune = read.templates[template]
    assert tune.inputs.artifacts["space"].raw == "[parameters.rounds]\n"
    assert tune.container is not None
    assert "--space={{inputs.artifacts.space.path}}" in tune.container.arguments
    assert not list(references.reference_problems(read))
    with pytest.raises(NoInputError, match="check --space"):
        rendering.render(Settings(space=str(tmp_path / "nowhere.toml")), "Workflow")


@pytest.mark.parametrize(("pods", "template"), [("step", "tune"), ("cover-type", "cover-type"), ("all", "all")])
def test_the_best_points_of_an_earlier_run_become_part_of_the_workflow(
    tmp_path: Path, pods: Pods, template: str
) -> None:
    points = [{"value": 0.9, "parameters": {"rounds": 7}}]
    report = {"cover_types": {"aspen": {"search": {"best_points": points}}, "krummholz": {"search": None}}}
    (tmp_path / "report.json").write_text(json.dumps(report))
    for place in (tmp_path, tmp_path / "report.json"):
        read = read_workflow(rendering.render(Settings(warm_start=str(place), pods=pods), "Workflow"))
        tune = read.templates[template]
        carried = json.loads(tune.inputs.artifacts["warm-start"].raw or "")
        assert list(carried) == ["warm_start"]
        assert [point["rounds"] for point in carried["warm_start"].pop("aspen")] == [7]
        assert not carried["warm_start"]
        assert tune.container is not None
        assert "--warm-start={{inputs.artifacts.warm-start.path}}" in tune.container.arguments
        assert not list(references.reference_problems(read))


@pytest.mark.parametrize(("pods", "template"), [("step", "tune"), ("cover-type", "cover-type")])
@pytest.mark.parametrize("name", ["", "mine"])
def test_trials_are_kept_on_a_volume_by_run_and_cover_type(pods: Pods, template: str, name: str) -> None:
    settings: dict[str, Any] = {"study_volume": "studies", "pods": pods, **({"study_name": name} if name else {})}
    rendered = rendering.render(Settings(**settings), "Workflow")["spec"]["templates"]
    for entry in rendered:
        claims = [volume["persistentVolumeClaim"] for volume in entry.get("volumes", []) if "emptyDir" not in volume]
        assert bool(claims) == (entry["name"] == template)
    [tune] = [entry for entry in rendered if entry["name"] == template]
    [mount] = [mount for mount in tune["container"]["volumeMounts"] if "subPath" in mount]
    assert mount["subPath"] == f"{name or '{{workflow.name}}'}/{{{{inputs.parameters.cover-type}}}}"
    [study] = [artifact for artifact in tune["outputs"]["artifacts"] if artifact["name"] == "study"]
    assert study["path"].startswith(mount["mountPath"] + "/")


def test_a_study_of_a_name_needs_a_volume() -> None:
    with pytest.raises(UsageError, match="nothing to keep it on, in --study-name: give --study-volume too"):
        rendering.render(Settings(study_name="mine"), "Workflow")


@pytest.mark.parametrize("kind", ["s3", "gcs"])
def test_the_file_of_a_source_is_an_input_of_prepare_from_the_artifact_repository(kind: str) -> None:
    slot = source_file("table.csv", {kind: {"key": "sources/abc"}})
    spec = rendering.render(Settings(source="./table.csv"), "Workflow", source_file=slot)["spec"]
    [prepare] = [template for template in spec["templates"] if template["name"] == "prepare"]
    [found] = [entry for entry in prepare["inputs"]["artifacts"] if entry["name"] == "source-file"]
    assert found == {"name": "source-file", "path": "/work/in/source-file/table.csv", kind: {"key": "sources/abc"}}
    assert "--source-file={{inputs.artifacts.source-file.path}}" in prepare["container"]["args"]
