from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps import predict
from steps.comparison.reference import UnusableReferenceError, VersionFiles
from steps.comparison.score_table import common_rows
from steps.core.errors import BadDataError, TransientError
from steps.prediction.models import Ensemble, read_ensemble
from steps.reference.table import open_table
from tests.support import SCHEMA, real_rows, succeed, write_table

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("reference") / "t.parquet", real_rows(700))


def files(models: Path, name: str) -> VersionFiles:
    return VersionFiles(name, models, None, {})


def test_the_scores_are_those_of_predict(trained: Path, table: Path, tmp_path: Path) -> None:
    with open_table(str(table), SCHEMA) as reference:
        found = reference.score([files(trained, "a"), files(trained, "b")], 1)
    succeed(predict.main, input=table, models=trained, output=tmp_path / "scores.parquet")
    expected = pq.read_table(tmp_path / "scores.parquet")
    first, second = found.scores
    assert first.slugs == ("spruce-fir", "lodgepole-pine", "krummholz")
    for slug, values in zip(first.slugs, first.scores, strict=True):
        assert np.array_equal(values, expected.column(f"score_{slug}").to_numpy())
    assert np.array_equal(first.rows, expected.column("row").to_numpy())
    labels = [SCHEMA.cover_type(slug).label for slug in first.slugs]
    given = pq.read_table(table).column(SCHEMA.target).to_pylist()
    assert [labels[code] if code < 3 else None for code in first.truth] == [
        label if label in labels else None for label in given
    ]
    assert list(first.slices) == ["wilderness area", "soil zone"] or len(first.slices) > 1
    one, other = common_rows(first, second)
    assert (one is first, other is second) == (True, True)
    assert found.use.fitted == {"a": None, "b": None}


def test_equal_rows_are_one_group(trained: Path, tmp_path: Path) -> None:
    rows = real_rows(70)
    path = write_table(tmp_path / "t.parquet", rows.take([*range(len(rows)), 0, 3]))
    with open_table(str(path), SCHEMA) as reference:
        (found,) = reference.score([files(trained, "a")], 1).scores
    assert found.groups[-2:].tolist() == [0, 3]
    assert len(np.unique(found.groups)) == len(rows)


def test_other_columns_are_not_comparable(trained: Path, table: Path) -> None:
    column = replace(SCHEMA.columns[0], dtype="float32")
    other = replace(SCHEMA, columns=(column, *SCHEMA.columns[1:]))
    with open_table(str(table), other) as reference, pytest.raises(UnusableReferenceError, match="a has other columns"):
        reference.score([files(trained, "a")], 1)


def test_too_few_rows_of_a_cover_type(trained: Path, table: Path) -> None:
    with open_table(str(table), SCHEMA) as reference, pytest.raises(UnusableReferenceError) as caught:
        reference.score([files(trained, "a")], 101)
    assert "has 100 usable rows of spruce-fir, at least 101 are needed" in str(caught.value)


def test_a_table_that_is_replaced_while_it_is_read(
    trained: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(table, tmp_path / "t.parquet"))
    scores = Ensemble.scores

    def replaced(self: Ensemble, rows: pa.RecordBatch, threads: int) -> NDArray[np.float32]:
        write_table(path, real_rows(70))
        return scores(self, rows, threads)

    monkeypatch.setattr(Ensemble, "scores", replaced)
    with open_table(str(path), SCHEMA) as reference, pytest.raises(TransientError, match="changed while it was read"):
        reference.score([files(trained, "a")], 1)


def test_the_check_of_rows_finds_what_scoring_would_find(trained: Path, table: Path, tmp_path: Path) -> None:
    ensemble = read_ensemble(trained)
    with open_table(str(table), SCHEMA) as reference:
        reference.check_rows(ensemble)
    rows = pq.read_table(table).to_pydict()
    rows["Slope"][-1] = 70_000
    pq.write_table(pa.table(rows), tmp_path / "t.parquet")
    with open_table(str(tmp_path / "t.parquet"), SCHEMA) as reference:
        for check in (lambda: reference.check_rows(ensemble), lambda: reference.score([files(trained, "a")], 1)):
            with pytest.raises(BadDataError, match=r"'Slope'.*row 699"):
                check()
