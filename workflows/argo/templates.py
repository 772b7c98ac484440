"""Makes hardened container templates for steps.

The arguments of a template contain Argo's variables for parameters and paths, so that the same template runs on a
cluster and in the local executor. Parameters and artifacts have the names of the options of the step's command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hera.workflows import (
    Artifact,
    Container,
    EmptyDirVolume,
    Env,
    ExistingVolume,
    GCSArtifact,
    NoneArchiveStrategy,
    Parameter,
    RawArtifact,
    RetryStrategy,
    S3Artifact,
    SecretEnvFrom,
)
from hera.workflows import Resources as HeraResources
from hera.workflows.models import (
    Backoff,
    IntOrString,
    Toleration,
    ValueFrom,
)

from steps.core.errors import BadConfigurationError
from steps.core.runtime import IMAGE
from workflows.argo import hardening
from workflows.contract import (
    CONTINUES_ANNOTATION,
    COVER_TYPE,
    DESPITE_ANNOTATION,
    PUBLISHES_ANNOTATION,
    RETRY_EXPRESSION,
    SOURCE_ANNOTATION,
    THREADS_ANNOTATION,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workflows.argo.step import Slot, Step
    from workflows.settings import Resources, Settings

# Mount paths. No volume is mounted inside another one: the folder of such a mount would belong to root.
INPUTS, OUTPUTS, KEPT = "/work/in", "/work/out", "/kept"
RETRIES = 3
# Name of the parameter with the number of threads of a step.
THREADS = "threads"


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
        step: inputs and outputs of the step.
        settings: image and resources.
        overrides: further options of the step's command line, fixed at render time.
        name: name of the template, if it is not that of the step.
        of_cover_type: whether each of its pods belongs to a cover type, which is then a parameter.
    """
    parameters = step.effective_parameters(settings.resources(step.name), overrides)
    return module_container(
        step,
        settings,
        parameters,
        step_arguments(step, parameters),
        name=name,
        of_cover_type=of_cover_type,
        threads_parameters=[THREADS] if THREADS in parameters else [],
    )


def module_container(  # noqa: PLR0913 - the differences between templates
    step: Step,
    settings: Settings,
    parameters: Mapping[str, str | None],
    words: list[str],
    *,
    name: str | None = None,
    of_cover_type: bool = False,
    threads_parameters: Sequence[str] = (),
) -> Container:
    """Return the template of a pod that runs the module of a step.

    Args:
        step: inputs and outputs of the step.
        settings: image and resources.
        parameters: values of the input parameters by name; the task must set those with None.
        words: arguments of the module.
        name: name of the template, if it is not that of the step.
        of_cover_type: whether each of its pods belongs to a cover type, which is then a parameter.
        threads_parameters: parameters that hold a number of threads.
    """
    resources = settings.resources(step.name)
    inputs = {**parameters, **({COVER_TYPE: None} if of_cover_type else {})}
    return Container(
        name=name or step.name,
        image=settings.image,
        image_pull_policy="IfNotPresent",
        command=["python", "-m", f"steps.{step.name}"],
        args=words,
        inputs=[*(_parameter(key, value) for key, value in inputs.items()), *(_input(slot) for slot in step.inputs)],
        outputs=[*_outputs(step, settings), *(_value(value) for value in step.values)],
        env=[Env(name="COVERTYPE_RUN", value="{{workflow.name}}"), Env(name=IMAGE, value=settings.image)],
        env_from=_secret_environment(step, settings),
        annotations=_annotations(step, threads_parameters) or None,
        labels={f"covertype/{COVER_TYPE}": f"{{{{inputs.parameters.{COVER_TYPE}}}}}"} if of_cover_type else None,
        active_deadline_seconds=resources.deadline_seconds,
        retry_strategy=_retry_strategy(),
        service_account_name=resources.service_account,
        security_context=hardening.container_security(),
        resources=_resources(resources),
        node_selector=dict(resources.node_selector) or None,
        tolerations=[Toleration(**each.model_dump(exclude_none=True)) for each in resources.tolerations] or None,
        volumes=_volumes(step, settings),
    )


