"""The sections on the steps themselves: when each step ran, and which resources it used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.reporting import charts
from steps.reporting.palette import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.reporting.run_results import RunResults


@dataclass(frozen=True)
class Timeline:
    """View data of ``timeline.html``.

    Attributes:
        steps: number of steps that were executed.
        work_seconds: sum of their wall times.
        total_seconds: time from the start of the first step to the end of the last.
        legend: name and colour role of each step.
        svg: the plot as an inline SVG element.
    """

    steps: int
    work_seconds: float
    total_seconds: float
    legend: Sequence[tuple[str, str]]
    svg: str


@dataclass(frozen=True)
class UsageGroup:
    """The resource usage of the steps of one cover type, or of one step of the whole run."""

    title: str
    usages: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ResourceUsage:
    """View data of ``resource_usage.html``."""

    groups: Sequence[UsageGroup]
    peak_bytes: int
    any_cached: bool


def timeline(results: RunResults) -> Timeline | None:
    """Return the section on when each step of this run was executed, None if all results came from the cache."""
    usages = [usage for usage in results.document["steps"] if not usage["cached"]]
    if not usages:
        return None
    first = min(usage["started"] for usage in usages)
    total = max(usage["finished"] for usage in usages) - first
    roles = _step_roles(results)
    bars: dict[str, list[charts.Bar]] = {}
    for usage in usages:
        bar = charts.Bar(usage["started"] - first, usage["wall_seconds"], roles[usage["step"]])
        bars.setdefault(_group_title(usage, results), []).append(bar)
    executed = {usage["step"] for usage in usages}
    label = f"Timeline of {len(usages)} steps in {total:.1f} seconds"
    return Timeline(
        steps=len(usages),
        work_seconds=sum(usage["wall_seconds"] for usage in usages),
        total_seconds=total,
        legend=[(step, role) for step, role in roles.items() if step in executed],
        svg=charts.timeline(list(bars.items()), "timeline", label),
    )


def resource_usage(results: RunResults) -> ResourceUsage | None:
    """Return the section on the resources of each step, None if no step recorded any."""
    usages = results.document["steps"]
    if not usages:
        return None
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for usage in usages:
        groups.setdefault(_group_title(usage, results), []).append(usage)
    return ResourceUsage(
        groups=[UsageGroup(title, members) for title, members in groups.items()],
        peak_bytes=max(usage["peak_rss_bytes"] for usage in usages),
        any_cached=any(usage["cached"] for usage in usages),
    )


def _group_title(usage: Mapping[str, Any], results: RunResults) -> str:
    """Return the title of a step's cover type, or the name of a step of the whole run."""
    titles = {f"{each.slug}-{usage['step']}": each.title for each in results.schema.cover_types}
    return titles.get(usage["name"], str(usage["name"]))


def _step_roles(results: RunResults) -> dict[str, str]:
    """Return the colour role of each step, in the order in which the steps first occur."""
    steps = dict.fromkeys(usage["step"] for usage in results.document["steps"])
    return {step: STAGES[position % len(STAGES)] for position, step in enumerate(steps)}
