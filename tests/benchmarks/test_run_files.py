"""The benchmarks find the files of a run: they are run by hand, so nothing else notices when a name changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from benchmarks import replay, sides
from workflows.covertype import app

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two cover types."""
    folder = tmp_path_factory.mktemp("runs")
    words = ["--rows=1000", "--preset=fast", "--cover-types=4,7", "--set=train.rounds=2", f"--output={folder}"]
    assert app(args=["run", *words], standalone_mode=False) == 0
    (found,) = folder.glob("covertype-*")
    return found


def test_scores_of_the_test_rows(run: Path) -> None:
    assert pq.read_metadata(sides.scores_file(run / "nodes", "krummholz")).num_rows > 100


def test_seconds_of_the_steps(run: Path) -> None:
    assert set(sides._step_seconds(run / "nodes")) == {"prepare", "split", "preprocess", "train", "evaluate", "report"}


def test_a_run_is_replayed_from_the_times_of_its_steps(run: Path) -> None:
    now = time.time()
    cost = replay.cost_of(run, now - 60, now, 2)
    assert 0 < cost.replayed < 60
    assert cost.between >= 0 or cost.replayed > 0
