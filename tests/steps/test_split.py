from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steps import split, tables
from tests.support import PARTS, Chain, call

if TYPE_CHECKING:
    from pathlib import Path


def test_the_command_line(chain: Chain, tmp_path: Path) -> None:
    outputs = [word for part in PARTS for word in (f"--{part}", tmp_path / f"{part}.parquet")]
    result = call(split.main, "--dataset", chain["dataset"], *outputs, "--usage", tmp_path / "usage.json")
    assert result.code == 0, result.log
    counts = {part: tables.count_rows(tmp_path / f"{part}.parquet") for part in PARTS}
    assert all(f"{part} {count} rows (" in result.log for part, count in counts.items())
    usage = json.loads((tmp_path / "usage.json").read_text())
    assert usage["rows_in"] == usage["rows_out"] == sum(counts.values()) == tables.count_rows(chain["dataset"])
    assert (tmp_path / "test.parquet").read_bytes() == chain["test"].read_bytes()


def test_fractions_that_do_not_sum_to_1(chain: Chain, tmp_path: Path) -> None:
    outputs = [word for part in PARTS for word in (f"--{part}", tmp_path / part)]
    result = call(split.main, "--dataset", chain["dataset"], *outputs, "--train-fraction", 0.7)
    assert result.code == 2
    words = "error: the fractions 0.7 + 0.16 + 0.2 do not sum to 1, in --train-fraction,"
    assert result.errors[0].startswith(words)
    assert list(tmp_path.iterdir()) == []
