from __future__ import annotations

import errno
import itertools
import json
import os
import re
import threading
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from steps import tables
from steps.core import runtime
from steps.core.errors import BadDataError, UsageError, from_os_error
from steps.models import matrix, metrics, training
from steps.models.hyperparameters import Hyperparameters
from steps.search import holdout, search, space_file, study, trial_table, warm_start
from steps.search import trials as search_trials
from steps.search.objective import Objective, Pruner, Sampler
from steps.search.space import Dimension, Space
from steps.search.trials import Job
from steps.tables import hashing
from tests.steps.search.test_space import GROWTH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from steps.search.study import Trial
    from tests.support import Chain

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


@pytest.mark.parametrize("sampler", Sampler)
def test_a_search_is_deterministic_and_the_seed_matters(chain: Chain, sampler: Sampler) -> None:
    first = searched(chain, 12, sampler=sampler)
    assert searched(chain, 12, sampler=sampler, threads=2) == first
    assert [trial.values for trial in searched(chain, 3, sampler=sampler, seed=1)[1][1:]] != [
        trial.values for trial in first[1][1:3]
    ]


@pytest.mark.parametrize("stops", [(1, 14), (4, 12, 13, 14)])
def test_an_interrupted_search_goes_on_as_it_would_have(chain: Chain, tmp_path: Path, stops: Sequence[int]) -> None:
    path = tmp_path / "study.jsonl"
    for trials in stops:
        interrupted = searched(chain, trials, path)
    assert interrupted == searched(chain, 14)
    assert {trial.origin for trial in interrupted[1]} == {"preset", "tpe"}


