from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from steps import tables
from steps.models import bundle, preprocessing
from tests.support import SCHEMA, Chain

if TYPE_CHECKING:
    from collections.abc import Sequence


def rewrite(path: Path, changes: dict[str, pa.Array], rows: Sequence[int] | None = None) -> None:
    """Replace columns of a pipeline table, and keep the rows at some positions."""
    metadata = tables.read_metadata(path)
    table = pq.read_table(path)
    for name, values in changes.items():
        table = table.set_column(table.column_names.index(name), table.field(name), values)
    table = table if rows is None else table.take(list(rows))
    with tables.open_writer(path, table.schema.remove_metadata(), metadata) as writer:
        for batch in table.combine_chunks().to_batches():
            writer.write(batch)


def bytes_of(chain: Chain) -> tuple[bytes, bytes]:
    return chain["preprocessor"].read_bytes(), chain["train_features"].read_bytes()


@pytest.mark.parametrize("part", ["validation", "test"])
def test_nothing_of_the_held_out_rows_leaks(own_chain: Chain, part: str) -> None:
    before = bytes_of(own_chain)
    path = own_chain.folder / f"{part}.parquet"
    table = pq.read_table(path)
    soils = SCHEMA.column("Soil_Type").values
    codes = pa.array(np.arange(len(table)) % len(soils), pa.int16())
    changes = {
        "Elevation": pc.subtract(pa.scalar(9000, pa.int16()), table.column("Elevation")),
        "Soil_Type": pa.DictionaryArray.from_arrays(codes, pa.array(soils)),
        "label": pc.subtract(pa.scalar(1, pa.uint8()), table.column("label")),
    }
    rewrite(path, changes, range(len(table) // 2))
    own_chain.preprocess()
    assert bytes_of(own_chain) == before


def test_the_training_rows_do_matter(own_chain: Chain) -> None:
    before = bytes_of(own_chain)
    rewrite(own_chain["train"], {}, range(40))
    own_chain.preprocess()
    assert own_chain["preprocessor"].read_bytes() != before[0]


def test_a_category_of_the_test_rows_alone_becomes_minus_one(own_chain: Chain) -> None:
    train = pq.read_table(own_chain["train"])
    area = pc.cast(train.column("Wilderness_Area"), pa.string())
    rewrite(own_chain["train"], {}, pc.indices_nonzero(pc.not_equal(area, "Cache")).to_pylist())
    own_chain.preprocess()
    names = pc.cast(pq.read_table(own_chain["test"]).column("Wilderness_Area"), pa.string()).to_pylist()
    codes = pq.read_table(own_chain["test_features"]).column("Wilderness_Area").to_pylist()
    assert "Cache" in names
    assert codes == [{"Rawah": 0, "Neota": 1, "Commanche": 2, "Cache": -1}[name] for name in names]


def test_feature_tables_keep_rows_labels_and_numbers(chain: Chain) -> None:
    for part in ("train", "validation", "test"):
        rows = pq.read_table(chain.folder / f"{part}.parquet")
        made = pq.read_table(chain.folder / f"{part}_features.parquet")
        for name in ("row", "label", "Elevation", "Slope"):
            assert made.column(name).equals(rows.column(name))
        metadata = tables.read_metadata(chain.folder / f"{part}_features.parquet")
        assert [*metadata.features, "label", "row"] == made.column_names
        assert metadata.cover_type == "lodgepole-pine"
        assert metadata.data_sha256 == tables.read_metadata(chain["dataset"]).data_sha256


def test_batches_do_not_matter(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformer = bundle.read_preprocessor(chain["preprocessor"])
    monkeypatch.setattr(tables.read_batches, "__defaults__", (None, 100))
    rows = preprocessing.transform(transformer, chain["test"], tmp_path / "pieces.parquet")
    assert rows == tables.count_rows(chain["test"]) > 100
    assert pq.read_table(tmp_path / "pieces.parquet").equals(pq.read_table(chain["test_features"]), check_metadata=True)


_FIT_AND_WRITE = """
import sys
from pathlib import Path
from steps.models import bundle, preprocessing
junk = [object() for _ in range(int(sys.argv[3]))]  # other addresses
bundle.write_preprocessor(Path(sys.argv[2]), preprocessing.fit(Path(sys.argv[1]), "derived"))
"""


def test_two_processes_write_the_same_transformer_bytes(chain: Chain, tmp_path: Path) -> None:
    written = []
    for i in (1, 2):
        target = tmp_path / f"{i}.skops"
        command = [sys.executable, "-c", _FIT_AND_WRITE, str(chain["train"]), str(target), str(10_000 * i)]
        subprocess.run(command, cwd=Path(__file__).parents[3], check=True, env={"PYTHONHASHSEED": str(i)})
        written.append(target.read_bytes())
    assert written == [chain["preprocessor"].read_bytes()] * 2
