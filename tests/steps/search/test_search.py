from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from steps import tables
from steps.core import runtime
from steps.models import training
from steps.options.tune import Sampler
from steps.search import holdout, search, space_file, study
from steps.search import trials as search_trials
from steps.tables import hashing
from tests.steps.search.searching import START, job, searched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support import Chain


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
    monkeypatch.setattr(search_trials.TrialRunner, "run_next", None)
    after = searched(chain, 3, path)
    assert (after, path.read_bytes()) == (before, content)
    assert "resuming a study of 4 trials" in capsys.readouterr().err


def test_a_timeout_counts_what_earlier_runs_took(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    _, table = search.search(job(chain), search.Limits(50, timeout=1e-9), path)
    assert len(table["trials"]) == 1
    _, table = search.search(job(chain), search.Limits(50, timeout=1e-9), path)
    assert len(table["trials"]) == 1
    assert search.Limits(9, 10).seconds_left([]) == 10


def test_held_out_rows_choose_nothing(own_chain: Chain) -> None:
    before, table = search.search(job(own_chain, sampler=Sampler.TPE), search.Limits(14))
    path = own_chain["validation_features"]
    halves = holdout.read_halves(path, 0)
    with tables.open_parquet(path) as file:
        rows = file.read()
    names = tables.read_metadata(path).features
    hashes = hashing.hash_rows([rows.column(name).combine_chunks() for name in names], rows.num_rows, 0)
    # Labels change only where the halves stay as they are.
    changed = ~halves.selection & (hashes > np.max(hashes[halves.selection]))
    labels = halves.labels.copy()
    labels[changed] = np.roll(halves.labels[changed], 1)
    at = rows.column_names.index(tables.LABEL)
    field = rows.schema.field(at)
    with tables.open_writer(path, rows.schema, tables.read_metadata(path)) as out:
        for batch in rows.set_column(at, field, pa.array(labels, field.type)).to_batches():
            out.write(batch)
    assert (holdout.read_halves(path, 0).selection == halves.selection).all()
    assert (labels != halves.labels).sum() > 10
    after, other = search.search(job(own_chain, sampler=Sampler.TPE), search.Limits(14))
    assert after == before
    assert [{**row, "seconds": 0} for row in other["trials"]] == [{**row, "seconds": 0} for row in table["trials"]]
    assert other["gain"] != table["gain"]


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
    assert search._format_duration(seconds) == text


def test_the_bundled_space_is_searched(chain: Chain) -> None:
    space = space_file.read()
    _, trials = searched(chain, 2, space=replace(space, dimensions=space.dimensions[1:]), start=START)
    assert set(trials[1].values) < {dimension.name for dimension in space.dimensions}
