"""The settings of a run, and the resources of its pods."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from steps import CHAIN
from steps import schema as schemas
from steps.core import uris
from workflows.settings.flags import CLUSTER, LOCAL, Flag
from workflows.settings.step_settings import StepSettings
from workflows.settings.types import (
    Count,
    CoverTypes,
    Image,
    LabelKey,
    LabelValue,
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


class Toleration(BaseModel):
    """A taint of nodes that a pod tolerates; the names are those of Kubernetes."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, populate_by_name=True)

    key: LabelKey | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = Field(default=None, alias="tolerationSeconds")


class Resources(BaseModel):
    """Resources of the pod of a step, and where it may run; quantities are written as in Kubernetes."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    cpu: str = "1"
    memory: str = "1Gi"
    cpu_limit: str | None = None
    memory_limit: str | None = None
    gpu: Count = 0
    service_account: Name | None = None
    s3_secret: Name | None = None
    node_selector: dict[LabelKey, LabelValue] = {}
    tolerations: tuple[Toleration, ...] = ()
    deadline_seconds: Positive = 3600

    @model_validator(mode="after")
    def _quantities(self) -> Self:
        """Check quantities, and requests against limits, by Hera's own model; its import takes most of a second."""
        from hera.workflows.resources import Resources as HeraResources

        HeraResources(
            cpu_request=self.cpu, cpu_limit=self.cpu_limit, memory_request=self.memory, memory_limit=self.memory_limit
        )
        return self


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
    # Where it runs.
    pods: Annotated[
        Literal["step", "cover-type"], Flag("One pod for each step, or for all steps of a cover type.", CLUSTER)
    ] = "step"
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
        default={}, description="Resources of the pods, by step; chain is a pod for all steps."
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
        """Return the resources of a step: the given values over the defaults.

        A request that is given without a limit is also the limit.
        """
        given = self.steps.get(step, Resources()).model_dump(exclude_unset=True)
        chosen = {**COMMON_RESOURCES, **DEFAULT_RESOURCES.get(step, {}), **given}
        for quantity in ("cpu", "memory"):
            if quantity in given and f"{quantity}_limit" not in given:
                chosen.pop(f"{quantity}_limit", None)
        return Resources(**chosen)

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
        if self.parallel:
            return self.parallel
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Memory: the peak in usage.json on the full table, with room for twice the rows. A step uses one core. The request is
# lower, so that two long steps fit on a node of two cores beside the pods of the system.
COMMON_RESOURCES: dict[str, Any] = {"cpu": "500m", "cpu_limit": "1"}
DEFAULT_RESOURCES: dict[str, dict[str, Any]] = {
    "train": {"cpu": "900m", "memory": "2Gi", "deadline_seconds": 4 * 3600},
    "tune": {"cpu": "900m", "memory": "2Gi", "deadline_seconds": 24 * 3600},
    CHAIN: {"cpu": "900m", "memory": "2Gi", "deadline_seconds": 28 * 3600},
}
