from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core.errors import BadDataError
from steps.datasets import part_checks
from steps.datasets.part_checks import Part
from steps.tables import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = st.fixed_dictionaries(
    {name: st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda n: Part(n[0] + n[1], n[0])) for name in SPLITS}
)


def fails(check: Callable[..., None], *arguments: object) -> bool:
    try:
        check(*arguments)
    except BadDataError as error:
        return "\n" not in str(error)
    return False


@given(PARTS)
def test_every_part_needs_positive_and_negative_rows(parts: dict[str, Part]) -> None:
    lacking = any(not (part.positive and part.negative) for part in parts.values())
    assert fails(part_checks.check_given, "aspen", parts, "here") == lacking
    assert fails(part_checks.check_hashed, "aspen", parts, 0, "here", lambda _label: 9) == lacking


def test_distinct_rows_are_counted_only_if_a_part_lacks_rows() -> None:
    asked: list[int] = []

    def count(label: int) -> int:
        asked.append(label)
        return 9

    part_checks.check_hashed("aspen", dict.fromkeys(SPLITS, Part(2, 1)), 0, "here", count)
    assert asked == []
    parts = dict(zip(SPLITS, (Part(5, 2), Part(5, 5), Part(5, 2)), strict=True))
    with pytest.raises(BadDataError, match="seed 3 puts none of the 6 rows of cover types other than 'aspen' into the"):
        part_checks.check_hashed("aspen", parts, 3, "here", count)
    assert asked == [0]


def test_one_row_is_written_in_the_singular() -> None:
    with pytest.raises(BadDataError, match=r"^cover type 'aspen' has 1 row, and training"):
        part_checks.check_size("aspen", 1, 1000, "here")
    with pytest.raises(BadDataError, match=r"^cover types other than 'aspen' have 2 rows, and training"):
        part_checks.check_size("aspen", 1000, 2, "here")
    part_checks.check_size("aspen", 3, 3, "here")
