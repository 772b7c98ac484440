"""Where the time of a finished run on a cluster went: the steps' own work, and what each pod costs around it.

    python -m benchmarks.cluster_run NAME

A step's own time is what its usage.json says, as the report lists it; a pod's start is when Argo made its node. The
critical path goes back from the report: each time to the step before that ended last.
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
from workflows.cli import cluster_verbs
from workflows.cluster import nodes, outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows.cluster.nodes import State

CHAIN = ("split", "preprocess", "tune", "train", "evaluate")


@dataclass(frozen=True)
class Pod:
    """A pod: when Argo made it, when the work in it began and ended (Unix times), and how long steps worked in it."""

    name: str
    made: float
    begun: float
    ended: float
    worked: float


def pods_of(state: State, report: dict[str, Any]) -> dict[str, Pod]:
    """Return the pods that ran before the report, by name; a pod that ran a whole chain has several steps' work."""
    work: dict[str, list[dict[str, Any]]] = {}
    for entry in report["steps"]:
        step, _, slug = entry["name"].partition(".")
        name = f"{slug}.{step}" if slug and (slug, step) in state.steps else slug or step
        work.setdefault(name, []).append(entry)
    return {
        name: Pod(
            name,
            state.steps[tuple(name.split("."))].started,
            min(entry["started"] for entry in entries),
            max(entry["finished"] for entry in entries),
            sum(entry["wall_seconds"] for entry in entries),
        )
        for name, entries in work.items()
    }


def before(pod: Pod, pods: dict[str, Pod]) -> Pod | None:
    """Return the pod whose result this one waited for."""
    if pod.name == "prepare":
        return None
    slug, _, step = pod.name.partition(".")
    if step in CHAIN[1:]:
        return pods[f"{slug}.{CHAIN[CHAIN.index(step) - 1]}"]
    return pods["prepare"]


def show(state: State, pods: dict[str, Pod]) -> None:
    """Print the figures."""
    starts = [pod.begun - pod.made for pod in pods.values()]
    handovers = [pod.made - earlier.ended for pod in pods.values() if (earlier := before(pod, pods))]
    worked = sum(pod.worked for pod in pods.values())
    print(f"makespan {state.seconds:.0f} s, {len(pods) + 1} pods, the steps' own work {worked:.0f} s in all")
    for title, values in (
        ("a pod's making to its step's first line", starts),
        ("a step's end to the next pod's making", handovers),
    ):
        ends = statistics.quantiles(values, n=10)
        print(f"{title}: median {statistics.median(values):.1f} s, 10% to 90% {ends[0]:.1f} to {ends[-1]:.1f}")
    path = [max(pods.values(), key=lambda pod: pod.ended)]
    while earlier := before(path[-1], pods):
        path.append(earlier)
    own = sum(pod.worked for pod in path)
    names = " > ".join(pod.name for pod in reversed(path))
    print(f"critical path {names} > report: {own:.0f} s of work in {len(path)} pods before the report")


def main(arguments: Sequence[str]) -> None:
    """Read the run by its name and print where its time went."""
    client = cluster_verbs.connect_to_cluster(cluster_verbs.with_argo_namespace(settings.load({})))
    with tempfile.TemporaryDirectory() as folder:
        outcome.fetch(client, arguments[0], Path(folder))
        report = storage.read_json(Path(folder) / "report.json")
    state = nodes.read(client.get(arguments[0]))
    show(state, pods_of(state, report))


if __name__ == "__main__":
    main(sys.argv[1:])