def test_a_search_that_is_killed_loses_the_trial_that_ran(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, train, calls = tmp_path / "study.jsonl", training.train, itertools.count()

    def killed(*arguments: Any, **options: Any) -> Any:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return train(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", killed)
        with pytest.raises(KeyboardInterrupt):
            searched(chain, 8, path)
    assert len(study.read(path)[1]) == 5
    with path.open("a") as file:
        file.write('{"number": 6, "orig')  # a power cut while the line was written
    assert searched(chain, 8, path) == searched(chain, 8)
    assert len(study.read(path)[1]) == 8


def test_a_finished_study_is_not_gone_on_with(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.jsonl"
    before = searched(chain, 4, path)
    content = path.read_bytes()
    monkeypatch.setattr(search_trials.Trials, "next_trial", None)
    after = searched(chain, 3, path)
    assert (after, path.read_bytes()) == (before, content)
    assert "resuming a study of 4 trials" in capsys.readouterr().err


def test_a_timeout_counts_what_earlier_runs_took(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    _, table = search.search(job(chain), search.Limits(50, timeout=1e-9), path)
    assert len(table["trials"]) == 1
    _, table = search.search(job(chain), search.Limits(50, timeout=1e-9), path)
    assert len(table["trials"]) == 1
    assert search.Limits(9, 10).left([]) == 10


OTHER_SPACE = replace(SPACE, early_stopping=7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"space": OTHER_SPACE}, "of another search space"),
        ({"objective": Objective.F1}, "of another objective (pr_auc, not f1)"),
        ({"start": replace(START, gamma=1)}, "of another preset"),
        ({"seed": 3}, "of another seed (0, not 3)"),
    ],
)
def test_a_study_of_something_else_is_refused(chain: Chain, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "study.jsonl"
    searched(chain, 1, path)
    content = path.read_bytes()
    with pytest.raises(UsageError) as raised:
        searched(chain, 2, path, **change)
    assert str(raised.value) == f"this study is {words}, in {path}: give another study, or tune as it was made"
    assert path.read_bytes() == content


def test_a_study_of_other_data_is_refused(own_chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    searched(own_chain, 1, path)
    own_chain["train_features"].write_bytes(own_chain["test_features"].read_bytes())
    with pytest.raises(UsageError, match="this study is of other data, in"):
        searched(own_chain, 2, path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda lines: [*lines[:2], lines[2][:9], *lines[3:]], "the study is damaged: line 3 is no trial"),
        (lambda lines: [*lines[:1], *lines[2:]], "the study is damaged: line 2 is no trial"),
        (lambda lines: [*lines[:1], lines[1].replace("complete", "running")], "line 2 is no trial"),
        (lambda lines: [*lines[:1], lines[1].replace('"value": ', '"value": 1e999, "v": ')], "line 2 is no trial"),
        (lambda lines: lines[1:], "this is no study"),
        (lambda _: ["\x00\xff"], "this is no study"),
        (lambda _: ["[]"], "this is no study"),
    ],
)
def test_a_damaged_study_is_refused_and_left_alone(chain: Chain, tmp_path: Path, damage: Any, words: str) -> None:
    path = tmp_path / "study.jsonl"
    searched(chain, 3, path)
    path.write_text("".join(f"{line}\n" for line in damage(path.read_text().splitlines())))
    content = path.read_bytes()
    with pytest.raises(BadDataError, match=words):
        searched(chain, 4, path)
    assert path.read_bytes() == content


def test_a_second_search_waits_for_the_first_on_the_same_study(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, identity, found = tmp_path / "study.jsonl", job(chain).identity(), list[int]()
    waiting = threading.Event()

    def log(message: str) -> None:
        if "waiting for another search" in message:
            waiting.set()

    monkeypatch.setattr(runtime, "log", log)

    def second() -> None:
        with study.opened(path, identity) as kept:
            found.append(len(kept.trials))

    other = threading.Thread(target=second)
    with study.opened(path, identity) as kept:
        other.start()
        assert waiting.wait(60)
        kept.add(trial_at(1, 0.5))
    other.join()
    assert found == [1]


def test_an_earlier_study_of_something_else_is_refused_and_not_copied(chain: Chain, tmp_path: Path) -> None:
    searched(chain, 1, tmp_path / "earlier")
    with pytest.raises(UsageError, match="of another seed"):
        search.search(job(chain, seed=3), search.Limits(2), tmp_path / "study", tmp_path / "earlier")
    assert (tmp_path / "study").read_bytes() == b""


def test_a_study_of_an_older_version_gives_points_only(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    searched(chain, 2, path)
    points = warm_start.read(path)
    path.write_text(path.read_text().replace('"study": 2', '"study": 1'))
    with pytest.raises(BadDataError, match="this study is from an older version"):
        searched(chain, 3, path)
    assert warm_start.read(path) == points


def test_a_full_disk_is_said_so_and_the_trials_before_are_kept(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sync, calls = tmp_path / "study.jsonl", os.fsync, itertools.count()

    def full(number: int) -> None:
        if next(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as raised:
            searched(chain, 4, path)
    assert str(from_os_error(raised.value)).startswith(f"no space left on the disk, in {tmp_path}: free some space")
    assert searched(chain, 4, path) == searched(chain, 4)


def test_every_matrix_is_made_once(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    made, quantised = [], matrix.quantise

    def counted(path: Path, **options: Any) -> Any:
        made.append((path.name, options["max_bin"]))
        return quantised(path, **options)

    monkeypatch.setattr(matrix, "quantised", counted)
    _, trials = searched(chain, 10)
    bins = {trial.parameters["max_bin"] for trial in trials}
    assert bins == {32, 256}
    assert sorted(made) == sorted((f"{part}_features.parquet", n) for part in ("train", "validation") for n in bins)


def test_nothing_is_trained_twice(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, train = [], training.train

    def counted(*arguments: Any, **options: Any) -> Any:
        made.append(arguments)
        return train(*arguments, **options)

    monkeypatch.setattr(training, "train", counted)
    slow = replace(START, learning_rate=0.01)  # so that another trial is the best
    result, _ = searched(chain, 6, tmp_path / "study.jsonl", start=slow)
    assert len(made) == 6
    made.clear()
    assert searched(chain, 6, tmp_path / "study.jsonl", start=slow)[0] == result
    assert len(made) == 2  # the preset and the best, to compare them


def test_the_best_round_of_a_curve_is_by_its_metric() -> None:
    values = {"validation": {"pr_auc": [0.5, 0.9, 0.7], "logloss": [0.3, 0.4, 0.2], "f1": [0.6, 0.5, 0.4]}}
    best = {metric: training.LearningCurve([2, 4, 6], values, metric) for metric in values["validation"]}
    assert {metric: (curve.best_rounds, curve.best_value) for metric, curve in best.items()} == {
        "pr_auc": (4, 0.9),
        "logloss": (6, 0.2),
        "f1": (2, 0.6),
    }


def test_known_points_come_first_once_and_only_from_the_space(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = replace(START, learning_rate=0.5, gamma=3.0)  # gamma is not searched: it stays as the preset has it
    points = [
        ("a", inside),
        ("again", inside),
        ("same", START),
        ("outside", replace(START, learning_rate=0.9, rounds=3)),
    ]
    path = tmp_path / "study.jsonl"
    _, trials = searched(chain, 3, path, points=points)
    assert [trial.origin for trial in trials] == ["preset", "a", "tpe"]
    assert "outside the search space, so not tried: outside\n" in capsys.readouterr().err
    assert trials[1].parameters == replace(START, learning_rate=0.5).to_dict()
    _, more = searched(chain, 5, path, points=[*points, ("late", replace(START, learning_rate=0.6))])
    assert [trial.origin for trial in more[3:]] == ["late", "tpe"]


def test_a_preset_outside_the_space_is_tried_as_it_is(chain: Chain) -> None:
    start = replace(START, rounds=30, max_depth=5)
    result, trials = searched(chain, 12, start=start)
    assert trials[0].parameters == start.to_dict()
    assert "rounds" not in trials[0].values
    assert result["value"] >= trials[0].value


def test_the_best_trial_trained_again_has_its_value(chain: Chain) -> None:
    for objective in Objective:
        made = search_trials.Trials(job(chain, objective=objective, start=replace(START, learning_rate=0.01)))
        result, trials = searched(chain, 6, objective=objective, start=replace(START, learning_rate=0.01))
        sign = objective.sign
        assert sign * result["value"] == max(sign * trial.value for trial in trials if trial.state == study.COMPLETE)
        final = Hyperparameters(**result["parameters"])
        watching = training.EvaluationPlan(objective.value, rows=made._halves.selection)
        booster, curve = made._train(final, watching)
        assert curve.validation_values[-1] == result["value"]
        gain = made.gain(trial_table.best_of(trials, objective))
        labels, scores = (
            made._halves.parts(values)
            for values in (made._halves.labels, booster.predict(made._matrices_of(final.max_bin).validation))
        )
        threshold = training.best_threshold(labels.selection, scores.selection)
        found, _ = metrics.binary_metrics(labels.held_out, scores.held_out, threshold)
        assert gain.best == pytest.approx(found[objective.value.replace("logloss", "log_loss")].value)


def test_held_out_rows_choose_nothing(own_chain: Chain) -> None:
    before, table = search.search(job(own_chain, sampler=Sampler.TPE), search.Limits(14))
    path = own_chain["validation_features"]
    halves = holdout.read(path, 0)
    with tables.open_parquet(path) as file:
        rows = file.read()
    names = tables.read_metadata(path).features
    hashes = hashing.hash_rows([rows.column(name).combine_chunks() for name in names], rows.num_rows, 0)
    # Labels change only where the halves stay as they are.
    changed = ~halves.selection & (hashes > hashes[halves.selection].max())
    labels = halves.labels.copy()
    labels[changed] = np.roll(halves.labels[changed], 1)
    at = rows.column_names.index(tables.LABEL)
    field = rows.schema.field(at)
    with tables.open_writer(path, rows.schema, tables.read_metadata(path)) as out:
        for batch in rows.set_column(at, field, pa.array(labels, field.type)).to_batches():
            out.write(batch)
    assert (holdout.read(path, 0).selection == halves.selection).all()
    assert (labels != halves.labels).sum() > 10
    after, other = search.search(job(own_chain, sampler=Sampler.TPE), search.Limits(14))
    assert after == before
    assert [{**row, "seconds": 0} for row in other["trials"]] == [{**row, "seconds": 0} for row in table["trials"]]
    assert other["gain"] != table["gain"]


def test_the_pruner_gives_bad_trials_up(chain: Chain) -> None:
    rates = Dimension(name="learning_rate", low=0.02, high=0.8, log=True)
    space = replace(SPACE, dimensions=(rates, Dimension(name="max_depth", whole=True, low=1, high=9)))
    changes: dict[str, Any] = {"space": space, "sampler": Sampler.RANDOM, "start": replace(START, rounds=20)}
    _, all_of_them = searched(chain, 16, pruner=Pruner.NONE, **changes)
    assert {trial.state for trial in all_of_them} == {study.COMPLETE}
    assert all(sorted(map(int, trial.curve)) == list(range(1, 11)) for trial in all_of_them)
    _, pruned = searched(chain, 16, **changes)
    given_up = [trial for trial in pruned if trial.state == study.PRUNED]
    assert given_up
    assert min(trial.number for trial in given_up) > 5
    assert [trial.parameters for trial in pruned] == [trial.parameters for trial in all_of_them]
    for trial in given_up:
        assert 3 <= len(trial.curve) < 10
        whole = all_of_them[trial.number - 1]
        assert whole.value < max(other.value for other in all_of_them[: trial.number])


def test_a_trial_stops_early_but_the_preset_does_not(chain: Chain) -> None:
    # Steps this large overfit within a few rounds.
    fast = replace(START, learning_rate=1.0, max_depth=9, rounds=40, min_child_weight=0.0)
    points = [("deep", replace(fast, max_leaves=0, rounds=60))]
    space = Space((Dimension(name="rounds", whole=True, low=2, high=60),), evaluate_every=2, early_stopping=4)
    made = search_trials.Trials(job(chain, start=fast, space=space, points=points))
    looked: list[int] = []
    train = made._train

    def watched(parameters: Hyperparameters, watching: Any) -> Any:
        booster, curve = train(parameters, watching)
        looked.append(curve.rounds[-1])
        return booster, curve

    made._train = watched  # type: ignore[method-assign]
    first = made.next_trial([])
    second = made.next_trial([first])
    assert looked[0] == 40
    assert looked[1] == second.best_rounds + 4 < 60


def test_validation_rows_of_one_kind_are_said_so(own_chain: Chain) -> None:
    path = own_chain["validation_features"]
    with tables.open_parquet(path) as file:
        rows = file.read()
    at = rows.column_names.index(tables.LABEL)
    zeros = pa.array(np.zeros(rows.num_rows), rows.schema.field(at).type)
    metadata = tables.read_metadata(path)
    with tables.open_writer(path, rows.schema, metadata) as out:
        for batch in rows.set_column(at, rows.schema.field(at), zeros).to_batches():
            out.write(batch)
    with pytest.raises(BadDataError, match="the validation rows are all of one kind"):
        searched(own_chain, 1)


def test_the_log_says_how_far_and_how_good(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(tmp_path / "progress"))
    reported: list[tuple[int, int]] = []
    monkeypatch.setattr(runtime, "report_progress", lambda *numbers: reported.append(numbers))
    _, trials = searched(chain, 3)
    lines = capsys.readouterr().err.splitlines()
    assert reported == [(0, 3), (1, 3), (2, 3), (3, 3), (3, 3)]
    value = f"{trials[0].value:.4f}"
    pattern = (
        rf"trial 1 of 3, best {value} \(trial 1\), about \d+ s left; preset: pr_auc {value} after 8 rounds in \S+ s"
    )
    assert re.fullmatch(pattern, lines[0])
    assert f"best {max(trial.value for trial in trials):.4f} (trial " in lines[2]
    assert "left" not in lines[2]
    assert re.search(
        r"against the preset on \d+ held-out validation rows: pr_auc \S+ to \S+, gain \S+ \(95% interval", lines[3]
    )
    assert re.search(r": (not )?statistically significant, paired bootstrap, one-sided at 2.5%\)$", lines[3])


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (3600, "60 min")])
def test_durations(seconds: float, text: str) -> None:
    assert search._duration(seconds) == text


def test_the_table_has_what_the_report_shows(chain: Chain) -> None:
    result, table = search.search(job(chain), search.Limits(14))
    best = table["trials"][table["best"] - 1]
    assert (best["value"], {**best["parameters"], "rounds": best["best_rounds"]}) == (
        result["value"],
        result["parameters"],
    )
    assert table["objective"] == "pr_auc"
    assert set(table["gain"]) == {
        *("preset", "best", "gain", "low", "high"),
        *("rows", "positive_rows", "significant"),
    }
    assert table["gain"]["low"] <= table["gain"]["gain"] <= table["gain"]["high"]
    assert {row["name"] for row in table["space"]} == {dimension.name for dimension in SPACE.dimensions}
    assert sum(table["importances"].values()) == pytest.approx(1)
    assert json.loads(json.dumps(table)) == table
    assert [set(row) for row in table["trials"]] == [set(asdict(study.Trial(**best)))] * 14


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


def test_the_dimension_that_decides_is_the_important_one() -> None:
    random = np.random.default_rng(0)
    draws = [(float(random.uniform(0, 1)), str(random.choice(["lossguide", "depthwise"]))) for _ in range(40)]
    trials = [trial_at(i, rate, learning_rate=rate, grow_policy=grow) for i, (rate, grow) in enumerate(draws, 1)]
    shares = trial_table.importances(trials, SPACE, 0)
    assert next(iter(shares)) == "learning_rate"
    assert shares["learning_rate"] > 0.9
    assert trial_table.importances(trials[:9], SPACE, 0) == {}
    assert trial_table.importances([replace(trial, value=0.5) for trial in trials], SPACE, 0) == {}


def test_warm_points_are_the_best_of_a_table_or_a_study(chain: Chain, tmp_path: Path) -> None:
    path, file = tmp_path / "study.jsonl", tmp_path / "trials.json"
    for objective in (Objective.PR_AUC, Objective.LOGLOSS):
        path.unlink(missing_ok=True)
        _, table = search.search(job(chain, objective=objective), search.Limits(7), path)
        file.write_text(json.dumps(table))
        complete = [row for row in table["trials"] if row["state"] == study.COMPLETE]
        ranked = sorted(complete, key=lambda row: row["value"], reverse=objective.sign > 0)
        expected = [Hyperparameters(**row["parameters"]) for row in ranked[:5]]
        report = {"cover_types": {"aspen": {"search": trial_table.summary(table)}, "krummholz": {"search": None}}}
        (tmp_path / "report.json").write_text(json.dumps(report))
        (tmp_path / "carried.json").write_text(json.dumps(warm_start.to_document({"aspen": expected})))
        assert warm_start.read(file) == warm_start.read(path) == {warm_start.EVERY: expected}
        assert warm_start.read(tmp_path / "report.json") == {"aspen": expected}
        assert warm_start.read(tmp_path / "carried.json") == {"aspen": expected}
    file.write_text(json.dumps(trial_table.EMPTY))
    assert warm_start.read(file) == {warm_start.EVERY: []}


def test_points_are_those_of_the_cover_type_or_of_every_one() -> None:
    aspen, every = [Hyperparameters(rounds=1)], [Hyperparameters(rounds=2)]
    assert warm_start.points_of("aspen", {"aspen": aspen}) == aspen
    assert warm_start.points_of("krummholz", {"aspen": aspen}) == []
    assert warm_start.points_of("krummholz", {warm_start.EVERY: every}) == every


def test_a_run_without_a_search_gives_no_points(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    for cover_types in ('{"aspen": {"search": null}}', '{"aspen": {}}', "{}"):
        path.write_text(f'{{"cover_types": {cover_types}}}')
        with pytest.raises(UsageError, match="this run made no search"):
            warm_start.read(path)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"trials": [1]}',
        '{"trials": 1}',
        "\n",
        '{"study": 1}\n{}\n',
        '{"warm_start": 1}',
        '{"warm_start": {"aspen": 1}}',
        '{"warm_start": {"aspen": [1]}}',
        '{"cover_types": [1]}',
        '{"cover_types": {"aspen": 1}}',
        '{"cover_types": {"aspen": {"search": {"best_points": [{}]}}}}',
    ],
)
def test_what_is_no_search_gives_no_points(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(BadDataError, match=r"or a study|no study|is damaged"):
        warm_start.read(path)


def test_warm_points_with_an_unknown_parameter_are_refused(tmp_path: Path) -> None:
    row = asdict(trial_at(1, 0.5)) | {"parameters": {"depth": 3}}
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"objective": "f1", "trials": [row]}))
    with pytest.raises(BadDataError, match="unknown hyperparameter 'depth'"):
        warm_start.read(path)


def test_the_bundled_space_is_searched(chain: Chain) -> None:
    space = space_file.read()
    _, trials = searched(chain, 2, space=replace(space, dimensions=space.dimensions[1:]), start=START)
    assert set(trials[1].values) < {dimension.name for dimension in space.dimensions}
