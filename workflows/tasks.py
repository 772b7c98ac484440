"""The tasks of a run, and the templates of the steps of cover types, for each way to divide the steps among pods.

The fan-out is static, with tasks for each cover type and explicit artifacts: Argo's ``withItems`` does not collect
artifacts. All tasks are in one DAG. The name of a task is that of its node in the Argo UI, from the first second on: it
holds the cover type and the step (``aspen-train``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hera.workflows import Artifact, Container, Parameter, Task
from hera.workflows.models import ValueFrom

from steps import CHAIN as CHAIN_POD
from steps import PIPELINE as PIPELINE_POD
from workflows import wiring
from workflows.argo import fused
from workflows.argo.templates import container
from workflows.contract import COVER_TYPE, task_name
from workflows.interfaces import CHAIN, CHAIN_STEPS, FINGERPRINTS, REPORTED, form_parameters
from workflows.settings.resources import cover_types_at_once
from workflows.wiring import CHAIN_OUTPUTS, CHAIN_PARAMETERS, CHAIN_SOURCES, CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from workflows.argo.step import Step
    from workflows.settings import Settings
    from workflows.settings.overrides import Overrides

# Name of the task and the template of the pod that runs all steps.
ALL = "all"


def workflow_parameters(names: Iterable[str]) -> list[Parameter]:
    """Return arguments with the values of the workflow's parameters of these names."""
    return [Parameter(name=name, value=f"{{{{workflow.parameters.{name}}}}}") for name in names]


def _artifact_of(task: str, name: str) -> str:
    """Return Argo's reference to an output artifact of a task."""
    return f"{{{{tasks.{task}.outputs.artifacts.{name}}}}}"


def prepare_task() -> Task:
    """Return the first task."""
    return Task(name="prepare", template="prepare", arguments=workflow_parameters(form_parameters("prepare")))


def step_tasks(settings: Settings, slugs: Sequence[str], given: Overrides) -> tuple[list[Task], list[Container]]:
    """Return a task for each step of each cover type, and the templates of the steps.

    A cover type shares the template of a step with the others, unless it has overrides of its own for this step.
    """
    steps = wiring.whole_chain(settings).steps
    tasks: list[Task] = []
    templates: dict[str, Container] = {}
    for slug in slugs:
        own = given.by_cover_type.get(slug, {})
        names = {step: f"{step}-{slug}" if step in own else step for step in CHAIN}
        for step, name in names.items():
            if name not in templates:
                options = given.of(step, slug if step in own else None)
                templates[name] = container(steps[step], settings, options, name=name, of_cover_type=True)
        tasks += [_step_task(slug, i, names[step]) for i, step in enumerate(CHAIN)]
    return tasks, list(templates.values())


def _step_task(slug: str, index: int, template: str) -> Task:
    """Return the task of a step of a cover type, given by the index of the step in ``CHAIN``."""
    step = CHAIN[index]
    form_values = (name for name, value in CHAIN_STEPS[step].parameters.items() if value is None)
    return Task(
        name=task_name(slug, step),
        template=template,
        depends=task_name(slug, CHAIN[index - 1]) if index else "prepare",
        when=CONDITIONS.get(step),
        arguments=[
            *workflow_parameters(form_values),
            Parameter(name=COVER_TYPE, value=slug),
            *(
                Artifact(name=slot, from_=_source(slug, source), optional=_may_be_absent(source) or None)
                for slot, source in CHAIN_SOURCES[step].items()
            ),
        ],
    )


def _source(slug: str, source: str | tuple[str, str]) -> str:
    """Return Argo's reference to an output of prepare for a cover type, or to one of the cover type's steps."""
    if isinstance(source, str):
        return _artifact_of("prepare", f"{source}-{slug}")
    return _artifact_of(task_name(slug, source[0]), source[1])


def _may_be_absent(source: str | tuple[str, str]) -> bool:
    """Return whether the step that makes an artifact can be skipped."""
    return isinstance(source, tuple) and source[0] in CONDITIONS


def cover_type_tasks(settings: Settings, slugs: Sequence[str], given: Overrides) -> tuple[list[Task], list[Container]]:
    """Return a task for each cover type, which runs all its steps, and their templates.

    Cover types share a template, except those with overrides of their own.
    """
    chain = wiring.whole_chain(settings)
    names = {slug: f"cover-type-{slug}" if slug in given.by_cover_type else "cover-type" for slug in slugs}
    templates = {
        name: fused.container(chain, settings, {step: given.of(step, slug) for step in CHAIN}, name)
        for slug, name in names.items()
    }
    tasks = [
        Task(
            name=slug,
            template=name,
            depends="prepare",
            arguments=[
                *workflow_parameters(CHAIN_PARAMETERS),
                Parameter(name=COVER_TYPE, value=slug),
                Artifact(name="dataset", from_=_artifact_of("prepare", f"dataset-{slug}")),
            ],
        )
        for slug, name in names.items()
    ]
    return tasks, list(templates.values())


