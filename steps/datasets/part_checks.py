"""Whether every part of a split has rows to learn from and to be judged by, and what to do where one has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core.errors import BadDataError
from steps.tables import SPLIT, SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NAMES = "training, validation and test"


@dataclass(frozen=True)
class Part:
    """The rows of one part of a split, and how many of them are of the cover type in question."""

    rows: int = 0
    positive: int = 0

    @property
    def negative(self) -> int:
        """Rows of other cover types."""
        return self.rows - self.positive


def check_size(slug: str, positive: int, negative: int, where: str) -> None:
    """Raise BadDataError where there are fewer rows of a cover type, or of all others, than parts of a split."""
    if positive < len(SPLITS):
        fix = "add rows of it, or leave it out with --cover-types"
        raise _too_few(f"cover type {slug!r} has {_rows(positive)}", where, fix)
    if negative < len(SPLITS):
        what = f"cover types other than {slug!r} have {_rows(negative)}"
        raise _too_few(what, where, "add rows of other cover types")


def _too_few(what: str, where: str, fix: str) -> BadDataError:
    return BadDataError(f"{what}, and {_NAMES} need one each", where=where, fix=fix)


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def check_given(slug: str, parts: Mapping[str, Part], where: str) -> None:
    """Raise BadDataError where the source's own ``split`` column leaves a part without positive or negative rows."""
    for name, part in parts.items():
        drop = f"leave the column {SPLIT!r} out of the source to have the rows split by a hash"
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
    """Raise BadDataError where the hash leaves a part without positive or negative rows.

    Args:
        slug: the cover type.
        parts: what is in each part.
        seed: seed of the hash.
        where: the dataset, for the message.
        different: returns how many different rows have a label, 1 or 0; asked only where a part lacks such rows.
    """
    positive, negative = sum(part.positive for part in parts.values()), sum(part.negative for part in parts.values())
    check_size(slug, positive, negative, where)
    for name, part in parts.items():
        for label, here, total in ((1, part.positive, positive), (0, part.negative, negative)):
            if not here:
                of = f"cover type {slug!r}" if label else f"cover types other than {slug!r}"
                raise _unlucky(f"{_rows(total)} of {of}", name, seed, where, different(label))


def _unlucky(rows: str, part: str, seed: int, where: str, different: int) -> BadDataError:
    if different < len(SPLITS):
        what = f"the {rows} have {different} different values in all, and equal rows are never in two parts"
        return BadDataError(what, where=where, fix="add rows that differ, or leave it out with --cover-types")
    what = f"seed {seed} puts none of the {rows} into the {part} split"
    return BadDataError(what, where=where, fix="use more rows, other fractions or another seed")
