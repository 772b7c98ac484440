from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps import prepare, schema, tables
from steps.core.errors import BadDataError
from steps.datasets import splitting
from steps.datasets.one_vs_rest import Options
from tests.support import FEATURES, PARTS, SCHEMA, TARGET, builtin, prepared, real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path

FRACTIONS = (0.64, 0.16, 0.20)
Rows = list[tuple[int, float, str]]
ROWS = st.lists(
    st.tuples(st.integers(-(2**15), 2**15 - 1), st.floats(-1e6, 1e6, width=32), st.sampled_from("abc")),
    min_size=1,
    max_size=60,
)


def columns_of(rows: Rows) -> list[pa.Array]:
    numbers, floats, words = zip(*rows, strict=True)
    return [pa.array(numbers, pa.int16()), pa.array(floats, pa.float32()), pa.array(words).dictionary_encode()]


def parts_of(rows: Rows, seed: int = 0) -> list[int]:
    parts: list[int] = splitting.assign_parts(columns_of(rows), len(rows), seed, FRACTIONS).tolist()
    return parts


def split_rows(dataset: Path, folder: Path, seed: int = 0) -> dict[str, pa.Table]:
    outputs = {part: folder / f"{part}.parquet" for part in PARTS}
    splitting.split_dataset(dataset, outputs, seed=seed, fractions=FRACTIONS)
    return {part: pq.read_table(path) for part, path in outputs.items()}


def row_ids(parts: dict[str, pa.Table]) -> dict[str, list[int]]:
    return {part: table.column("row").to_pylist() for part, table in parts.items()}


@given(ROWS, st.integers(0, 2**32))
def test_every_row_gets_one_of_three_parts(rows: Rows, seed: int) -> None:
    parts = parts_of(rows, seed)
    assert len(parts) == len(rows)
    assert set(parts) <= {0, 1, 2}


