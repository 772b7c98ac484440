from __future__ import annotations

import pytest

from steps.reporting.section_data.parts import HeatCell, share_row


def test_a_row_of_shares() -> None:
    row = share_row("header", "a", [{"a": 0.5}, {"b": 1.0}], 0.5, decimals=1)
    assert row.header == "header"
    assert row.cells == [HeatCell("50.0%", "", 1.0), HeatCell("0.0%", "", 0.0)]


@pytest.mark.parametrize(("shade", "dark"), [(0, False), (0.72, False), (0.73, True), (1, True)])
def test_a_dark_cell(shade: float, dark: bool) -> None:  # noqa: FBT001
    assert HeatCell("", "", shade).dark == dark