def last_tasks(slugs: Sequence[str], settings: Settings, *, fused_chains: bool) -> list[Task]:
    """Return the tasks of the report and, if there is a registry, of the registration."""

    def output(slug: str, name: str) -> str:
        step, artifact = CHAIN_OUTPUTS[name]
        return _artifact_of(slug, name) if fused_chains else _artifact_of(task_name(slug, step), artifact)

    last = [slug if fused_chains else task_name(slug, CHAIN[-1]) for slug in slugs]
    return [_report(slugs, last, output), *([_register(slugs, output)] if settings.registry else [])]


def _report(slugs: Sequence[str], last: Sequence[str], output: Callable[[str, str], str]) -> Task:
    """Return the task of the report.

    Args:
        slugs: cover types.
        last: name of the last task of each cover type.
        output: returns Argo's reference to an output of a cover type, given by slug and name.
    """
    # The report covers the cover types that succeeded, and fails if one is missing. A last step is omitted if an
    # earlier one failed. If none succeeded, there is nothing to report. ``prepare`` is left out, because the Argo UI
    # would draw an edge from it to the report, around all other steps.
    ended = (f"({task}.Succeeded || {task}.Failed || {task}.Errored || {task}.Omitted)" for task in last)
    succeeded = " || ".join(f"{task}.Succeeded" for task in last)
    return Task(
        name="report",
        template="report",
        depends=" && ".join([*ended, f"({succeeded})"]),
        arguments=[
            *workflow_parameters(("seed", "preset")),
            Artifact(name="profile", from_=_artifact_of("prepare", "profile")),
            Artifact(name="usage-prepare", from_=_artifact_of("prepare", "usage")),
            *(
                Artifact(name=f"{name}-{slug}", from_=output(slug, name), optional=True)
                for slug in slugs
                for name in REPORTED
            ),
        ],
    )


def _register(slugs: Sequence[str], output: Callable[[str, str], str]) -> Task:
    """Return the task that registers the models; it runs only if the report succeeded, so that no model is missing."""
    return Task(
        name="register",
        template="register",
        depends="report",
        arguments=[
            *(
                Artifact(name=f"{name}-{slug}", from_=output(slug, name), optional=True)
                for slug in slugs
                for name in ("model", "metrics", "scores")
            ),
            Artifact(name="profile", from_=_artifact_of("prepare", "profile")),
            Artifact(name="report-html", from_=_artifact_of("report", "report")),
            Artifact(name="report-json", from_=_artifact_of("report", "json")),
            Artifact(name=FINGERPRINTS.name, from_=_artifact_of("prepare", FINGERPRINTS.name)),
        ],
    )


def whole_run_task(
    settings: Settings, slugs: Sequence[str], given: Overrides, chain: fused.Chain
) -> tuple[Task, Container]:
    """Return the task that runs all steps in one pod, and its template.

    Args:
        settings: settings of the run.
        slugs: cover types.
        given: options of the steps that the user set.
        chain: all steps, see ``wiring.whole_run``.
    """
    options = {name: given.of(step.name, chain.cover_types.get(name)) for name, step in chain.steps.items()}
    at_once = cover_types_at_once(settings.resources(PIPELINE_POD), settings.resources(CHAIN_POD))
    template = fused.container(
        chain,
        settings,
        options,
        ALL,
        common={step.name: given.of(step.name) for step in chain.steps.values()},
        flags=[f"--parallel={min(at_once, len(slugs))}"],
    )
    names = dict.fromkeys(
        name for step in chain.steps.values() for name, value in step.parameters.items() if value is None
    )
    return Task(name=ALL, template=ALL, arguments=workflow_parameters(names)), template


def outputs(reporting: Step, *, with_register: bool, whole_run: bool) -> list[Parameter | Artifact]:
    """Return the outputs of the run: the values and the page of the report, the registration and the decision if any.

    Args:
        reporting: the report.
        with_register: whether the run registers its models.
        whole_run: whether one task runs all steps.
    """
    report, register = (ALL, ALL) if whole_run else ("report", "register")
    values = [(report, value, value) for value in reporting.values]
    if with_register:
        values.append((register, "registration" if whole_run else "summary", "registration"))
    return [
        *(
            Parameter(name=name, value_from=ValueFrom(parameter=f"{{{{tasks.{task}.outputs.parameters.{value}}}}}"))
            for task, value, name in values
        ),
        Artifact(name="report", from_=_artifact_of(report, "report")),
        *(
            [Artifact(name="decision", from_=_artifact_of(register, "decision"), optional=True)]
            if with_register
            else []
        ),
    ]
