"""Nightly retraining in small: a registry with a version of a part of the data, and a run on more data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from tests.registered_run import make_run, register_run
from tests.support import real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Nights:
    """What two nights leave: the runs ``first`` and ``second``, and the tables.

    Attributes:
        folder: The folder of the runs.
        reference: Rows that neither run has.
        mixed: These, and the rows of the second run.
        registry: A registry with the first run.
    """

    folder: Path
    reference: Path
    mixed: Path
    registry: Path


def make_nights(folder: Path) -> Nights:
    """Make the runs, the tables and the registry in an empty folder."""
    table = real_rows(6000)  # every 12th trains the first version, half of them the second one
    parts = [
        table.filter(pa.array([at % 12 in chosen for at in range(len(table))])) for chosen in ({0}, {0, 2, 4, 6, 8, 10})
    ]
    for name, part in zip(("first", "second"), parts, strict=True):
        (folder / name).mkdir()
        make_run(folder / name, str(write_table(folder / f"{name}.csv", part)), rows=0, rounds=12)
    reference = table.filter(pa.array([at % 2 == 1 for at in range(len(table))]))
    found = Nights(
        folder,
        write_table(folder / "reference.parquet", reference),
        write_table(folder / "mixed.parquet", pa.concat_tables([reference, parts[1]])),
        folder / "registry",
    )
    register_run(folder / "first", found.registry, "first")
    return found
