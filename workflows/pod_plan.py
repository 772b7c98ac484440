"""Chooses how the steps of a run are divided among pods: ``--pods auto``.

A pod takes seconds to start, which many small pods spend again and again. Few pods use fewer nodes at once, and a pod
that fails is retried as a whole. So the steps get pods of their own where starting these takes little of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from steps import CHAIN as CHAIN_POD
from steps import PIPELINE as PIPELINE_POD
from steps import estimates
from steps.core import uris
from steps.options.shared import Preset
from workflows.interfaces import CHAIN
from workflows.settings import overrides
from workflows.settings.resources import cover_types_at_once

if TYPE_CHECKING:
    from steps.estimates import Work
    from workflows.settings import Settings

# Seconds from the creation of a pod to the first line of its step, and from the end of a step to the next pod.
_POD_SECONDS = 4.0 + 4.0
# Pods that run at the same time: as many as fit on a small node.
_PODS_AT_ONCE = 2
# Largest overhead of a pod for each step, as a share of the work.
_MOST_OVERHEAD = 0.2
_WORDS = {"step": "one per step", "cover-type": "one per cover type", "all": "all in one"}


@dataclass(frozen=True)
class PodPlan:
    """How the steps are divided among pods, and why, in one line."""

    pods: Literal["step", "cover-type", "all"]
    reason: str

    @property
    def line(self) -> str:
        """The plan in a line for the user."""
        others = " or ".join(f"--pods {pods}" for pods in _WORDS if pods != self.pods)
        return f"pods: {_WORDS[self.pods]}, {self.reason} ({others} to override)"


def choose_pods(settings: Settings, cover_types: int) -> PodPlan:
    """Return the division of the steps among pods that suits a run.

    Args:
        settings: settings of the run.
        cover_types: number of cover types to train.
    """
    if own := next((step for step in settings.steps if step not in (CHAIN_POD, PIPELINE_POD)), None):
        return PodPlan("step", f"steps.{own} has resources of its own")
    work = _work(settings, cover_types)
    if work is None:
        return PodPlan("step", "the number of rows is not known before prepare has read them")
    last = 1 + bool(settings.registry)
    steps = len(CHAIN) if settings.trials else len(CHAIN) - 1
    pods = 1 + cover_types * steps + last
    overhead = pods * _POD_SECONDS
    figures = f"about {work.total:.0f} s of work against {overhead:.0f} s of starting {pods} pods"
    if overhead <= _MOST_OVERHEAD * work.total:
        return PodPlan("step", figures)
    at_once = min(cover_types, cover_types_at_once(settings.resources(PIPELINE_POD), settings.resources(CHAIN_POD)))
    ends = work.prepare + work.report
    in_one = _POD_SECONDS + ends + work.cover_types / at_once
    apart = (1 + last) * _POD_SECONDS + ends + _in_pods(work, cover_types)
    return PodPlan("all", figures) if in_one <= apart else PodPlan("cover-type", figures)


def _in_pods(work: Work, cover_types: int) -> float:
    """Return the seconds that the steps of all cover types take in a pod for each cover type."""
    return (work.cover_types + cover_types * _POD_SECONDS) / min(cover_types, _PODS_AT_ONCE)


def _work(settings: Settings, cover_types: int) -> Work | None:
    """Return the estimated work of a run; None where the number of rows is not known."""
    builtin = uris.parse(settings.source).kind == uris.BUILTIN
    rows = settings.rows or (estimates.BUILTIN_ROWS if builtin else 0)
    if not rows:
        return None
    return estimates.estimate_work(
        Preset(settings.preset),
        min(rows, estimates.BUILTIN_ROWS) if builtin else rows,
        cover_types,
        trials=settings.trials,
        timeout=settings.timeout,
        rounds=_rounds(settings),
    )


def _rounds(settings: Settings) -> int | None:
    """Return the boosting rounds that the user set, the most of all cover types; None if there are none."""
    option = overrides.OPTIONS["train"]["rounds"]
    keys = [key for key in settings.overrides if key.startswith("train.") and key.endswith(".rounds")]
    return max((option.read(settings.overrides[key]) for key in keys), default=None)
