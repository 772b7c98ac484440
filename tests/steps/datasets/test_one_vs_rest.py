from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from steps import tables
from steps.core import storage
from steps.core.errors import BadDataError, UsageError
from steps.datasets.one_vs_rest import Options
from steps.options.prepare import Duplicates, FirstLabel, OnMissing
from tests.support import FEATURES, SCHEMA, TARGET, decoded, prepared, real_rows, with_missing, write_table

if TYPE_CHECKING:
    from pathlib import Path

ROWS = real_rows(350)


def dataset(folder: Path, slug: str = "aspen") -> pa.Table:
    return pq.read_table(folder / f"{slug}.parquet")


def test_datasets_differ_in_the_label_alone(datasets: Path) -> None:
    first = dataset(datasets)
    assert first.column_names == [*FEATURES, "label", "row"]
    total = np.zeros(len(first), int)
    for slug in SCHEMA.slugs:
        table = dataset(datasets, slug)
        assert table.drop_columns("label").equals(first.drop_columns("label"))
        total += table.column("label").to_numpy()
        assert tables.read_metadata(datasets / f"{slug}.parquet").cover_type == slug
    assert (total == 1).all()


def test_values_and_labels_are_the_source_s(tmp_path: Path) -> None:
    profile, folder = prepared(write_table(tmp_path / "source.parquet", ROWS), tmp_path / "out")
    for cover_type in SCHEMA.cover_types:
        table = dataset(folder, cover_type.slug)
        assert decoded(table.select(FEATURES)).equals(decoded(ROWS.select(FEATURES)))
        expected = (ROWS.column(TARGET).to_numpy() == cover_type.label).tolist()
        assert table.column("label").to_pylist() == expected
        assert table.column("row").to_pylist() == list(range(350))
    assert profile["rows"] == profile["rows_read"] == 350
    assert profile["cover_types"] == dict.fromkeys(SCHEMA.slugs, 50)


def test_dtypes_are_the_schema_s(datasets: Path) -> None:
    fields = pq.read_schema(datasets / "aspen.parquet")
    assert {fields.field(name).type for name in FEATURES[:10]} == {pa.int16()}
    assert {fields.field(name).type for name in FEATURES[10:]} == {pa.dictionary(pa.int16(), pa.string())}
    assert (fields.field("label").type, fields.field("row").type) == (pa.uint8(), pa.int64())


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_rows_with_a_missing_value_are_dropped_and_counted(tmp_path: Path, ending: str) -> None:
    table = with_missing(ROWS, [(3, "Slope"), (3, "Soil_Type"), (7, "Soil_Type"), (9, TARGET)])
    source = write_table(tmp_path / f"source{ending}", table)
    profile, folder = prepared(source, tmp_path / "out", on_missing=OnMissing.DROP)
    assert profile["dropped"] == {"missing": 3, "duplicates": 0, "not_in_sample": 0}
    assert (profile["rows"], profile["rows_read"]) == (347, 350)
    assert dataset(folder).column("row").to_pylist() == [i for i in range(350) if i not in {3, 7, 9}]


@pytest.mark.parametrize("column", ["Slope", "Soil_Type", TARGET])
def test_a_missing_value_fails_and_names_column_and_row(tmp_path: Path, column: str) -> None:
    source = write_table(tmp_path / "source.parquet", with_missing(ROWS, [(42, column)]))
    with pytest.raises(BadDataError, match=f"missing in column '{column}', in row 42 of source.parquet"):
        prepared(source, tmp_path / "out")


def test_a_column_of_nothing_is_missing(tmp_path: Path) -> None:
    at = ROWS.column_names.index("Slope")
    source = write_table(tmp_path / "source.parquet", ROWS.set_column(at, "Slope", pa.nulls(350)))
    with pytest.raises(BadDataError, match=r"column 'Slope' has no value in any row, in source.parquet: leave it out"):
        prepared(source, tmp_path / "out")


def test_duplicates_are_counted_and_the_first_stays(tmp_path: Path) -> None:
    table = pa.concat_tables([ROWS, ROWS.take([5, 5, 200])])
    source = write_table(tmp_path / "source.parquet", table)
    kept, _ = prepared(source, tmp_path / "keep")
    assert (kept["rows"], kept["dropped"]["duplicates"]) == (353, 0)
    dropped, folder = prepared(source, tmp_path / "drop", duplicates=Duplicates.DROP)
    assert (dropped["rows"], dropped["dropped"]["duplicates"]) == (350, 3)
    assert dataset(folder).column("row").to_pylist() == list(range(350))


