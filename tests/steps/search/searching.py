"""Small searches that the tests of the search share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from steps.options.train import Hyperparameters
from steps.search import search, study
from steps.search.space import Dimension, Space
from steps.search.trials import Job

if TYPE_CHECKING:
    from pathlib import Path

    from steps.search.study import Trial
    from tests.support import Chain

# Leaves are searched for one way to grow, depths for the other.
GROWTH = Space(
    (
        Dimension(name="grow_policy", choices=("lossguide", "depthwise")),
        Dimension(name="max_leaves", whole=True, low=8, high=64, when={"grow_policy": "lossguide"}, otherwise=0),
        Dimension(name="max_depth", whole=True, low=2, high=9, when={"grow_policy": "depthwise"}, otherwise=0),
    )
)
START = Hyperparameters(rounds=8, max_depth=4, evaluate_every=4)
SPACE = Space(
    (
        Dimension(name="rounds", whole=True, low=2, high=20, log=True),
        Dimension(name="learning_rate", low=0.05, high=0.8, log=True),
        *GROWTH.dimensions,
        Dimension(name="max_bin", choices=(32, 256)),
    ),
    evaluate_every=2,
    early_stopping=6,
)


def job(chain: Chain, **changes: Any) -> Job:
    features = {part: chain[f"{part}_features"] for part in ("train", "validation")}
    return replace(Job(features=features, start=START, space=SPACE), **changes)


def searched(chain: Chain, trials: int, path: Path | None = None, **changes: Any) -> tuple[dict[str, Any], list[Trial]]:
    """Return the result and the trials, the seconds of each set to 0."""
    result, table = search.search(job(chain, **changes), search.Limits(trials), path)
    return result, [study.Trial(**{**row, "seconds": 0.0}) for row in table["trials"]]


def trial_at(number: int, value: float, **parameters: Any) -> study.Trial:
    whole = START.with_values(parameters).to_dict()
    return study.Trial(
        number=number,
        origin="tpe",
        state=study.COMPLETE,
        value=value,
        values=parameters,
        parameters=whole,
        best_rounds=8,
        seconds=1,
    )
