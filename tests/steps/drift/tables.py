"""Tables with a few columns of each kind, and their profile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from steps.datasets.profile import Profile
from steps.schema import Column, CoverType, Schema

COLOURS = ("red", "green", "blue", "never")
SCHEMA = Schema(
    "tiny",
    "y",
    (
        Column("count", "int16"),
        Column("size", "float32"),
        Column("colour", "category", values=COLOURS),
    ),
    (CoverType("a", "one", "One"), CoverType("b", "two", "Two")),
)


def rows(  # noqa: PLR0913 - what a test changes
    number: int,
    seed: int = 0,
    *,
    shift: float = 0.0,
    missing: float = 0.02,
    shares: tuple[float, ...] = (0.5, 0.3, 0.2, 0.0),
    wide: float = 1.0,
) -> pa.RecordBatch:
    """Return canonical rows: counts, sizes of a normal distribution moved by ``shift``, and colours by ``shares``."""
    random = np.random.default_rng(seed)
    size = random.normal(shift, wide, number).astype(np.float32)
    codes = random.choice(len(COLOURS), number, p=shares).astype(np.int16)
    return pa.RecordBatch.from_pydict(
        {
            "count": pa.array(random.poisson(20, number).astype(np.int16)),
            "size": pa.array(size, mask=random.random(number) < missing),
            "colour": pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(COLOURS)),
        }
    )


def labels_of(number: int, seed: int = 0, share: float = 0.3) -> np.ndarray[Any, np.dtype[np.int64]]:
    return (np.random.default_rng(seed + 1).random(number) < share).astype(np.int64)


def profile_of(table: pa.RecordBatch) -> dict[str, Any]:
    """Return the content of ``profile.json`` of these rows."""
    profile = Profile(SCHEMA)
    profile.add(table.columns, labels_of(table.num_rows).astype(np.int16))
    return profile.to_dict()
