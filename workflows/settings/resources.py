"""The resources of pods, and their defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from steps import CHAIN, NAMES, PIPELINE
from workflows.settings.types import Count, LabelKey, LabelValue, Name, Positive

if TYPE_CHECKING:
    from collections.abc import Mapping


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


# Memory: the peak in usage.json on the full table, with room for twice the rows. A step uses one core. The request is
# lower, so that two long steps fit on a node of two cores beside the pods of the system.
COMMON_RESOURCES: dict[str, Any] = {"cpu": "500m", "cpu_limit": "1"}
DEFAULT_RESOURCES: dict[str, dict[str, Any]] = {
    "train": {"cpu": "900m", "memory": "2Gi", "deadline_seconds": 4 * 3600},
    "tune": {"cpu": "900m", "memory": "2Gi", "deadline_seconds": 24 * 3600},
    CHAIN: {"cpu": "900m", "memory": "2Gi", "deadline_seconds": 28 * 3600},
    PIPELINE: {"deadline_seconds": 7 * 24 * 3600},
}
# Resources that say where a pod runs and as whom. Steps that differ in them cannot share a pod.
PLACEMENT = ("gpu", "service_account", "s3_secret", "node_selector", "tolerations")


def resources_of(step: str, given: Mapping[str, Resources]) -> Resources:
    """Return the resources of the pod of a step: the given values over the defaults.

    A request that is given without a limit is also the limit. A pod for all steps has the most that a step has.

    Args:
        step: name of the step.
        given: resources by step, of which only those that were set count.
    """
    own = given.get(step, Resources()).model_dump(exclude_unset=True)
    chosen = {**COMMON_RESOURCES, **DEFAULT_RESOURCES.get(step, {})}
    if step == PIPELINE:
        chosen |= _largest([resources_of(name, given) for name in NAMES])
    chosen |= own
    for quantity in ("cpu", "memory"):
        if quantity in own and f"{quantity}_limit" not in own:
            chosen.pop(f"{quantity}_limit", None)
    return Resources(**chosen)


def _largest(every: list[Resources]) -> dict[str, str]:
    """Return the largest request and limit of each quantity."""
    from hera.workflows.converters import convert_cpu_units, convert_memory_units

    return {
        "cpu": max((each.cpu for each in every), key=convert_cpu_units),
        "cpu_limit": max((each.cpu_limit or each.cpu for each in every), key=convert_cpu_units),
        "memory": max((each.memory for each in every), key=convert_memory_units),
        "memory_limit": max((each.memory_limit or each.memory for each in every), key=convert_memory_units),
    }


def cover_types_at_once(pod: Resources, one: Resources) -> int:
    """Return how many cover types a pod can work on at once: one per whole core, if it has the memory for them.

    Args:
        pod: resources of the pod.
        one: resources of a pod for one cover type.
    """
    from hera.workflows.converters import convert_memory_units

    memory = convert_memory_units(pod.memory_limit or pod.memory) // convert_memory_units(one.memory)
    return max(1, min(whole_cores(pod), int(memory)))


def whole_cores(pod: Resources) -> int:
    """Return the number of whole cores that a pod may use, at least one."""
    from hera.workflows.converters import convert_cpu_units

    return max(1, int(convert_cpu_units(pod.cpu_limit or pod.cpu)))
