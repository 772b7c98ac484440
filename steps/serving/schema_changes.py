"""What clients notice when a version with another schema answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core.errors import BadDataError
from steps.datasets.canonical import value_limits
from steps.tables.spelling import quote

if TYPE_CHECKING:
    from steps.schema import Column, Schema

# The largest number of changes in an error.
_MOST_CHANGES = 5


@dataclass(frozen=True)
class SchemaChanges:
    """Differences between two schemas, each as a clause.

    Attributes:
        breaking: Those with which a request that was answered so far can be refused, or can mean something else.
        others: Those that no client needs to know.
    """

    breaking: list[str]
    others: list[str]

    @property
    def every(self) -> list[str]:
        """All of them."""
        return [*self.breaking, *self.others]

    def require_compatible(self, version: str) -> None:
        """Raise BadDataError if requests that were answered so far can be refused by a version."""
        if self.breaking:
            what = f"clients must send other columns: {'; '.join(self.breaking[:_MOST_CHANGES])}"
            fix = "change the clients, then start the server again or give it --accept-columns"
            raise BadDataError(what, where=f"version {version}", fix=fix)


def find_changes(before: Schema, after: Schema) -> SchemaChanges:
    """Return what differs in what clients may send."""
    breaking, others = list[str](), list[str]()
    if before.name != after.name:
        breaking.append(f"the model is named {quote(after.name)} instead of {quote(before.name)}")
    old = {column.name: column for column in before.columns}
    for column in after.columns:
        known = old.pop(column.name, None)
        if known is None:
            breaking.append(f"column {quote(column.name)} is added")
        elif restriction := _find_restriction(known, column):
            breaking.append(f"column {quote(column.name)} {restriction}")
        elif _accepted(known) != _accepted(column):
            others.append(f"column {quote(column.name)} accepts more values")
    others += [f"column {quote(name)} is removed" for name in old]
    return SchemaChanges(breaking, others)


def _find_restriction(before: Column, after: Column) -> str:
    """Return why a value that a column has accepted can be refused; empty if none can."""
    if before.categorical != after.categorical:
        return "has categories instead of numbers" if after.categorical else "has numbers instead of categories"
    if after.categorical:
        gone = [value for value in before.values if value not in after.values]
        if gone:
            return f"has no longer the category {quote(gone[0])}"
        # One-hot columns are counted.
        moved = after.values[: len(before.values)] != before.values
        return "has its categories in another order" if moved else ""
    if _is_whole(after) and not _is_whole(before):
        return "has whole numbers only"
    (least, most), (low, high) = value_limits(before), value_limits(after)
    return f"accepts {low:g} to {high:g} instead of {least:g} to {most:g}" if low > least or high < most else ""


def _is_whole(column: Column) -> bool:
    return not column.dtype.startswith("float")


def _accepted(column: Column) -> object:
    return column.values if column.categorical else (value_limits(column), _is_whole(column))
