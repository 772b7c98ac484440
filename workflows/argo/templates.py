"""One function that makes a hardened container template for a step.

A template's arguments use Argo's own variables for parameters and paths, so that the same rendered template runs on a
cluster and in the local executor. Option names of a step's command line are the names in its template.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hera.workflows import (
    Artifact,
    Container,
    EmptyDirVolume,
    Env,
    ExistingVolume,
    NoneArchiveStrategy,
    Parameter,
    RawArtifact,
    RetryStrategy,
)
from hera.workflows import Resources as HeraResources
from hera.workflows.models import (
    Backoff,
    IntOrString,
    Template,
    Toleration,
    ValueFrom,
)

from steps.core.errors import BadConfigurationError
from workflows.argo import hardening
from workflows.contract import (
    CONTINUES_ANNOTATION,
    DESPITE_ANNOTATION,
    PUBLISHES_ANNOTATION,
    RETRY_EXPRESSION,
    SOURCE_ANNOTATION,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workflows.settings import Resources, Settings

# Volumes are mounted apart: a folder that a mount makes inside another volume belongs to root.
INPUTS, OUTPUTS, KEPT = "/work/in", "/work/out", "/kept"
RETRIES = 3
# The parameter that says which cover type a pod works for: it names and labels the pod, and no step reads it.
COVER_TYPE = "cover-type"


@dataclass(frozen=True)
class Slot:
    """An input or output artifact of a step: its name, its file name, and the option it is given to.

    ``key`` is put before the path, as in ``--metrics aspen=PATH``; ``raw`` is content that is part of the template.
    """

    name: str
    file: str
    option: str = ""
    key: str = ""
    optional: bool = False
    raw: str | None = None

    def argument(self, kind: str) -> str:
        """Return the argument that hands the slot's path to the step; ``kind`` is inputs or outputs."""
        key = f"{self.key}=" if self.key else ""
        return f"--{self.option or self.name}={key}{{{{{kind}.artifacts.{self.name}.path}}}}"


@dataclass(frozen=True)
class Step:
    """What a step takes and gives, as its command line names it."""

    name: str
    inputs: Sequence[Slot] = ()
    outputs: Sequence[Slot] = ()
    # Parameters by name; a value of None must be given by the task.
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    # Arguments that are the same in every run of the rendered workflow.
    fixed: Sequence[str] = ()
    source_parameters: Sequence[str] = ()
    # Output parameters: small values that the Argo UI shows, each an option of its name.
    values: Sequence[str] = ()
    # Whether it changes something outside the run.
    publishes: bool = False
    # Outputs that go on from those of an earlier attempt, and the parameters that may differ from that attempt's.
    continues: Sequence[str] = ()
    continues_despite: Sequence[str] = ()
    # What its parameters become in a pod that has a GPU.
    on_gpu: Mapping[str, str] = field(default_factory=dict)

    def chosen(self, resources: Resources, overrides: Mapping[str, str]) -> dict[str, str | None]:
        """Return the parameters with what the pod and a person make of them."""
        return {**self.parameters, **(self.on_gpu if resources.gpu else {}), **overrides}


class _Pod(Container):
    """Hera's container with what Hera does not write: the name of a node in the Argo UI, such as aspen.train."""

    def _build_template(self) -> Template:
        template = super()._build_template()
        if cover_type := (self.labels or {}).get(f"covertype/{COVER_TYPE}"):
            step = str((self.command or [""])[-1]).rpartition(".")[2]
            template.annotations = {"workflows.argoproj.io/display-name": f"{cover_type}.{step}"}
        return template


def container(
    step: Step,
    settings: Settings,
    overrides: Mapping[str, str],
    name: str | None = None,
    *,
    of_cover_type: bool = False,
) -> Container:
    """Return the template of a step.

    Args:
        step: what the step takes and gives.
        settings: image and resources.
        overrides: further options of the step's command line, fixed at render time.
        name: name of the template, where it is not the step's.
        of_cover_type: whether each of its pods belongs to a cover type, which is then a parameter.
    """
    parameters = step.chosen(settings.resources(step.name), overrides)
    return pod(step, settings, parameters, arguments(step, parameters), name=name, of_cover_type=of_cover_type)


