from __future__ import annotations

from typing import TYPE_CHECKING

from steps.core import storage
from steps.datasets.one_vs_rest import Options, write_datasets
from steps.io import open_source
from steps.sources.reading import Reading
from tests.support import SCHEMA, real_rows, write_table
from tests.workflows.compared_runs import make_run
from workflows.runs import results
from workflows.runs.comparison import compare_sides, read_sides

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain


def test_runs_of_other_data_on_a_reference_table(tmp_path: Path, chain: Chain) -> None:
    """The second run has half of the table among its data, by a column that splits the rows."""
    table = write_table(tmp_path / "t.parquet", real_rows(140))
    for name in ("a", "b"):
        make_run(tmp_path, name, chain)
    record = tmp_path / "b" / results.NODES / "prepare/out/fingerprints/fingerprints"
    record.parent.mkdir(parents=True)
    with open_source(str(write_table(tmp_path / "half.parquet", real_rows(140)[::2])), SCHEMA, Reading()) as half:
        write_datasets(half, {}, Options(), record)
    document = compare_sides(*read_sides(("a", "b"), tmp_path, None, str(table)))
    assert document["reference"]["fitted"] == {"a": None, "b": 70}
    assert document["reference"]["sha256"] == storage.sha256_file(table)
    assert document["test_rows"]["common"] == document["reference"]["used"] == 70
    assert compare_sides(*read_sides(("a", "b"), tmp_path, None))["reference"] is None
