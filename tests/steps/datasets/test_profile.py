from __future__ import annotations

import hashlib
import struct
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from steps.datasets.profile import Profile
from steps.schema import Column, CoverType, Schema

SCHEMA = Schema(
    "tiny",
    "kind",
    (Column("size", "float32"), Column("count", "int32"), Column("colour", "category", values=("red", "green"))),
    (CoverType(1, "one", ""), CoverType(2, "two", "")),
)
Row = tuple[float, int, int, int]
ROWS = st.lists(
    st.tuples(st.floats(-1e3, 1e3, width=32), st.integers(-9, 9), st.integers(0, 1), st.integers(0, 1)),
    min_size=1,
    max_size=30,
)


def profile_of(rows: list[Row], cuts: tuple[int, ...] = ()) -> Profile:
    profile = Profile(SCHEMA)
    ends = [0, *cuts, len(rows)]
    for a, b in pairwise(ends):
        sizes, counts, colours, codes = zip(*rows[a:b], strict=True) if a < b else ((), (), (), ())
        colour = pa.DictionaryArray.from_arrays(pa.array(colours, pa.int16()), pa.array(["red", "green"]))
        arrays = [pa.array(sizes, pa.float32()), pa.array(counts, pa.int32()), colour]
        profile.add(arrays, np.array(codes, np.int16))
    return profile


@given(ROWS, st.integers(0, 30))
def test_batches_do_not_matter(rows: list[Row], cut: int) -> None:
    whole, cut_up = profile_of(rows).to_dict(), profile_of(rows, (min(cut, len(rows)),)).to_dict()
    means = [each["columns"]["size"].pop("mean") for each in (whole, cut_up)]
    assert whole == cut_up
    assert abs(means[0] - means[1]) < 2e-6


@given(ROWS)
def test_the_digest_is_of_float64_row_by_row(rows: list[Row]) -> None:
    words = [float(value) + 0.0 for row in rows for value in row]  # -0.0 counts as 0.0
    expected = hashlib.sha256(struct.pack(f"<{len(words)}d", *words)).hexdigest()
    assert profile_of(rows).data_sha256 == expected


@given(ROWS)
def test_figures(rows: list[Row]) -> None:
    found = profile_of(rows).to_dict()
    assert found["rows"] == len(rows)
    assert found["cover_types"] == {"one": sum(row[3] == 0 for row in rows), "two": sum(row[3] == 1 for row in rows)}
    counts = [row[1] for row in rows]
    distribution = found["columns"]["count"].pop("distribution")
    assert dict(zip(distribution["upper"], distribution["rows"], strict=True)) == Counter(counts)
    assert found["columns"]["count"] == {
        "dtype": "int32",
        "missing": 0,
        "minimum": min(counts),
        "maximum": max(counts),
        "mean": round(sum(counts) / len(counts), 6),
    }
    assert found["columns"]["colour"]["counts"]["green"] == sum(row[2] for row in rows)


def test_no_rows() -> None:
    found = Profile(SCHEMA).to_dict()
    assert found["rows"] == 0
    assert found["columns"]["size"] == {
        "dtype": "float32",
        "missing": 0,
        "minimum": None,
        "maximum": None,
        "mean": None,
        "distribution": {"upper": [], "rows": []},
    }
