"""The pipeline of a run as a workflow: its tasks, its templates, and what concerns the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hera.workflows import DAG

from steps import CHAIN as CHAIN_POD
from steps import NAMES, PIPELINE
from steps import schema as schemas
from steps.core.errors import UsageError
from workflows import tasks, wiring
from workflows.argo import embedded_files, envelope, form
from workflows.argo.step import Slot
from workflows.argo.templates import container
from workflows.interfaces import CHAIN, prepare, register, report
from workflows.settings import overrides
from workflows.settings.resources import PLACEMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hera.workflows import Container, Task, Workflow
    from hera.workflows.models import DAGTask

    from steps.schema import Schema
    from workflows.argo.step import Step
    from workflows.settings import Settings
    from workflows.settings.overrides import Overrides

NAME = "covertype"


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
    first, reporting = prepare(slugs, table_schema, files), report(slugs, table_schema)
    last = [reporting, *([_registration(settings, slugs, revision)] if settings.registry else [])]
    all_tasks, templates = _tasks(settings, slugs, set_by_user, first, last)
    dag = DAG(
        name="pipeline",
        fail_fast=False,
        tasks=all_tasks,
        outputs=tasks.outputs(reporting, with_register=bool(settings.registry), whole_run=settings.pods == "all"),
    )
    return envelope.make_workflow(
        settings,
        [dag, *templates],
        form.parameters(settings),
        name=name,
        prefix=NAME,
        revision=revision,
        description=form.description(),
        deadlines=[settings.resources(step).deadline_seconds for step in _successive_steps(settings)],
    )


def _registration(settings: Settings, slugs: Sequence[str], revision: str) -> Step:
    """Return the step that registers the models; the policy of the gate becomes part of the workflow."""
    policy = None
    if settings.policy:
        policy = Slot("policy", "policy.toml", raw=embedded_files.read_text(settings.policy, "--policy"))
    return register(slugs, settings.registry, revision, policy)


def _tasks(
    settings: Settings, slugs: Sequence[str], given: Overrides, first: Step, last: Sequence[Step]
) -> tuple[list[Task | DAGTask], list[Container]]:
    """Return the tasks of a run and their templates. ``auto`` has a pod for each step where nothing chose before."""
    if settings.pods == "all":
        _check_placement(settings)
        task, template = tasks.whole_run_task(settings, slugs, given, wiring.whole_run(settings, slugs, first, last))
        return [task], [template]
    whole_chains = settings.pods == "cover-type"
    middle, templates = (tasks.cover_type_tasks if whole_chains else tasks.step_tasks)(settings, slugs, given)
    own = [container(step, settings, {}) for step in (first, *last)]
    return (
        [tasks.prepare_task(), *middle, *tasks.last_tasks(slugs, settings, fused_chains=whole_chains)],
        [own[0], *templates, *own[1:]],
    )


def _check_placement(settings: Settings) -> None:
    """Raise UsageError where a step needs another node or account than the pod of all steps has."""
    pod = settings.steps.get(PIPELINE)
    for step in (*NAMES, CHAIN_POD):
        own = settings.steps.get(step)
        for name in PLACEMENT:
            if own and name in own.model_fields_set and not (pod and name in pod.model_fields_set):
                raise UsageError(
                    f"one pod for all steps cannot have the {name} of one step",
                    where=f"steps.{step}.{name}",
                    fix=f"set steps.{PIPELINE}.{name}, or use --pods step",
                )


def _successive_steps(settings: Settings) -> list[str]:
    """Return the pods of a run that follow one another."""
    if settings.pods == "all":
        return [PIPELINE]
    return ["prepare", *([CHAIN_POD] if settings.pods == "cover-type" else CHAIN), "report", "register"]
