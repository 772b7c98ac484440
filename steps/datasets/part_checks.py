"""Check that every part of a split has positive and negative rows: training and evaluation need both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core.errors import BadDataError
from steps.tables import SPLIT, SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PART_NAMES = "training, validation and test"


@dataclass(frozen=True)
class Part:
    """The number of rows of one part of a split, and how many of them are of the cover type."""

    rows: int = 0
    positive: int = 0

    @property
    def negative(self) -> int:
        """The number of rows of other cover types."""
        return self.rows - self.positive


def check_size(slug: str, positive: int, negative: int, where: str) -> None:
    """Raise BadDataError if there are too few rows of a cover type, or of all others, for the three parts.

    Args:
        slug: The cover type.
        positive: The number of its rows.
        negative: The number of all other rows.
        where: The source, for the message.
    """
    if positive < len(SPLITS):
        fix = "add rows of it, or leave it out with --cover-types"
        raise _too_few_error(f"cover type {slug!r} has {_format_rows(positive)}", where, fix)
    if negative < len(SPLITS):
        what = f"cover types other than {slug!r} have {_format_rows(negative)}"
        raise _too_few_error(what, where, "add rows of other cover types")


def _too_few_error(what: str, where: str, fix: str) -> BadDataError:
    return BadDataError(f"{what}, and {_PART_NAMES} need one each", where=where, fix=fix)


def _format_rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def check_given(slug: str, parts: Mapping[str, Part], where: str) -> None:
    """Raise BadDataError if the ``split`` column of the source leaves a part without positive or negative rows.

    Args:
        slug: The cover type.
        parts: The rows of each part by name.
        where: The source, for the message.
    """
    for name, part in parts.items():
        drop = f"leave the column {SPLIT!r} out of the source, so that the rows are split by a hash"
        if not part.rows:
            what, fix = f"no row has {SPLIT}={name}", f"add rows with it, or {drop}"
        elif not part.positive:
            what = f"no row of cover type {slug!r} has {SPLIT}={name}"
            fix = f"add some, leave it out with --cover-types, or {drop}"
        elif not part.negative:
            what = f"all rows with {SPLIT}={name} are of cover type {slug!r}"
            fix = f"add rows of other cover types with it, or {drop}"
        else:
            continue
        raise BadDataError(what, where=where, fix=fix)


def check_hashed(slug: str, parts: Mapping[str, Part], seed: int, where: str, different: Callable[[int], int]) -> None:
    """Raise BadDataError if the hash leaves a part without positive or negative rows.

    Args:
        slug: The cover type.
        parts: The rows of each part by name.
        seed: The seed of the hash.
        where: The dataset, for the message.
        different: Returns the number of distinct rows with a label, 1 or 0. It is called only if a part has no row
            with this label.
    """
    positive, negative = sum(part.positive for part in parts.values()), sum(part.negative for part in parts.values())
    check_size(slug, positive, negative, where)
    for name, part in parts.items():
        for label, here, total in ((1, part.positive, positive), (0, part.negative, negative)):
            if not here:
                of = f"cover type {slug!r}" if label else f"cover types other than {slug!r}"
                raise _empty_part_error(f"{_format_rows(total)} of {of}", name, seed, where, different(label))


def _empty_part_error(rows: str, part: str, seed: int, where: str, different: int) -> BadDataError:
    if different < len(SPLITS):
        what = f"the {rows} have {different} different values in all, and equal rows are never in two parts"
        return BadDataError(what, where=where, fix="add rows that differ, or leave it out with --cover-types")
    what = f"seed {seed} puts none of the {rows} into the {part} split"
    return BadDataError(what, where=where, fix="use more rows, other fractions or another seed")
