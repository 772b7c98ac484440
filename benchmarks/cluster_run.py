"""Split the time of a finished run on a cluster into the work of the steps and the overhead of their pods.

    python -m benchmarks.cluster_run NAME

The work of a step is the time in its usage.json, which the report lists. A pod starts when Argo creates its node. The
critical path goes from the report backwards, always to the dependency that ended last.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.core import storage
from workflows import settings
from workflows.cli.cluster import cluster_verbs
from workflows.cluster import nodes, outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows.cluster.nodes import State

# Task of the pod with all steps.
ALL = "all"
CHAIN = ("split", "preprocess", "tune", "train", "evaluate")


@dataclass(frozen=True)
class Pod:
    """A pod: Unix times of its creation and of the start and end of its work, and seconds of work of its steps."""

    name: str
    made: float
    begun: float
    ended: float
    worked: float


def pods_of(state: State, report: dict[str, Any]) -> dict[str, Pod]:
    """Return the pods that ran before the report, by name. A pod may have the work of several steps."""
    steps = {step.name: step for step in state.steps.values()}
    work: dict[str, list[dict[str, Any]]] = {}
    for entry in report["steps"]:
        possible = (entry["name"], entry["name"].removesuffix(f"-{entry['step']}"), ALL)
        work.setdefault(next(name for name in possible if name in steps), []).append(entry)
    return {
        name: Pod(
            name,
            steps[name].started,
            min(entry["started"] for entry in entries),
            max(entry["finished"] for entry in entries),
            sum(entry["wall_seconds"] for entry in entries),
        )
        for name, entries in work.items()
    }


def before(pod: Pod, pods: dict[str, Pod]) -> Pod | None:
    """Return the pod that this one waited for last."""
    if pod.name in ("prepare", ALL):
        return None
    slug, _, step = pod.name.rpartition("-")
    earlier = CHAIN[: CHAIN.index(step)] if slug and step in CHAIN else ()
    found = [pods[f"{slug}-{each}"] for each in earlier if f"{slug}-{each}" in pods]  # without a search, no tune
    return found[-1] if found else pods["prepare"]


def show(state: State, pods: dict[str, Pod]) -> None:
    """Print the figures."""
    starts = [pod.begun - pod.made for pod in pods.values()]
    handovers = [pod.made - earlier.ended for pod in pods.values() if (earlier := before(pod, pods))]
    worked = sum(pod.worked for pod in pods.values())
    count = len(pods) + (ALL not in pods)  # the report is not in its own list
    print(f"makespan {state.seconds:.0f} s, {count} pods, the steps' own work {worked:.0f} s in all")
    for title, values in (
        ("a pod's making to its step's first line", starts),
        ("a step's end to the next pod's making", handovers),
    ):
        if len(values) == 1:
            print(f"{title}: {values[0]:.1f} s")
        if len(values) < 2:  # noqa: PLR2004 - quantiles need two
            continue
        ends = statistics.quantiles(values, n=10)
        print(f"{title}: median {statistics.median(values):.1f} s, 10% to 90% {ends[0]:.1f} to {ends[-1]:.1f}")
    path = [max(pods.values(), key=lambda pod: pod.ended)]
    while earlier := before(path[-1], pods):
        path.append(earlier)
    own = sum(pod.worked for pod in path)
    names = " > ".join(pod.name for pod in reversed(path))
    print(f"critical path {names}: {own:.0f} s of work in {len(path)} pods, without the report")


def main(arguments: Sequence[str]) -> None:
    """Print the figures of a run, by its name."""
    client = cluster_verbs.connect_to_cluster(cluster_verbs.with_argo_namespace(settings.load({})))
    with tempfile.TemporaryDirectory() as folder:
        outcome.fetch(client, arguments[0], Path(folder))
        report = storage.read_json(Path(folder) / "report.json")
    state = nodes.read(client.get(arguments[0]))
    show(state, pods_of(state, report))


if __name__ == "__main__":
    main(sys.argv[1:])
