from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps import tables
from steps.models import matrix

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.support import Chain


@pytest.mark.parametrize("name", ["a[0]", "a]", "<a", "a\0b"])
def test_a_name_that_xgboost_rejects_gives_all_features_numbers(name: str) -> None:
    assert matrix.booster_names(["b", name]) == ["f0", "f1"]
    assert matrix.booster_names(["b", "größe {0}"]) == ["b", "größe {0}"]


def values_of(made: object) -> tuple[list[float], list[float], list[float]]:
    data = made.get_data()  # type: ignore[attr-defined]
    cuts = made.get_quantile_cut()[1]  # type: ignore[attr-defined]
    return data.data.tolist(), made.get_label().tolist(), cuts.tolist()  # type: ignore[attr-defined]


def test_a_whole_table_and_batches_give_the_same_matrix(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = values_of(matrix.quantise(chain["train_features"], max_bin=256, threads=1))
    monkeypatch.setattr(matrix, "PIECE_ROWS", 0)
    monkeypatch.setattr(tables.read_batches, "__defaults__", (None, 137))
    assert tables.count_rows(chain["train_features"]) > 10 * 137
    assert values_of(matrix.quantise(chain["train_features"], max_bin=256, threads=1)) == whole


def with_column(source: Path, target: Path, name: str, values: NDArray[Any]) -> Path:
    """Write a feature table with one column replaced, and return its path."""
    rows = pa.table(pq.read_table(source))
    column = pa.array(values, rows.schema.field(name).type)
    rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)
    with tables.open_writer(target, rows.schema, tables.read_metadata(source)) as writer:
        for batch in rows.to_batches():
            writer.write(batch)
    return target


def test_the_matrix_of_other_labels_is_made_once(chain: Chain, tmp_path: Path) -> None:
    labels = pq.read_table(chain["train_features"]).column("label").to_numpy()
    other = with_column(chain["train_features"], tmp_path / "other", "label", 1 - labels)
    first = matrix.quantise(chain["train_features"], max_bin=64, threads=1)
    data, _, cuts = values_of(first)
    second = matrix.quantise(other, max_bin=64, threads=1)
    assert second is first
    assert values_of(second) == (data, (1 - labels).tolist(), cuts)


def test_a_matrix_of_other_values_or_bins_is_rebuilt(chain: Chain, tmp_path: Path) -> None:
    name = tables.read_metadata(chain["train_features"]).features[0]
    values = pq.read_table(chain["train_features"]).column(name).to_numpy().copy()
    values[-1] += 1
    other = with_column(chain["train_features"], tmp_path / "other", name, values)
    first = matrix.quantise(chain["train_features"], max_bin=64, threads=1)
    assert matrix.quantise(other, max_bin=64, threads=1) is not first
    assert matrix.quantise(chain["train_features"], max_bin=32, threads=1) is not first


def test_validation_rows_share_the_bins_of_the_training_rows(chain: Chain) -> None:
    first = matrix.quantise(chain["train_features"], max_bin=64, threads=1)
    second = matrix.quantise(chain["validation_features"], max_bin=64, threads=1, reference=first)
    alone = matrix.quantise(chain["validation_features"], max_bin=64, threads=1)
    assert values_of(second)[2] == values_of(first)[2] != values_of(alone)[2]


def test_several_tables_are_one_matrix(chain: Chain) -> None:
    paths = (chain["train_features"], chain["validation_features"])
    both = matrix.quantise(*paths, max_bin=64, threads=1)
    labels = [label for path in paths for label in tables.read_table(path, ["label"]).column("label").to_pylist()]
    assert both.get_label().tolist() == labels
