from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from steps.drift import statistics
from steps.drift.grouping import GroupCounter
from steps.drift.reference import Numeric, Reference
from steps.serving.monitoring.metrics import FOLDER, Metrics
from tests.steps.serving.test_drift import values

ROOT = Path(__file__).parents[4]
# A worker that counts some rows, and a last one that is asked for the metrics.
WORKER = """
import sys
import numpy as np
from tests.steps.serving.monitoring.test_drift_metrics import make_counter
from steps.serving.monitoring.metrics import Metrics
metrics, counter = Metrics(), make_counter()
counter.add(np.zeros((7, 1), np.float32), np.zeros(7, np.int64))
metrics.drift.show("before", counter.groups)
metrics.drift.count("before", counter)
metrics.drift.show("v", counter.groups)
counter.add(np.full((150, 1), float(sys.argv[1]), np.float32), np.zeros(150, np.int64))
metrics.drift.count("v", counter)
if sys.argv[2:]:
    print(metrics.text().decode())
"""


def make_counter() -> GroupCounter:
    column = Numeric(np.array([1.0, 2.0]), np.array([600, 400], np.int64), 0)
    return GroupCounter(Reference({"a": column}, (), np.zeros(0, np.int64)), ["a"], {}, complete=False)


def test_the_psi_is_that_of_the_rows_of_all_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    texts = [
        subprocess.run(
            [sys.executable, "-c", WORKER, *words], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for words in (["0"], ["5", "last"])
    ]
    assert values(texts[1], "covertype_drift_rows_total") == {
        'column="a",group="to 1",version="v"': 150,
        'column="a",group="above 1",version="v"': 150,
    }
    expected = statistics.psi(np.array([600, 400], np.int64), np.array([150, 150], np.int64))
    assert values(texts[1], "covertype_drift_psi") == {'column="a"': pytest.approx(expected)}


def test_many_versions_leave_no_series() -> None:
    metrics, counter = Metrics(), make_counter()
    for version in map(str, range(30)):
        metrics.drift.show(version, counter.groups)
        counter.add(np.zeros((300, 1), np.float32), np.zeros(300, np.int64))
        metrics.drift.count(version, counter)
    assert values(metrics.text().decode(), "covertype_drift_rows_total") == {
        'column="a",group="to 1",version="29"': 300
    }
    assert len(metrics.drift._rows._metrics) == 1


def test_shares_of_the_training_rows_are_shown_and_counts_of_another_version_are_not_used() -> None:
    metrics, counter = Metrics(), make_counter()
    counter.add(np.zeros((300, 1), np.float32), np.zeros(300, np.int64))
    metrics.drift.show("before", counter.groups)
    metrics.drift.count("before", counter)
    assert len(values(metrics.text().decode(), "covertype_drift_psi")) == 1
    assert counter.counts["a"].tolist() == [0, 0, 0]
    metrics.drift.show("v", counter.groups)
    text = metrics.text().decode()
    assert values(text, "covertype_drift_training_share") == {
        'column="a",group="to 1"': 0.6,
        'column="a",group="above 1"': 0.4,
        'column="a",group="missing"': 0,
    }
    assert values(text, "covertype_drift_psi") == {}
    assert values(text, "covertype_drift_rows_total") == {}
    metrics.drift.show("without a profile", {})
    assert "covertype_drift_psi" not in metrics.text().decode()