def test_equal_features_with_another_label_are_no_duplicates(tmp_path: Path) -> None:
    twin = ROWS.slice(0, 1)
    other = pc.subtract(pa.scalar(8, pa.uint8()), twin.column(TARGET))
    table = pa.concat_tables([ROWS, twin.set_column(12, TARGET, other)])
    source = write_table(tmp_path / "source.parquet", table)
    profile, _ = prepared(source, tmp_path / "out", duplicates=Duplicates.DROP)
    assert profile["dropped"]["duplicates"] == 0


def test_everything_that_is_dropped_is_counted_once(tmp_path: Path) -> None:
    table = with_missing(pa.concat_tables([ROWS, ROWS.slice(0, 20)]), [(5, "Slope"), (351, "Slope")])
    source = write_table(tmp_path / "source.parquet", table)
    options: dict[str, Any] = {
        "rows": 100,
        "on_missing": OnMissing.DROP,
        "duplicates": Duplicates.DROP,
    }
    profile, _ = prepared(source, tmp_path / "out", **options)
    assert profile["rows"] == 100
    assert profile["dropped"]["missing"] == 2
    assert profile["dropped"]["duplicates"] == 18  # of 20 copies one is incomplete, and of one the original is
    assert profile["rows_read"] == 370 == profile["rows"] + sum(profile["dropped"].values())


def test_more_rows_than_there_are_is_all_rows(tmp_path: Path) -> None:
    source = write_table(tmp_path / "source.parquet", ROWS)
    assert prepared(source, tmp_path / "1", rows=10_000)[0] == prepared(source, tmp_path / "2")[0]


def test_profile_figures(tmp_path: Path) -> None:
    source = write_table(tmp_path / "source.parquet", ROWS)
    profile, _ = prepared(source, tmp_path / "out")
    elevation = ROWS.column("Elevation").to_numpy()
    distribution = profile["columns"]["Elevation"].pop("distribution")
    found = np.bincount(np.searchsorted(distribution["upper"], elevation)).tolist()
    assert found == distribution["rows"]
    assert profile["columns"]["Elevation"] == {
        "dtype": "int16",
        "missing": 0,
        "minimum": elevation.min(),
        "maximum": elevation.max(),
        "mean": round(float(elevation.mean()), 6),
    }
    areas = pc.cast(ROWS.column("Wilderness_Area"), pa.string()).to_pylist()
    expected = {value: areas.count(value) for value in SCHEMA.column("Wilderness_Area").values}
    assert profile["columns"]["Wilderness_Area"]["counts"] == expected
    assert profile["source_sha256"] == storage.sha256_file(source)
    assert profile["labels"] == "one"


def test_the_digest_tells_values_labels_and_order_apart(tmp_path: Path) -> None:
    swapped = [1, 0, *range(2, 350)]
    other_label = ROWS.column(TARGET).to_numpy().copy()
    other_label[0] = other_label[0] % 7 + 1
    variants = [
        ROWS,
        ROWS.take(swapped),
        ROWS.set_column(12, TARGET, pa.array(other_label)),
        ROWS.set_column(0, "Elevation", pc.add(ROWS.column("Elevation"), pa.scalar(1, pa.int16()))),
    ]
    digests = [
        prepared(write_table(tmp_path / f"{i}.parquet", table), tmp_path / str(i))[0]["data_sha256"]
        for i, table in enumerate(variants)
    ]
    assert len(set(digests)) == 4


def test_a_cover_type_without_rows_is_refused(tmp_path: Path) -> None:
    table = ROWS.filter(pc.not_equal(ROWS.column(TARGET), 4))
    source = write_table(tmp_path / "source.parquet", table)
    with pytest.raises(BadDataError, match="no row is of cover type 'cottonwood-willow'"):
        prepared(source, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_the_split_column_is_kept_as_positions(tmp_path: Path) -> None:
    words = [tables.SPLITS[i % 3] for i in range(350)]
    source = write_table(tmp_path / "source.parquet", ROWS.append_column("split", pa.array(words).dictionary_encode()))
    _, folder = prepared(source, tmp_path / "out")
    assert dataset(folder).column("split").to_pylist() == [i % 3 for i in range(350)]


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    source = write_table(tmp_path / "source.parquet", ROWS)
    folders = [prepared(source, tmp_path / name)[1] for name in ("1", "2")]
    written = [[path.read_bytes() for path in sorted(folder.iterdir())] for folder in folders]
    assert written[0] == written[1]


@pytest.mark.parametrize(
    "options",
    [Options(rows=5), Options(on_missing=OnMissing.KEEP), Options(duplicates=Duplicates.DROP)],
)
def test_options_that_the_preparation_inside_bigquery_lacks(options: Options) -> None:
    with pytest.raises(UsageError, match="in --inside-bigquery"):
        options.check_inside_bigquery()


def test_options_that_the_preparation_inside_bigquery_has() -> None:
    Options(first_label=FirstLabel.ONE, max_dropped=0.1).check_inside_bigquery()
