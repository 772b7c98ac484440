from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from steps.core.errors import UsageError
from steps.prediction import output
from steps.prediction.models import read_ensemble
from steps.prediction.reading import Rows

if TYPE_CHECKING:
    from pathlib import Path

    from steps.prediction.models import Ensemble


@pytest.fixture
def ensemble(models: Path) -> Ensemble:
    return read_ensemble(models)


def batch_of(ensemble: Ensemble, scores: list[list[float]]) -> pa.RecordBatch:
    """Return the output of rows with these scores, one list a row."""
    array = np.array(scores, np.float32).reshape(-1, 3).T
    rows = Rows(pa.RecordBatch.from_pydict({}), np.arange(len(scores)), [pa.array(["é"] * len(scores))], None)
    scored = np.ascontiguousarray(array)
    return output.to_batch(ensemble, rows, ["name"], scored, output.find_best(scored))


def test_the_first_of_equal_scores_wins(ensemble: Ensemble) -> None:
    found = batch_of(ensemble, [[0.2, 0.7, 0.1], [0.3, 0.3, 0.3], [0, 0, 0]])
    assert found.column("cover_type").to_pylist() == [2, 1, 1]
    assert found.column("name").to_pylist() == ["é"] * 3
    assert all(0 < value <= 1 for value in found.column("probability").to_pylist())


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.CSV.gz"])
def test_files_hold_all_batches(ensemble: Ensemble, tmp_path: Path, name: str) -> None:
    one, none, two = (batch_of(ensemble, rows) for rows in ([[0.1, 0.2, 0.3]], [], [[0.4, 0.5, 0.6]] * 2))
    with output.open_output(tmp_path / name, one, {"covertype.models": "m"}) as writer:
        for batch in (one, none, two):
            writer.write_batch(batch)
        assert not (tmp_path / name).exists()
    path = tmp_path / name
    if name.endswith("parquet"):
        table = pq.read_table(path)
        assert table.schema.metadata[b"covertype.models"] == b"m"
        assert pq.ParquetFile(path).num_row_groups == 2
    else:
        with pa.input_stream(str(path), compression="gzip" if name.endswith("gz") else None) as file:
            table = pyarrow.csv.read_csv(file)
    assert (
        table.column("score_lodgepole-pine").to_numpy().astype("f4").tolist()
        == np.array([0.2, 0.5, 0.5], "f4").tolist()
    )


def test_an_error_leaves_no_file(ensemble: Ensemble, tmp_path: Path) -> None:
    def fail() -> None:
        with output.open_output(tmp_path / "a.csv", batch_of(ensemble, [[0, 0, 0]]), {}):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


@pytest.mark.parametrize("name", ["row", "probability", "cover_type", "score_krummholz"])
def test_names_of_the_output_cannot_be_copied(ensemble: Ensemble, name: str) -> None:
    output.check_names(ensemble, ["score"])
    with pytest.raises(UsageError, match="rename it in the input"):
        output.check_names(ensemble, [name])
