from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steps.comparison.decision import Candidate, Judged, Verdict, decide, judge, not_comparable
from steps.comparison.paired import Comparison, Difference
from steps.comparison.policy import Policy, parse_policy
from steps.comparison.scores import read_test_scores, write_test_scores
from steps.core.errors import BadConfigurationError
from tests.steps.comparison.simulated import SLUGS, simulated, worsened

if TYPE_CHECKING:
    from pathlib import Path

POLICY = Policy()


def difference(metric: str = "accuracy", *, at: float, half: float = 0.001, positive: int | None = None) -> Difference:
    """Return a gain with an interval of ``half`` each way, and one of twice that for all metrics."""
    slug = "ash" if positive else None
    return Difference(metric, slug, 0.9 + at, 0.9, at, at - half, at + half, at - 2 * half, at + 2 * half, positive)


def verdict(*differences: Difference, policy: Policy = POLICY) -> Judged:
    return judge(Comparison(1000, 1000, "influence", 2, differences), policy)


def test_better_needs_one_metric_above_zero_at_once_with_all() -> None:
    assert verdict(difference(at=0.0025), difference("macro_f1", at=0)).verdict is Verdict.BETTER
    assert verdict(difference(at=0.0015), difference("macro_f1", at=0)).verdict is Verdict.NOT_WORSE  # only alone


def test_better_needs_every_other_metric_to_be_not_worse() -> None:
    doubtful = difference("macro_f1", at=-0.0005, half=0.0097)  # the margin is .01
    found = verdict(difference(at=0.0025), doubtful)
    assert (found.verdict, found.main) == (Verdict.UNDECIDED, doubtful)


def test_worse_is_a_drop_beyond_chance_that_is_not_within_the_margin() -> None:
    within = difference("macro_f1", at=-0.005)
    assert verdict(within).verdict is Verdict.NOT_WORSE
    below = difference("macro_f1", at=-0.0095, half=0.004)
    assert verdict(difference(at=0.0025), below).verdict is Verdict.WORSE
    assert verdict(replace(below, family_high=0.001)).verdict is Verdict.UNDECIDED


def test_a_small_class_has_a_wider_margin_and_cannot_make_better() -> None:
    small = difference("f1", at=0.3, half=0.1, positive=49)
    assert verdict(small).verdict is Verdict.NOT_WORSE
    assert verdict(replace(small, positive=50)).verdict is Verdict.BETTER
    assert verdict(difference("f1", at=-0.05, half=0.04, positive=100)).verdict is Verdict.NOT_WORSE
    assert verdict(difference("f1", at=-0.05, half=0.04, positive=400)).verdict is Verdict.UNDECIDED


def test_without_metrics_nothing_is_decided() -> None:
    assert verdict() == Judged(Verdict.UNDECIDED, None)


def candidate(name: str, seed: int = 1, *, rows: int = 6000, skill: float = 2.0, size: int = 1000) -> Candidate:
    return Candidate(name, simulated(rows, seed, skill=skill), size)


def test_a_better_challenger_is_promoted() -> None:
    found = decide(candidate("b", skill=2.6), candidate("a", 2), POLICY, uses=3)
    assert (found.verdict, found.promotes) == (Verdict.BETTER, True)
    assert found.reason.startswith("better: ")
    assert found.reason.endswith(" on 6,000 test rows")
    document = json.loads(json.dumps(found.to_dict()))
    assert (document["challenger"], document["champion"], document["verdict"]) == ("b", "a", "better")
    assert document["details"]["uses"] == 3
    assert document["details"]["policy"]["margins"]["f1"] == 0.005
    assert len(document["details"]["comparison"]["differences"]) == 9
    assert [check["kind"] for check in document["details"]["checks"]] == ["slice"] * 4


def test_a_worse_challenger_is_refused() -> None:
    found = decide(candidate("b", skill=1.5), candidate("a", 2), POLICY)
    assert (found.verdict, found.promotes) == (Verdict.WORSE, False)
    assert "gain -" in found.reason


