"""The choice of pods, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.pod_plan import choose_pods
from workflows.settings import Resources, Settings


@pytest.mark.parametrize(
    ("settings", "cover_types", "pods", "reason"),
    [
        ({"rows": 1000, "preset": "fast"}, 7, "all", "about 4 s of work against 240 s of starting 30 pods"),
        ({"preset": "fast"}, 7, "all", "26 s of work"),
        ({}, 7, "all", "about 72 s of work against 240 s of starting 30 pods"),
        ({"registry": "gs://b/m"}, 7, "all", "starting 31 pods"),
        ({}, 1, "all", "starting 6 pods"),
        ({"preset": "thorough"}, 7, "cover-type", "about 334 s of work against 240 s"),
        ({"trials": 3}, 7, "cover-type", "starting 37 pods"),
        ({"preset": "thorough", "trials": 40}, 7, "step", "s of work against 296 s of starting 37 pods"),
        ({"trials": 1000, "timeout": 30.0}, 7, "cover-type", "about 282 s of work"),
        ({"trials": 1000, "timeout": 300.0}, 7, "step", "about 2172 s of work"),
        ({"preset": "fast", "overrides": {"train.rounds": 15000}}, 7, "step", "s of work against 240 s"),
        ({"preset": "fast", "rows": 600, "overrides": {"train.aspen.rounds": "5"}}, 7, "all", "about 4 s of work"),
        # A request for more cores lets one pod work on several cover types at once.
        ({"preset": "thorough", "steps": {"pipeline": {"cpu": "4", "memory": "8Gi"}}}, 7, "all", "334 s"),
        # A sample of the bundled table is no larger than the table; a sample of another one is known by its size.
        ({"rows": 10**9}, 7, "all", "about 72 s of work"),
        ({"source": "bq://p.d.t", "rows": 3000}, 7, "all", "s of work"),
        ({"source": "file:///data/t.parquet", "rows": 10**7}, 7, "cover-type", "s of work"),
        ({"source": "bq://p.d.t"}, 7, "step", "the number of rows is not known before prepare has read them"),
        ({"source": "gs://b/t.parquet"}, 7, "step", "the number of rows is not known before prepare has read them"),
        ({"rows": 600, "steps": {"train": {"gpu": 1}}}, 7, "step", "steps.train has resources of its own"),
        (
            {"rows": 600, "steps": {"prepare": {"service_account": "a"}}},
            7,
            "step",
            "steps.prepare has resources of its own",
        ),
    ],
)
def test_the_pods_of_a_run(settings: dict[str, Any], cover_types: int, pods: str, reason: str) -> None:
    given = {name: value for name, value in settings.items() if name not in ("overrides", "steps")}
    steps = {name: Resources(**own) for name, own in settings.get("steps", {}).items()}
    plan = choose_pods(Settings(**given, steps=steps, set=settings.get("overrides", {})), cover_types)
    assert (plan.pods, reason in plan.reason) == (pods, True), plan.reason


def test_the_line_names_the_choice_the_reason_and_the_others() -> None:
    assert choose_pods(Settings(rows=1000, preset="fast"), 7).line == (
        "pods: all in one, about 4 s of work against 240 s of starting 30 pods "
        "(--pods step or --pods cover-type to override)"
    )
