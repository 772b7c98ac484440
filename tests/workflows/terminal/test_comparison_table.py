from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from workflows.terminal.comparison_table import print_comparison


def metric(name: str, slug: str | None, gain: float, half: float) -> dict[str, Any]:
    ends = {"low": gain - half, "high": gain + half, "family_low": gain - 2 * half, "family_high": gain + 2 * half}
    return {"metric": name, "cover_type": slug, "first": 0.5, "second": 0.5 + gain, "gain": gain, **ends}


def side(name: str, seconds: float | None) -> dict[str, Any]:
    cost = {"seconds": seconds, "work_seconds": 12.34, "size_bytes": 2_500_000}
    return {"name": name, "kind": "run", "location": f"runs/{name}", **cost}


def printed(**changes: Any) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    document = {
        "first": side("a", 3.0),
        "second": side("b", None),
        "test_rows": {"first": 1200, "second": 1300, "common": 1100, "same": False},
        "reference": None,
        "metrics": [metric("f1", "aspen", 0.01, 0.02), metric("log_loss", None, -0.1, 0.01)],
        "parameters": [{"name": "rounds", "cover_type": "aspen", "first": 5, "second": None}],
        "data": [{"name": "data_sha256", "first": "ab" * 32, "second": "x" * 60}],
    }
    print_comparison(console, document | changes)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_metrics_parameters_data_and_cost_are_printed() -> None:
    lines = printed()
    assert lines[0] == "A run a, runs/a"
    assert "F1 aspen .5000 .5100 +.0100 -.0100 to +.0300" in lines
    assert "log loss (lower is better) all .5000 .4000 -.1000 -.1100 to -.0900 *" in lines
    assert any("on 1,100 common rows (1,200 and 1,300 test rows)" in line for line in lines)
    assert "rounds of aspen 5 –" in lines
    assert f"data_sha256 abababababab {'x' * 39}…" in lines
    assert "run, s 3.0 –" in lines
    assert "work of all steps, s 12.3 12.3" in lines
    assert "models 2.5 MB 2.5 MB" in lines


def test_what_is_equal_is_stated() -> None:
    lines = printed(parameters=[], data=[], test_rows={"first": 9, "second": 9, "common": 9, "same": True})
    assert "parameters: no difference" in lines
    assert "data: no difference" in lines
    assert any("(the same test rows)" in line for line in lines)


def test_no_gain_has_no_minus_sign() -> None:
    lines = printed(metrics=[metric("log_loss", None, -0.0, 0.0)])
    assert "log loss (lower is better) all .5000 .5000 +.0000 +.0000 to +.0000" in lines


def test_the_rows_of_a_reference_table_are_named() -> None:
    use = {"location": "gs://b/t.csv", "sha256": "s", "rows": 2000, "used": 1100, "without_label": 0, "left_out": 900}
    lines = printed(reference={**use, "fitted": {"a": 900, "b": None}})
    assert "on 1,100 common rows (of the reference table)" in "".join(lines)
    line = next(line for line in lines if line.startswith("reference table: "))
    assert line.startswith("reference table: 1,100 of 2,000 rows of gs://b/t.csv, 900 left out")
    assert "no record of the rows that b was fitted on" in line