@given(ROWS, st.randoms(use_true_random=False))
def test_a_row_keeps_its_part_in_any_order_and_company(rows: Rows, random: st.DataObject) -> None:
    before = dict(zip(rows, parts_of(rows), strict=True))
    fewer = random.sample(rows, max(1, len(rows) // 2))  # type: ignore[attr-defined]  # hypothesis has no type for it
    assert parts_of(fewer) == [before[row] for row in fewer]


@given(ROWS)
def test_equal_rows_are_never_on_both_sides(rows: Rows) -> None:
    parts = parts_of(rows + rows)
    assert parts[: len(rows)] == parts[len(rows) :]


@given(ROWS)
def test_storage_of_the_values_does_not_matter(rows: Rows) -> None:
    numbers, floats, words = columns_of(rows)
    stored = [numbers.cast(pa.int64()), floats.cast(pa.float64()), words.dictionary_decode()]
    assert splitting.assign_parts(stored, len(rows), 0, FRACTIONS).tolist() == parts_of(rows)


@given(ROWS, st.integers(0, 60))
def test_batches_do_not_matter(rows: Rows, cut: int) -> None:
    assert [part for rows_ in (rows[:cut], rows[cut:]) if rows_ for part in parts_of(rows_)] == parts_of(rows)


def test_the_seed_matters(datasets: Path) -> None:
    columns = [pq.read_table(datasets / "aspen.parquet").column(name).combine_chunks() for name in FEATURES]
    first, second = (splitting.assign_parts(columns, 3000, seed, FRACTIONS) for seed in (0, 1))
    assert 0.3 < (first != second).mean() < 0.7


def test_fractions_are_right_on_the_real_table() -> None:
    table = builtin().combine_chunks()
    columns = [table.column(name).combine_chunks() for name in FEATURES]
    parts = splitting.assign_parts(columns, len(table), 0, FRACTIONS)
    assert np.abs(np.bincount(parts) / len(table) - FRACTIONS).max() < 0.002
    labels = table.column(TARGET).to_numpy()
    for cover_type in SCHEMA.cover_types:  # 2,747 rows in the smallest: a standard error of .009
        mine = parts[labels == cover_type.label]
        assert np.abs(np.bincount(mine) / len(mine) - FRACTIONS).max() < 0.03


def test_a_file_is_split_completely_and_without_overlap(datasets: Path, tmp_path: Path) -> None:
    whole = pq.read_table(datasets / "aspen.parquet")
    parts = split_rows(datasets / "aspen.parquet", tmp_path)
    joined = pa.concat_tables(parts.values()).sort_by("row")
    assert joined.equals(whole)
    assert all(table.column("row").to_pylist() == sorted(table.column("row").to_pylist()) for table in parts.values())


def test_all_cover_types_get_the_same_split(datasets: Path, tmp_path: Path) -> None:
    found = [row_ids(split_rows(datasets / f"{slug}.parquet", tmp_path / slug)) for slug in SCHEMA.slugs]
    assert all(each == found[0] for each in found)


def test_rows_that_are_added_move_no_other(tmp_path: Path) -> None:
    fewer, more = write_table(tmp_path / "fewer.parquet", real_rows(700)), real_rows(1400)
    write_table(tmp_path / "more.parquet", more)
    parts = []
    for name in ("fewer", "more"):
        folder = tmp_path / name
        prepared(fewer.with_stem(name), folder)
        parts.append(split_rows(folder / "aspen.parquet", folder))
    for part in PARTS:
        first, second = (set(zip(*(t[part].column(n).to_pylist() for n in FEATURES), strict=True)) for t in parts)
        assert first
        assert first <= second


def test_metadata_travels_along(datasets: Path, tmp_path: Path) -> None:
    split_rows(datasets / "aspen.parquet", tmp_path)
    metadata = tables.read_metadata(datasets / "aspen.parquet")
    assert metadata.cover_type == "aspen"
    assert all(tables.read_metadata(tmp_path / f"{part}.parquet") == metadata for part in PARTS)


def with_own_split(folder: Path, words: list[str]) -> Path:
    table = real_rows(700)
    column = pa.array([words[i % len(words)] for i in range(len(table))])
    source = write_table(folder / "source.csv", table.append_column("split", column))
    return prepared(source, folder)[1]


def test_a_split_column_is_honoured(tmp_path: Path) -> None:
    parts = split_rows(with_own_split(tmp_path, list(PARTS)) / "aspen.parquet", tmp_path, seed=5)
    for i, part in enumerate(PARTS):
        assert parts[part].column("row").to_pylist() == list(range(i, 700, 3))
        assert "split" not in parts[part].column_names


def in_order(parts: list[str], labels: list[int], values: list[int]) -> pa.Table:
    """Return a table with a column of numbers, a label and, where ``parts`` are given, a split."""
    columns = {"x": pa.array(values, pa.int32()), "y": pa.array(labels), "split": pa.array(parts)}
    return pa.table(columns if parts else {name: columns[name] for name in "xy"})


TWO = schema.parse(
    """
    name = "two"
    target = "y"
    columns = [{ name = "x", dtype = "int32" }]
    cover_types = [{ label = 0, slug = "no", title = "No" }, { label = 1, slug = "yes", title = "Yes" }]
    """
)
MIX = [0, 1] * 4
HERE, NEED = "in source.parquet", "training, validation and test need one each"
HASH = "leave the column 'split' out of the source, so that the rows are split by a hash"
GIVEN = {
    "a part that no row is in": (
        ["train", "train", "test", "test"] * 2,
        MIX,
        f"no row has split=validation, {HERE}: add rows with it, or {HASH}",
    ),
    "all rows in one part": (
        ["train"] * 8,
        MIX,
        f"no row has split=validation, {HERE}: add rows with it, or {HASH}",
    ),
    "a class that is missing from a part": (
        ["train", "train", "test", "test", "train", "train", "validation", "test"],
        [0, 1, 0, 1, 0, 1, 0, 1],
        f"no row of cover type 'yes' has split=validation, {HERE}: add some, leave it out with --cover-types, or",
    ),
    "a part of one class": (
        ["train", "train", "validation", "test", "train", "train", "validation", "test"],
        [0, 1, 1, 1, 0, 1, 1, 0],
        f"all rows with split=validation are of cover type 'yes', {HERE}: add rows of other cover types with it,",
    ),
    "a class of one row": (
        [],
        [0, 0, 0, 0, 1, 0, 0, 0],
        f"cover type 'yes' has 1 row, and {NEED}, {HERE}: add rows of it, or leave it out with --cover-types",
    ),
    "one row of other classes": (
        [],
        [1, 1, 1, 1, 1, 0, 1, 1],
        f"cover types other than 'yes' have 1 row, and {NEED}, {HERE}: add rows of other cover types",
    ),
}


@pytest.mark.parametrize("case", GIVEN)
def test_what_cannot_be_split_is_refused_before_anything_is_written(tmp_path: Path, case: str) -> None:
    parts, labels, message = GIVEN[case]
    source = write_table(tmp_path / "source.parquet", in_order(parts, labels, list(range(8))))
    outcome = tmp_path / "yes.parquet"
    with pytest.raises(BadDataError, match=re.escape(message)):
        prepare.prepare(str(source), TWO, {"yes": outcome}, Options())
    assert not outcome.exists()


def split_two(folder: Path, table: pa.Table, **options: int) -> None:
    """Prepare a table and split the rows of ``yes``."""
    source = write_table(folder / "source.parquet", table)
    prepare.prepare(str(source), TWO, {"yes": folder / "yes.parquet"}, Options())
    split_rows(folder / "yes.parquet", folder / "parts", **options)


def test_a_seed_that_leaves_a_part_without_a_row_says_so(tmp_path: Path) -> None:
    table = in_order([], [0] * 40 + [1] * 3, list(range(43)))
    message = "seed 0 puts none of the 3 rows of cover type 'yes' into the test split, in yes.parquet: use more"
    with pytest.raises(BadDataError, match=message):
        split_two(tmp_path, table)
    assert not list((tmp_path / "parts").iterdir())


def test_equal_rows_are_in_one_part_and_no_seed_changes_that(tmp_path: Path) -> None:
    table = in_order([], [0] * 40 + [1] * 9, [*range(40), *[50] * 9])
    message = "the 9 rows of cover type 'yes' have 1 different values in all, and equal rows are never in two parts"
    with pytest.raises(BadDataError, match=message):
        split_two(tmp_path, table)
