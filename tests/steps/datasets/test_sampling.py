from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from steps import tables
from steps.datasets import sampling
from tests.support import SCHEMA, prepared, same_values

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

COUNTS = st.lists(st.integers(0, 300_000), min_size=1, max_size=40)
CODES = st.lists(st.integers(-1, 2), min_size=1, max_size=200)


@given(COUNTS, st.integers(1, 10**6))
def test_shares_add_up_and_nobody_gives_more_than_it_has(counts: list[int], rows: int) -> None:
    shares = sampling.allocate_rows(counts, rows)
    classes = sum(count > 0 for count in counts)
    assert sum(shares) == min(max(rows, classes), sum(counts))
    assert all(0 <= share <= count for share, count in zip(shares, counts, strict=True))


@given(COUNTS, st.integers(1, 10**6))
def test_every_class_keeps_its_minimum(counts: list[int], rows: int) -> None:
    minimum = max(1, min(20, rows // max(1, sum(count > 0 for count in counts))))
    shares = sampling.allocate_rows(counts, rows)
    assert all(share >= min(count, minimum) for share, count in zip(shares, counts, strict=True))


@given(COUNTS, st.integers(1, 10**6))
def test_classes_above_their_minimum_are_in_proportion(counts: list[int], rows: int) -> None:
    shares = sampling.allocate_rows(counts, rows)
    larger = [(share, count) for share, count in zip(shares, counts, strict=True) if share > min(count, 20)]
    total = sum(share for share, _ in larger)
    of = sum(count for _, count in larger)
    assert all(abs(share - total * count / of) <= 2 for share, count in larger)


def test_a_sample_of_the_real_table_is_proportional() -> None:
    counts = [211840, 283301, 35754, 2747, 9493, 17367, 20510]
    assert sampling.allocate_rows(counts, 10_000) == [3646, 4876, 615, 47, 164, 299, 353]
    assert sampling.allocate_rows(counts, 1000) == [358, 478, 60, 20, 20, 29, 35]


def test_classes_with_less_than_the_minimum_share_alike() -> None:
    assert sampling.allocate_rows([1000] * 40, 100) == [3] * 20 + [2] * 20
    assert sampling.allocate_rows([30_000, 1000, 5], 30) == [15, 10, 5]


@given(COUNTS, st.integers(1, 10**6))
def test_larger_classes_get_no_less(counts: list[int], rows: int) -> None:
    ordered = sampling.allocate_rows(sorted(counts), rows)
    assert all(b >= a - 1 for a, b in pairwise(ordered))


def sampled(codes: list[int], rows: int, cuts: list[int]) -> list[bool]:
    """Return the mask of a sample that sees and keeps its rows in batches."""
    sample = sampling.Sample(rows, 3)
    ends = sorted({0, len(codes), *(cut for cut in cuts if cut < len(codes))})
    batches = [(a, np.array(codes[a:b], np.int16)) for a, b in pairwise(ends)]
    for first, part in batches:
        sample.add(first, part, part >= 0)
    return [bool(kept) for first, part in batches for kept in sample.mask(first, part) & (part >= 0)]


@given(CODES, st.integers(1, 50), st.lists(st.integers(1, 199)))
def test_a_sample_does_not_depend_on_batches(codes: list[int], rows: int, cuts: list[int]) -> None:
    assert sampled(codes, rows, cuts) == sampled(codes, rows, [])


@given(CODES, st.integers(1, 250))
def test_a_sample_has_what_was_allocated(codes: list[int], rows: int) -> None:
    kept = sampled(codes, rows, [])
    counts = [codes.count(code) for code in range(3)]
    chosen = [sum(k for k, c in zip(kept, codes, strict=True) if c == code) for code in range(3)]
    assert chosen == sampling.allocate_rows(counts, rows)


def test_a_thousand_rows_of_the_real_table(tmp_path: Path) -> None:
    profile, folder = prepared("builtin:", tmp_path / "1", rows=1000)
    assert profile["rows"] == sum(profile["cover_types"].values()) == 1000
    assert min(profile["cover_types"].values()) == 20
    assert profile["dropped"] == {"missing": 0, "duplicates": 0, "not_in_sample": 580_012}
    assert same_values(folder, prepared("builtin:", tmp_path / "2", rows=1000)[1])
    for slug in SCHEMA.slugs:
        table = pq.read_table(folder / f"{slug}.parquet", columns=["label", "row"])
        assert table.column("label").to_numpy().sum() == profile["cover_types"][slug]
        assert len(table) == 1000
    rows = table.column("row").to_numpy()
    assert (np.diff(rows) > 0).all()
    assert rows[0] < 20_000  # spread over the table, not its first rows
    assert rows[-1] > 560_000


def test_the_batch_size_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, folder = prepared("builtin:", tmp_path / "1", rows=1000)
    monkeypatch.setattr(tables.read_batches, "__defaults__", (None, 10_007))
    second, other = prepared("builtin:", tmp_path / "2", rows=1000)
    assert first == second
    assert same_values(folder, other)


def test_a_larger_sample_contains_the_smaller(tmp_path: Path) -> None:
    chosen = []
    for rows in (1000, 2000):
        folder = prepared("builtin:", tmp_path / str(rows), rows=rows)[1]
        chosen.append(set(pq.read_table(folder / "aspen.parquet").column("row").to_pylist()))
    assert chosen[0] < chosen[1]
