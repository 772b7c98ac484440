from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from steps.core.errors import BadDataError
from steps.prediction import predicting
from steps.prediction.models import Ensemble, read_ensemble
from steps.prediction.rejects import Rejects
from steps.sources.files import open_source
from tests.support import SCHEMA, leftovers, real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path


def job(path: Path, models: Path) -> predicting.Job:
    source = open_source(str(write_table(path, real_rows(700))), SCHEMA, labelled=False)
    return predicting.Job(source, read_ensemble(models), "", "auto", 1, {})


def test_the_number_of_rows_is_logged_now_and_then(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(predicting, "_SECONDS_BETWEEN_LINES", 0)
    result = predicting.predict(job(tmp_path / "a.csv", models), tmp_path / "b.parquet", Rejects(0))
    assert (result["rows"], result["scored"], result["rejected"]) == (700, 700, 0)
    assert pq.read_metadata(tmp_path / "b.parquet").num_rows == 700
    assert capsys.readouterr().err.splitlines()[-1].startswith("700 rows, ")


def test_an_overflow_is_an_error_of_the_data(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(*_: object) -> None:
        raise OverflowError("derived feature 'x' is too large for float32")

    made = job(tmp_path / "a.csv", models)
    monkeypatch.setattr(Ensemble, "scores", overflow)
    with pytest.raises(BadDataError, match=r"'x' is too large for float32, in a.csv"):
        predicting.predict(made, tmp_path / "out" / "b.csv", Rejects(0))
    assert not (tmp_path / "out").exists() or not leftovers(tmp_path / "out")