def _secret_environment(step: Step, settings: Settings) -> list[SecretEnvFrom] | None:
    """Return the Secret with the keys of S3: only a step that reads the source or publishes needs them."""
    common = settings.s3_secret if step.source_parameters or step.publishes else None
    secret = settings.resources(step.name).s3_secret or common
    return [SecretEnvFrom(name=secret)] if secret else None


def _retry_strategy() -> RetryStrategy:
    # Argo waits before it evaluates the expression, so the first wait delays the end of a step that is not retried too.
    backoff = Backoff(duration="2s", factor=IntOrString(root=6), cap="2m")
    return RetryStrategy(limit=RETRIES, retry_policy="Always", expression=RETRY_EXPRESSION, backoff=backoff)


def _volumes(step: Step, settings: Settings) -> list[EmptyDirVolume | ExistingVolume]:
    """Return the volumes of a pod. Outputs that a later attempt resumes are on the study volume, if there is one."""
    scratch = [EmptyDirVolume(name="work", mount_path="/work"), EmptyDirVolume(name="tmp", mount_path="/tmp")]  # noqa: S108
    if not settings.study_volume:
        return [*scratch]
    cover_types = {slot.name: slot.cover_type or f"{{{{inputs.parameters.{COVER_TYPE}}}}}" for slot in step.outputs}
    kept = [
        ExistingVolume(
            name=f"kept-{name}",
            claim_name=settings.study_volume,
            mount_path=f"{KEPT}/{name}",
            sub_path=f"{settings.study_name or '{{workflow.name}}'}/{cover_types[name]}",
        )
        for name in step.continues
    ]
    return [*scratch, *kept]


def _annotations(step: Step, threads_parameters: Sequence[str]) -> dict[str, str]:
    """Return the annotations for the local executor."""
    found = {
        SOURCE_ANNOTATION: ",".join(step.source_parameters),
        THREADS_ANNOTATION: ",".join(threads_parameters),
        PUBLISHES_ANNOTATION: "true" if step.publishes else "",
        CONTINUES_ANNOTATION: ",".join(step.continues),
        DESPITE_ANNOTATION: ",".join(step.continues_despite),
    }
    return {name: value for name, value in found.items() if value}


def step_arguments(step: Step, parameters: Mapping[str, str | None]) -> list[str]:
    """Return the arguments of a step: an option for each parameter, artifact and value."""
    return [
        *step.fixed,
        *(f"--{name}={{{{inputs.parameters.{name}}}}}" for name in parameters),
        *(slot.argument("inputs") for slot in step.inputs),
        *(slot.argument("outputs") for slot in step.outputs),
        *(value_argument(value) for value in step.values),
    ]


def value_argument(name: str) -> str:
    """Return the argument with the path to which a step writes an output parameter."""
    return f"--{name}={{{{outputs.parameters.{name}.path}}}}"


def _parameter(name: str, value: str | None) -> Parameter:
    """Return an input parameter. A value of None is left out, because Hera would write it as the text ``null``."""
    return Parameter(name=name) if value is None else Parameter(name=name, value=value)


def _input(slot: Slot) -> Artifact:
    path = f"{INPUTS}/{slot.name}/{slot.file}"
    if slot.raw is not None:
        if "{{" in slot.raw:
            what = f"{slot.file} becomes part of the workflow and contains '{{{{', which starts a variable of Argo"
            raise BadConfigurationError(what, where=f"artifact {slot.name!r}", fix="write it differently")
        return RawArtifact(name=slot.name, path=path, data=slot.raw)
    if slot.stored is not None:
        [(kind, place)] = slot.stored.items()
        store = S3Artifact if kind == "s3" else GCSArtifact
        return store(name=slot.name, path=path, key=place["key"])
    return Artifact(name=slot.name, path=path, optional=slot.optional or None)


def _outputs(step: Step, settings: Settings) -> list[Artifact]:
    kept = step.continues if settings.study_volume else ()
    return [
        Artifact(
            name=slot.name,
            path=f"{KEPT if slot.name in kept else OUTPUTS}/{slot.name}/{slot.output_file}",
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
