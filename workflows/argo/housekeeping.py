"""How long a run may take, and when Argo deletes its pods and the run itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hera.workflows.models import PodGC, TTLStrategy

if TYPE_CHECKING:
    from collections.abc import Iterable

_DAY_SECONDS = 86_400
_WEEK_SECONDS = 7 * _DAY_SECONDS


def fields(step_deadlines: Iterable[int]) -> dict[str, Any]:
    """Return arguments of Hera's workflow about the lifetime of a run and of its pods.

    Args:
        step_deadlines: deadlines in seconds of the steps that follow one another. A run may take a week, or the sum of
            these if it is longer.
    """
    return {
        "active_deadline_seconds": max(_WEEK_SECONDS, sum(step_deadlines)),
        "archive_logs": True,
        "pod_gc": PodGC(strategy="OnPodSuccess"),
        "ttl_strategy": TTLStrategy(seconds_after_success=7 * _DAY_SECONDS, seconds_after_failure=14 * _DAY_SECONDS),
    }