def pod(  # noqa: PLR0913 - what differs between pods
    step: Step,
    settings: Settings,
    parameters: Mapping[str, str | None],
    words: list[str],
    *,
    name: str | None = None,
    of_cover_type: bool = False,
) -> Container:
    """Return the template of a pod that runs a step's module with these ``words`` as its arguments."""
    resources = settings.resources(step.name)
    given = {**parameters, **({COVER_TYPE: None} if of_cover_type else {})}
    return _Pod(
        name=name or step.name,
        image=settings.image,
        image_pull_policy="IfNotPresent",
        command=["python", "-m", f"steps.{step.name}"],
        args=words,
        inputs=[*(_parameter(key, value) for key, value in given.items()), *(_input(slot) for slot in step.inputs)],
        outputs=[*_outputs(step, settings), *(_value(value) for value in step.values)],
        env=[Env(name="COVERTYPE_RUN", value="{{workflow.name}}")],
        annotations=_annotations(step) or None,
        labels={f"covertype/{COVER_TYPE}": f"{{{{inputs.parameters.{COVER_TYPE}}}}}"} if of_cover_type else None,
        active_deadline_seconds=resources.deadline_seconds,
        retry_strategy=RetryStrategy(
            limit=RETRIES,
            retry_policy="Always",
            expression=RETRY_EXPRESSION,
            backoff=Backoff(duration="10s", factor=IntOrString(root=2), cap="2m"),
        ),
        service_account_name=resources.service_account,
        security_context=hardening.container_security(),
        resources=_resources(resources),
        node_selector=dict(resources.node_selector) or None,
        tolerations=[Toleration(**each.model_dump(exclude_none=True)) for each in resources.tolerations] or None,
        volumes=_volumes(step, settings),
    )


def _volumes(step: Step, settings: Settings) -> list[EmptyDirVolume | ExistingVolume]:
    """Return the folders a pod writes in; what a later attempt goes on from outlives it where there is a volume."""
    scratch = [EmptyDirVolume(name="work", mount_path="/work"), EmptyDirVolume(name="tmp", mount_path="/tmp")]  # noqa: S108
    if not settings.study_volume:
        return [*scratch]
    kept = [
        ExistingVolume(
            name=f"kept-{name}",
            claim_name=settings.study_volume,
            mount_path=f"{KEPT}/{name}",
            sub_path=f"{settings.study_name or '{{workflow.name}}'}/{{{{inputs.parameters.{COVER_TYPE}}}}}",
        )
        for name in step.continues
    ]
    return [*scratch, *kept]


def _annotations(step: Step) -> dict[str, str]:
    """Return what the local executor has to know of a step's pod."""
    found = {
        SOURCE_ANNOTATION: ",".join(step.source_parameters),
        PUBLISHES_ANNOTATION: "true" if step.publishes else "",
        CONTINUES_ANNOTATION: ",".join(step.continues),
        DESPITE_ANNOTATION: ",".join(step.continues_despite),
    }
    return {name: value for name, value in found.items() if value}


def arguments(step: Step, parameters: Mapping[str, str | None]) -> list[str]:
    """Return the arguments of a step: an option for each parameter, artifact and value."""
    return [
        *step.fixed,
        *(f"--{name}={{{{inputs.parameters.{name}}}}}" for name in parameters),
        *(slot.argument("inputs") for slot in step.inputs),
        *(slot.argument("outputs") for slot in step.outputs),
        *(value_argument(value) for value in step.values),
    ]


def value_argument(name: str) -> str:
    """Return the argument that tells a step where an output parameter goes."""
    return f"--{name}={{{{outputs.parameters.{name}.path}}}}"


def _parameter(name: str, value: str | None) -> Parameter:
    """Return an input parameter; Hera writes a value of None as the text ``null``, so it is left out."""
    return Parameter(name=name) if value is None else Parameter(name=name, value=value)


def _input(slot: Slot) -> Artifact:
    path = f"{INPUTS}/{slot.name}/{slot.file}"
    if slot.raw is not None:
        if "{{" in slot.raw:
            what = f"{slot.file} becomes part of the workflow and holds '{{{{', which begins a variable of Argo's"
            raise BadConfigurationError(what, where=f"artifact {slot.name!r}", fix="write it otherwise")
        return RawArtifact(name=slot.name, path=path, data=slot.raw)
    return Artifact(name=slot.name, path=path, optional=slot.optional or None)


def _outputs(step: Step, settings: Settings) -> list[Artifact]:
    kept = step.continues if settings.study_volume else ()
    return [
        Artifact(
            name=slot.name,
            path=f"{KEPT if slot.name in kept else OUTPUTS}/{slot.name}/{slot.file}",
            archive=NoneArchiveStrategy(),
            optional=slot.optional or None,
        )
        for slot in step.outputs
    ]


def _value(name: str) -> Parameter:
    return Parameter(name=name, value_from=ValueFrom(path=f"{OUTPUTS}/{name}.txt", default=""))


def _resources(wanted: Resources) -> HeraResources:
    return HeraResources(
        cpu_request=wanted.cpu,
        cpu_limit=wanted.cpu_limit or wanted.cpu,
        memory_request=wanted.memory,
        memory_limit=wanted.memory_limit or wanted.memory,
        gpus=wanted.gpu or None,
    )
