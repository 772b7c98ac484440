"""The workflow that scores a table: one pod, which runs the step ``predict`` with the models of a registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hera.workflows import DAG, Artifact, Parameter, Task
from hera.workflows.models import ValueFrom

from steps import PREDICT
from steps.core import uris
from steps.core.errors import UsageError
from steps.options import options_of
from steps.options.predict import DATE
from workflows import interfaces
from workflows.argo import envelope, form
from workflows.argo.templates import container
from workflows.settings import names
from workflows.settings.resources import whole_cores
from workflows.tasks import workflow_parameters

if TYPE_CHECKING:
    from hera.workflows import Workflow

    from steps.options.predict import PredictOptions, RegistryOptions
    from workflows.argo.step import Slot, Step
    from workflows.settings import Settings

NAME = "covertype-predict"
_DESCRIPTION = "scores of version {version}"


@dataclass(frozen=True)
class Prediction:
    """What is scored, and by which models.

    Attributes:
        options: options of the step.
        registered: the version in the registry.
        input_file: the file of the input, if it was uploaded, see ``interfaces.input_file``.
        public_key: key that must have signed the version, as PEM; empty if it need not be signed.
    """

    options: PredictOptions
    registered: RegistryOptions
    input_file: Slot | None = None
    public_key: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """The values of the options by attribute."""
        return {**vars(self.registered), **vars(self.options)}

    def step(self, threads: int) -> Step:
        """Return the step.

        Args:
            threads: number of threads, if the options do not state it.
        """
        threads = self.options.threads or threads
        return interfaces.predict(
            self.options, threads=str(threads), input_file=self.input_file, public_key=self.public_key
        )


def build(settings: Settings, prediction: Prediction, *, name: str | None, revision: str = "") -> Workflow:
    """Return the workflow that scores a table.

    Args:
        settings: image, namespace, account and resources of the pod.
        prediction: what is scored.
        name: name of the run; if None, the cluster generates one.
        revision: git revision of the code, stored as a label.

    Raises:
        UsageError: there is no registry, or an option cannot be part of a workflow.
    """
    _check_values(prediction)
    resources = settings.resources(PREDICT)
    step = prediction.step(whole_cores(resources))
    given = [option for option in options_of(PREDICT) if step.parameters.get(option.name, "") is None]
    return envelope.make_workflow(
        settings,
        [_dag(step), container(step, settings, {})],
        form.parameters_of(given, prediction.values),
        name=name,
        prefix=NAME,
        revision=revision,
        description=_DESCRIPTION.format(version="{{workflow.parameters.version}}"),
        deadlines=[resources.deadline_seconds],
    )


def _check_values(prediction: Prediction) -> None:
    if not prediction.registered.registry:
        fix = "name the registry that the models were registered in, such as s3://BUCKET/PREFIX"
        raise UsageError("a pod cannot access the runs of this machine", where="--registry", fix=fix)
    if DATE in prediction.options.output and uris.parse(prediction.options.output, uris.DESTINATIONS).local:
        what = f"each run has its own artifact, whose name needs no {DATE}"
        raise UsageError(what, where="--output", fix="leave it out, or name a file in gs:// or s3://")
    for option in options_of(PREDICT):
        value = prediction.values[option.attribute]
        if option.kind is str and (problem := names.no_variable(value)):
            raise UsageError(problem, where=f"--{option.name}", fix="write it differently")


def _dag(step: Step) -> DAG:
    """Return the only task, with its outputs as those of the run."""
    outputs = f"tasks.{PREDICT}.outputs"
    names_ = [name for name, value in step.parameters.items() if value is None]
    return DAG(
        name="prediction",
        fail_fast=False,
        tasks=[Task(name=PREDICT, template=PREDICT, arguments=workflow_parameters(names_))],
        outputs=[
            *(
                Parameter(name=name, value_from=ValueFrom(parameter=f"{{{{{outputs}.parameters.{name}}}}}"))
                for name in step.values
            ),
            *(
                Artifact(name=slot.name, from_=f"{{{{{outputs}.artifacts.{slot.name}}}}}")
                for slot in step.outputs
                if slot.drawn and not slot.optional
            ),
        ],
    )
