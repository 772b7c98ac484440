"""The wiring of a run: prepare -> the steps of each cover type -> report -> register.

The fan-out is static, with tasks for each cover type and explicit artifacts: Argo's ``withItems`` does not collect
artifacts. All tasks are in one DAG. The name of a task is that of its node in the Argo UI, from the first second on: it
holds the cover type and the step (``aspen-train``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hera.workflows import DAG, Artifact, Container, Parameter, Task, Workflow
from hera.workflows.models import Metadata, ValueFrom, WorkflowMetadata

from steps import CHAIN as CHAIN_STEP
from steps import schema as schemas
from steps.core.errors import UsageError
from workflows.argo import embedded_files, form, fused, hardening, housekeeping
from workflows.argo.step import Slot
from workflows.argo.templates import container
from workflows.contract import COVER_TYPE, task_name
from workflows.interfaces import (
    CHAIN,
    CHAIN_STEPS,
    REPORTED,
    form_parameters,
    prepare,
    register,
    report,
)
from workflows.settings import overrides
from workflows.wiring import CHAIN_OUTPUTS, CHAIN_PARAMETERS, CHAIN_SOURCES, CONDITIONS, whole_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from steps.schema import Schema
    from workflows.argo.step import Step
    from workflows.settings import Settings
    from workflows.settings.overrides import Overrides

NAME = "covertype"
# Annotation with the text that the Argo UI shows beside the name of a run.
DESCRIPTION = "workflows.argoproj.io/description"


def chosen_cover_types(settings: Settings, schema: Schema) -> list[str]:
    """Return the slugs of the cover types to train, in the order of the schema; all if the settings name none."""
    wanted = {schema.cover_type(key).slug for key in settings.cover_types}
    return [slug for slug in schema.slugs if not wanted or slug in wanted]


def build(settings: Settings, *, name: str | None, revision: str = "", source_file: Slot | None = None) -> Workflow:
    """Return the workflow of a run.

    Args:
        settings: settings of the run.
        name: name of the run; if None, the cluster generates one.
        revision: git revision of the code, stored as a label.
        source_file: the file of the source, if it was uploaded, see ``interfaces.source_file``.

    Raises:
        PipelineError: the schema, a cover type or an override is wrong.
    """
    if settings.study_name and not settings.study_volume:
        raise UsageError("there is nothing to keep it on", where="--study-name", fix="give --study-volume too")
    text = schemas.read_text(settings.table_schema)
    schema = schemas.parse(text, settings.table_schema)
    slugs = chosen_cover_types(settings, schema)
    set_by_user = overrides.parse(settings.overrides, schema.slugs)
    table_schema = Slot("schema", "schema.toml", raw=text)
    files = [source_file] if source_file else []
    if settings.query:
        files.append(Slot("query", "query.sql", raw=embedded_files.read_text(settings.query, "--query")))
    reporting = report(slugs, table_schema)
    last = [reporting, *([register(slugs, settings.registry, revision)] if settings.registry else [])]
    fused_chains = settings.pods == "cover-type"
    tasks, templates = (_fused_chains if fused_chains else _chains)(settings, slugs, set_by_user)
    labels = {"app.kubernetes.io/name": NAME, **({"covertype/revision": revision} if revision else {})}
    return Workflow(
        name=name,
        generate_name=None if name else f"{NAME}-",
        namespace=settings.namespace,
        entrypoint="pipeline",
        service_account_name=settings.service_account,
        arguments=form.parameters(settings),
        labels=labels,
        workflow_metadata=WorkflowMetadata(labels=labels, annotations={DESCRIPTION: form.description()}),
        pod_metadata=Metadata(labels=labels),
        **housekeeping.fields(settings.resources(step).deadline_seconds for step in _successive_steps(settings)),
        security_context=hardening.pod_security(),
        pod_spec_patch=hardening.pod_spec_patch(),
        templates=[
            DAG(
                name="pipeline",
                fail_fast=False,
                tasks=[_prepare(), *tasks, *_last_tasks(slugs, settings, fused_chains=fused_chains)],
                outputs=_outputs(reporting, with_register=bool(settings.registry)),
            ),
            container(prepare(slugs, table_schema, files), settings, {}),
            *templates,
            *(container(step, settings, {}) for step in last),
        ],
    )


def _workflow_parameters(names: Iterable[str]) -> list[Parameter]:
    """Return arguments with the values of the workflow's parameters of these names."""
    return [Parameter(name=name, value=f"{{{{workflow.parameters.{name}}}}}") for name in names]


def _artifact_of(task: str, name: str) -> str:
    """Return Argo's reference to an output artifact of a task."""
    return f"{{{{tasks.{task}.outputs.artifacts.{name}}}}}"


def _prepare() -> Task:
    """Return the first task."""
    return Task(name="prepare", template="prepare", arguments=_workflow_parameters(form_parameters("prepare")))


def _chains(settings: Settings, slugs: Sequence[str], given: Overrides) -> tuple[list[Task], list[Container]]:
    """Return a task for each step of each cover type, and the templates of the steps.

    A cover type shares the template of a step with the others, unless it has overrides of its own for this step.
    """
    steps = whole_chain(settings).steps
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
            *_workflow_parameters(form_values),
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


def _fused_chains(settings: Settings, slugs: Sequence[str], given: Overrides) -> tuple[list[Task], list[Container]]:
    """Return a task for each cover type, which runs all its steps, and their templates.

    Cover types share a template, except those with overrides of their own.
    """
    chain = whole_chain(settings)
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
                *_workflow_parameters(CHAIN_PARAMETERS),
                Parameter(name=COVER_TYPE, value=slug),
                Artifact(name="dataset", from_=_artifact_of("prepare", f"dataset-{slug}")),
            ],
        )
        for slug, name in names.items()
    ]
    return tasks, list(templates.values())


def _last_tasks(slugs: Sequence[str], settings: Settings, *, fused_chains: bool) -> list[Task]:
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
    ended = (f"({task}.Succeeded || {task}.Failed || {task}.Errored || {task}.Omitted)" for task in last)
    return Task(
        name="report",
        template="report",
        # The report covers the cover types that succeeded, and fails if one is missing. A last step is omitted if an
        # earlier one failed.
        depends=" && ".join(["prepare", *ended]),
        arguments=[
            *_workflow_parameters(("seed", "preset")),
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
                for name in ("model", "metrics")
            ),
            *(Artifact(name=f"report-{name}", from_=_artifact_of("report", name)) for name in ("html", "json")),
        ],
    )


def _outputs(reporting: Step, *, with_register: bool) -> list[Parameter | Artifact]:
    """Return the outputs of the run: the values of the report, the registration if there is one, and the page."""
    values = [("report", value, value) for value in reporting.values]
    values += [("register", "summary", "registration")] if with_register else []
    return [
        *(
            Parameter(name=name, value_from=ValueFrom(parameter=f"{{{{tasks.{task}.outputs.parameters.{value}}}}}"))
            for task, value, name in values
        ),
        Artifact(name="report", from_=_artifact_of("report", "html")),
    ]


def _successive_steps(settings: Settings) -> list[str]:
    """Return the steps of a run that follow one another."""
    return ["prepare", *([CHAIN_STEP] if settings.pods == "cover-type" else CHAIN), "report", "register"]