def test_an_equal_challenger_is_promoted_only_if_the_policy_says_so() -> None:
    found = decide(candidate("b"), candidate("a"), POLICY)
    assert (found.verdict, found.promotes) == (Verdict.NOT_WORSE, False)
    lenient = parse_policy('promote = ["better", "not worse"]', "x")
    assert decide(candidate("b"), candidate("a"), lenient).promotes


def test_few_rows_leave_a_challenger_undecided() -> None:
    found = decide(candidate("b", rows=200), candidate("a", 2, rows=200), POLICY)
    assert (found.verdict, found.promotes) == (Verdict.UNDECIDED, False)


def test_a_first_version_is_promoted_unless_a_floor_is_violated() -> None:
    found = decide(candidate("a"), None, POLICY)
    assert (found.verdict, found.promotes, found.reason) == (Verdict.FIRST, True, "there was no champion")
    found = decide(candidate("a"), None, parse_policy("[floors]\naccuracy = 1", "x"))
    assert (found.verdict, found.promotes) == (Verdict.FIRST, False)
    assert found.reason.startswith("there was no champion; refused by floor of accuracy: 0.9")


def test_a_limit_refuses_a_better_challenger() -> None:
    found = decide(
        candidate("b", skill=2.6, size=5000), candidate("a", 2), parse_policy("[limits]\nsize_ratio = 4", "x")
    )
    assert (found.verdict, found.promotes) == (Verdict.BETTER, False)
    assert found.reason.endswith("; refused by limit of size_bytes: 5000, the champion's 1000, the limit is 4000")


def test_a_drop_in_a_slice_refuses_a_better_challenger() -> None:
    better, champion = candidate("b", skill=3), candidate("a", 2, skill=1.5)
    north = better.scores.slices["Region"].codes == 0
    scores = np.where(north, worsened(champion.scores, 0.04).scores, better.scores.scores)
    found = decide(replace(better, scores=replace(better.scores, scores=scores)), champion, POLICY)
    assert (found.verdict, found.promotes) == (Verdict.BETTER, False)
    assert "refused by slice of accuracy in Region north" in found.reason


def test_versions_that_cannot_be_compared_are_not() -> None:
    champion = candidate("a")
    other = replace(champion.scores, data_sha256="e" * 64)
    found = decide(Candidate("b", other, 1), champion, POLICY)
    assert (found.verdict, found.promotes) == (Verdict.NOT_COMPARABLE, False)
    assert "the data differ" in found.reason
    fewer = champion.scores.take(np.arange(6000), SLUGS[:2])
    found = decide(Candidate("b", fewer, 1), champion, POLICY)
    assert found.reason == "not comparable: the champion has other cover types"
    found = not_comparable("b", "a", "the champion has no test scores", POLICY)
    assert json.loads(json.dumps(found.to_dict()))["reason"] == "not comparable: the champion has no test scores"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[margins.cover_types.oak]\nf1 = 0.1", "there is no cover type 'oak', in cover_types: use some of ash, birch"),
        ("[floors.cover_types.oak]\nf1 = 0.1", "there is no cover type 'oak'"),
        ('[slices]\nnames = ["Soil"]', "there is no slice 'Soil', in slices.names: use some of Region"),
    ],
)
def test_a_policy_for_other_models_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadConfigurationError, match=message):
        decide(candidate("a"), None, parse_policy(text, "x"))


def test_the_memory_of_a_decision_is_a_small_multiple_of_the_scores(tmp_path: Path) -> None:
    """Vectors of each metric, or copies of columns, would make 4 GB of 12 million test rows."""
    rows = 1_000_000
    write_test_scores(tmp_path / "scores", replace(simulated(rows), groups=np.arange(rows) // 2 * 10))
    policy = parse_policy("[floors]\nf1 = 0.1\npr_auc = 0.1\naccuracy = 0.1", "x")
    tracemalloc.start()
    try:
        versions = [Candidate(name, read_test_scores(tmp_path / "scores"), 1) for name in "ba"]
        decide(versions[0], versions[1], policy)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    scores = versions[0].scores
    columns = sum(each.nbytes for each in (scores.rows, scores.truth, scores.scores, scores.groups))
    assert peak < 2.15 * 2 * columns, peak / 2 / columns
