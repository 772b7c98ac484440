"""The settings of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from steps import schema as schemas
from steps.core import quantities, uris
from workflows.settings.flags import CLUSTER, LOCAL, Flag
from workflows.settings.resources import Resources, resources_of
from workflows.settings.step_settings import StepSettings
from workflows.settings.types import (
    CoverTypes,
    Image,
    LocalPath,
    Name,
    Namespace,
    Output,
    Positive,
    Registry,
    Scalar,
    StepName,
    Text,
)


class Settings(StepSettings):  # type: ignore[misc, valid-type] # a model that is made at run time
    """Settings of a run."""

    # The options of the steps that are workflow parameters come first: see ``steps.options``.

    # Fixed when the workflow is rendered.
    cover_types: Annotated[
        CoverTypes, Flag("Cover types to train, by label or slug, separated by commas.", default="all")
    ] = ()
    table_schema: Annotated[LocalPath, Flag("Schema file of another table (TOML).", metavar="FILE")] = Field(
        default=schemas.BUILTIN, alias="schema"
    )
    overrides: Annotated[
        dict[Text, Scalar],
        Flag("Option of a step, such as train.max_leaves=512.", metavar="STEP[.SLUG].OPTION=VALUE"),
    ] = Field(default={}, alias="set")
    query: Annotated[LocalPath, Flag("SQL for BigQuery, with --source bq://PROJECT.", metavar="FILE")] = ""
    space: Annotated[LocalPath, Flag("Search space of the trials (TOML).", metavar="FILE")] = ""
    warm_start: Annotated[
        LocalPath,
        Flag("Earlier run or search whose best points are tried first: its folder or file.", metavar="RUN"),
    ] = ""
    registry: Annotated[
        Registry, Flag("Register the models here: gs://BUCKET/PREFIX, s3://BUCKET/PREFIX or a folder.", metavar="URI")
    ] = ""
    policy: Annotated[
        LocalPath,
        Flag("Conditions for a new champion of the registry (TOML).", metavar="FILE", default="the project's own"),
    ] = ""
    # Where it runs.
    pods: Annotated[
        Literal["auto", "step", "cover-type", "all"],
        Flag("A pod for each step, for the steps of each cover type, or for all steps. auto: submit chooses.", CLUSTER),
    ] = "auto"
    image: Annotated[Image, Flag("Image of the steps.", CLUSTER)] = "covertype-steps:dev"
    namespace: Annotated[Namespace, Flag("Kubernetes namespace.", CLUSTER)] = "covertype"
    service_account: Annotated[Name, Flag("Service account of the pods.", CLUSTER)] = "covertype-steps"
    s3_secret: Annotated[
        Name | None,
        Flag("Secret with AWS_... variables for the pods that read the source or register.", CLUSTER, metavar="SECRET"),
    ] = None
    study_volume: Annotated[
        Name | None,
        Flag("Volume claim that keeps the trials of a pod that is lost.", CLUSTER, metavar="CLAIM"),
    ] = None
    study_name: Annotated[
        Name | None,
        Flag("Name of the study to resume on the study volume.", CLUSTER, metavar="NAME", default="the run's name"),
    ] = None
    steps: dict[StepName, Resources] = Field(
        default={},
        description="Resources of the pods, by step; chain is the pod of a cover type, pipeline the pod of all steps.",
    )
    # On this machine.
    output: Annotated[
        Output,
        Flag(
            "Folder of runs and cache, or gs://BUCKET/PREFIX or s3://BUCKET/PREFIX to publish there.",
            LOCAL,
            metavar="FOLDER|URI",
        ),
    ] = "runs"
    parallel: Annotated[Positive | None, Flag("CPU cores to use.", LOCAL, default="all")] = None
    cache: Annotated[bool, Flag("Reuse results of earlier runs.", LOCAL)] = True

    def resources(self, step: str) -> Resources:
        """Return the resources of the pod of a step."""
        return resources_of(step, self.steps)

    @property
    def folder(self) -> Path:
        """The folder of runs and cache on this machine, also if the output goes to a bucket."""
        return Path("runs") if self.bucket else uris.parse(self.output, uris.DESTINATIONS).path

    @property
    def bucket(self) -> str:
        """The prefix in a bucket to publish runs to; empty for none."""
        return self.output if uris.parse(self.output, uris.DESTINATIONS).kind in uris.BUCKETS else ""

    @property
    def cores(self) -> int:
        """CPU cores that all steps on this machine may use together."""
        return self.parallel or quantities.available_cores()
