"""The wiring: prepare -> one pipeline per cover type (split -> preprocess -> tune -> train -> evaluate) -> report.

This file says which step feeds which. The fan-out is static, with one task per cover type and explicit artifacts:
Argo's ``withItems`` does not collect artifacts. In names of this module, the pipeline of one cover type is a chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hera.workflows import DAG, Artifact, Container, Parameter, Task, Workflow
from hera.workflows.models import DAGTask, Metadata, ValueFrom, WorkflowMetadata

from steps import CHAIN as CHAIN_STEP
from steps import schema as schemas
from steps.core.errors import UsageError
from workflows.argo import embedded_files, form, fused, hardening, housekeeping
from workflows.argo.fused import Chain
from workflows.argo.step import Slot
from workflows.argo.templates import COVER_TYPE, container
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.schema import Schema
    from workflows.argo.step import Step
    from workflows.settings import Settings
    from workflows.settings.overrides import Overrides

NAME = "covertype"
# Annotation with the text that the Argo UI shows beside the name of a run.
DESCRIPTION = "workflows.argoproj.io/description"
# Outputs of a chain: artifact name -> (task, artifact of the task).
CHAIN_OUTPUTS = {
    "model": ("train", "model"),
    "learning-curve": ("train", "learning-curve"),
    "trial-table": ("tune", "trial-table"),
    "study": ("tune", "study"),
    "metrics": ("evaluate", "metrics"),
    "scores": ("evaluate", "scores"),
    **{f"usage-{step}": (step, "usage") for step in CHAIN},
}
# Source of each input of a step: an input of the chain, or a step and its output.
CHAIN_SOURCES: dict[str, dict[str, str | tuple[str, str]]] = {
    "split": {"dataset": "dataset"},
    "preprocess": {part: ("split", part) for part in ("train", "validation", "test")},
    "tune": {part: ("preprocess", part) for part in ("train-features", "validation-features")},
    "train": {
        "train-features": ("preprocess", "train-features"),
        "validation-features": ("preprocess", "validation-features"),
        "preprocessor": ("preprocess", "preprocessor"),
        "parameters": ("tune", "best-parameters"),
    },
    "evaluate": {"model": ("train", "model"), "test-features": ("preprocess", "test-features")},
}
# Steps that run only if an expression of their inputs is true. ``train`` takes the preset where nothing is searched.
CONDITIONS = {"tune": "{{inputs.parameters.trials}} != 0"}
# Each once, in the order of the steps.
CHAIN_PARAMETERS = tuple(dict.fromkeys(name for step in CHAIN for name in form_parameters(step)))


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
    chains, steps = _chains(settings, slugs, set_by_user)
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
            _pipeline(slugs, chains, reporting, with_register=bool(settings.registry)),
            *chains.values(),
            container(prepare(slugs, table_schema, files), settings, {}),
            *steps,
            *(container(step, settings, {}) for step in last),
        ],
    )


def _whole_chain(settings: Settings) -> Chain:
    """Return the steps of a cover type and their connections; the files of a search become part of the workflow."""
    given = []
    if settings.space:
        given.append(Slot("space", "space.toml", raw=embedded_files.read_text(settings.space, "--space")))
    if settings.warm_start:
        given.append(Slot("warm-start", "warm-start.json", raw=embedded_files.read_warm_start(settings.warm_start)))
    tune = replace(CHAIN_STEPS["tune"], inputs=[*CHAIN_STEPS["tune"].inputs, *given])
    sources = {**CHAIN_SOURCES, "tune": {**CHAIN_SOURCES["tune"], **{slot.name: slot.name for slot in given}}}
    inputs = (Slot("dataset", "dataset.parquet"), *given)
    return Chain({**CHAIN_STEPS, "tune": tune}, inputs, sources, CHAIN_OUTPUTS)


def _pipeline(slugs: Sequence[str], chains: dict[str, DAG | Container], reporting: Step, *, with_register: bool) -> DAG:
    """Return the main DAG: prepare, a chain for each cover type, the report, and the registration if there is one."""
    first = Task(
        name="prepare",
        template="prepare",
        arguments=[
            Parameter(name=name, value=f"{{{{workflow.parameters.{name}}}}}") for name in form_parameters("prepare")
        ],
    )
    middle = [
        Task(
            name=slug,
            template=(chains.get(slug) or chains[""]).name,
            depends="prepare",
            arguments=[
                *(Parameter(name=name, value=f"{{{{workflow.parameters.{name}}}}}") for name in CHAIN_PARAMETERS),
                Parameter(name=COVER_TYPE, value=slug),
                Artifact(name="dataset", from_=f"{{{{tasks.prepare.outputs.artifacts.dataset-{slug}}}}}"),
            ],
        )
        for slug in slugs
    ]
    last = Task(
        name="report",
        template="report",
        # The report covers the cover types that succeeded, and fails if one is missing.
        depends=" && ".join(f"({slug}.Succeeded || {slug}.Failed || {slug}.Errored)" for slug in slugs),
        arguments=[
            *(Parameter(name=name, value=f"{{{{workflow.parameters.{name}}}}}") for name in ("seed", "preset")),
            Artifact(name="profile", from_="{{tasks.prepare.outputs.artifacts.profile}}"),
            Artifact(name="usage-prepare", from_="{{tasks.prepare.outputs.artifacts.usage}}"),
            *(
                Artifact(name=f"{name}-{slug}", from_=f"{{{{tasks.{slug}.outputs.artifacts.{name}}}}}", optional=True)
                for slug in slugs
                for name in REPORTED
            ),
        ],
    )
    return DAG(
        name="pipeline",
        fail_fast=False,
        tasks=[first, *middle, last, *([_register(slugs)] if with_register else [])],
        outputs=[
            *_values_of("report", reporting),
            *([_value_of("register", "summary", name="registration")] if with_register else []),
            Artifact(name="report", from_="{{tasks.report.outputs.artifacts.html}}"),
        ],
    )


def _register(slugs: Sequence[str]) -> Task:
    """Return the task that registers the models; it runs only if the report succeeded, so that no model is missing."""
    return Task(
        name="register",
        template="register",
        depends="report",
        arguments=[
            *(
                Artifact(name=f"{name}-{slug}", from_=f"{{{{tasks.{slug}.outputs.artifacts.{name}}}}}", optional=True)
                for slug in slugs
                for name in ("model", "metrics")
            ),
            *(
                Artifact(name=f"report-{name}", from_=f"{{{{tasks.report.outputs.artifacts.{name}}}}}")
                for name in ("html", "json")
            ),
        ],
    )


def _values_of(task: str, step: Step) -> list[Parameter]:
    """Return output parameters of a DAG that pass on those of one of its tasks."""
    return [_value_of(task, value) for value in step.values]


def _value_of(task: str, value: str, *, name: str | None = None) -> Parameter:
    """Return an output parameter of a DAG that passes on one of a task, under its name or another."""
    return Parameter(
        name=name or value, value_from=ValueFrom(parameter=f"{{{{tasks.{task}.outputs.parameters.{value}}}}}")
    )


def _successive_steps(settings: Settings) -> list[str]:
    """Return the steps of a run that follow one another."""
    return ["prepare", *([CHAIN_STEP] if settings.pods == "cover-type" else CHAIN), "report", "register"]


def _chains(
    settings: Settings, slugs: Sequence[str], given: Overrides
) -> tuple[dict[str, DAG | Container], list[Container]]:
    """Return the chain templates by slug (``""`` is the common one) and the step templates they use.

    A cover type with overrides of its own gets its own chain template. It shares all step templates but the overridden
    ones.
    """
    own = [slug for slug in slugs if slug in given.by_cover_type]
    chain = _whole_chain(settings)
    names = {slug: f"cover-type-{slug}" for slug in own}
    if len(own) < len(slugs):
        names[""] = "cover-type"
    if settings.pods == "cover-type":
        options = {slug: {step: given.of(step, slug or None) for step in CHAIN} for slug in names}
        return {slug: fused.container(chain, settings, options[slug], name) for slug, name in names.items()}, []
    chains: dict[str, DAG | Container] = {}
    steps: dict[str, Container] = {}
    for slug, name in names.items():
        templates = {step: f"{step}-{slug}" if step in given.by_cover_type.get(slug, {}) else step for step in CHAIN}
        chains[slug] = _chain(name, templates)
        for step, template in templates.items():
            own_options = given.of(step, slug if template != step else None)
            steps[template] = container(chain.steps[step], settings, own_options, name=template, of_cover_type=True)
    return chains, list(steps.values())


def _chain(name: str, templates: dict[str, str]) -> DAG:
    """Return the DAG template of one cover type, from its dataset to the metrics of its model."""
    tasks: list[Task | DAGTask] = [
        Task(
            name=step,
            template=templates[step],
            depends=CHAIN[i - 1] if i else None,
            when=CONDITIONS.get(step),
            arguments=[
                *(
                    Parameter(name=given, value=f"{{{{inputs.parameters.{given}}}}}")
                    for given in (
                        *(key for key, value in CHAIN_STEPS[step].parameters.items() if value is None),
                        COVER_TYPE,
                    )
                ),
                *(
                    Artifact(name=slot, from_=_from(source), optional=_may_be_absent(source) or None)
                    for slot, source in CHAIN_SOURCES[step].items()
                ),
            ],
        )
        for i, step in enumerate(CHAIN)
    ]
    return DAG(
        name=name,
        fail_fast=False,
        inputs=[*(Parameter(name=name) for name in (*CHAIN_PARAMETERS, COVER_TYPE)), Artifact(name="dataset")],
        tasks=tasks,
        outputs=[
            *(Artifact(name=name, from_=_from(place), optional=True) for name, place in CHAIN_OUTPUTS.items()),
            *_values_of("evaluate", CHAIN_STEPS["evaluate"]),
        ],
    )


def _may_be_absent(source: str | tuple[str, str]) -> bool:
    """Return whether the step that makes an artifact can be skipped."""
    return isinstance(source, tuple) and source[0] in CONDITIONS


def _from(source: str | tuple[str, str]) -> str:
    """Return Argo's reference to an input of the chain, or to an output of one of its steps."""
    if isinstance(source, str):
        return f"{{{{inputs.artifacts.{source}}}}}"
    return f"{{{{tasks.{source[0]}.outputs.artifacts.{source[1]}}}}}"
