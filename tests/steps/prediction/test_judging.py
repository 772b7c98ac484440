from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steps.models import multiclass
from steps.prediction.judging import Judge
from steps.prediction.models import read_ensemble
from steps.tables import labels

if TYPE_CHECKING:
    from pathlib import Path


def test_batches_give_the_metrics_of_all_rows(models: Path) -> None:
    ensemble = read_ensemble(models)
    random = np.random.default_rng(1)
    scores = random.random((3, 900)).astype(np.float32)
    codes = random.integers(-1, 7, 900).astype(np.int16)
    judge = Judge(ensemble)
    for at in range(0, 900, 300):
        part = scores[:, at : at + 300]
        judge.add(codes[at : at + 300], part, part.argmax(axis=0))
    known = codes != labels.MISSING
    position = np.array([0, 1, 3, 3, 3, 3, 2])  # of the seven cover types among the three models
    joined = multiclass.Joined(("a", "b", "c"), position[codes[known]], scores[:, known])
    metrics = judge.metrics()
    assert metrics is not None
    assert metrics["rows"] == known.sum()
    assert metrics["accuracy"] == multiclass.accuracy(joined).to_dict()
    expected = multiclass.macro_f1(joined, ensemble.thresholds).to_dict()
    assert metrics["macro_f1"]["value"] == pytest.approx(expected["value"])
    assert metrics["macro_f1"]["low"] == pytest.approx(expected["low"], abs=0.01)


def test_without_a_label_there_is_nothing_to_judge(models: Path) -> None:
    judge = Judge(read_ensemble(models))
    judge.add(np.full(3, labels.MISSING, np.int16), np.zeros((3, 3), np.float32), np.zeros(3, np.int64))
    assert judge.metrics() is None
