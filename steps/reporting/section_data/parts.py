"""View data that several sections share: heat maps and plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.reporting.formats import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.reporting.run_results import CoverTypeName

# The text of a cell with a darker shade is light.
_DARK_SHADE = 0.72


@dataclass(frozen=True)
class Plot:
    """A plot with its caption.

    Attributes:
        svg: the plot as an inline SVG element.
        caption: name of the cover type, or a text.
        note: small text below the caption, which may be empty.
        label: description for screen readers where the plot scrolls by itself.
    """

    svg: str
    caption: CoverTypeName | str
    note: str = ""
    label: str = ""


@dataclass(frozen=True)
class HeatCell:
    """A cell of a heat map: a text, a small text below it, which may be empty, and a shade from 0 to 1."""

    text: str
    note: str
    shade: float

    @property
    def dark(self) -> bool:
        """Whether the cell is so dark that its text must be light."""
        return self.shade > _DARK_SHADE


@dataclass(frozen=True)
class HeatRow:
    """A row of a heat map: the name of a cover type or another text, and one cell for each column."""

    header: CoverTypeName | str
    cells: Sequence[HeatCell]


@dataclass(frozen=True)
class HeatMap:
    """A table with a column for each cover type, whose cells are shaded by their value."""

    columns: Sequence[CoverTypeName]
    rows: Sequence[HeatRow]


def share_row(header: str, key: str, shares: Sequence[Mapping[str, float]], highest: float, decimals: int) -> HeatRow:
    """Return the row of one feature or hyperparameter.

    Args:
        header: header of the row.
        key: key of the row in ``shares``; an absent key is a share of 0.
        shares: shares by key, for each column.
        highest: share with the darkest shade.
        decimals: decimals of the percentages.
    """
    values = [share.get(key, 0.0) for share in shares]
    return HeatRow(header, [HeatCell(percent(value, decimals), "", value / highest) for value in values])
