from __future__ import annotations

import pytest

from steps import schema as schemas
from steps.core.errors import BadConfigurationError

TEXT = """
name = "t"
target = "y"
columns = [
    { name = "x", dtype = "float32" },
    { name = "place", dtype = "category", values = ["north", "south"] },
]
cover_types = [{ label = 1, slug = "a", title = "A" }, { label = 2, slug = "b", title = "B" }]
"""


def slices(*entries: str) -> str:
    return f"{TEXT}slices = [{', '.join(entries)}]"


def test_slices_of_a_file() -> None:
    (found,) = schemas.parse(slices('{ name = "Zone", of = "place", prefix = 1 }')).slices
    assert (found.name, found.of, found.part("north")) == ("Zone", "place", "n")
    text = schemas.parse(slices('{ name = "Zone", of = "place" }')).to_json()
    assert schemas.from_json(text).slices[0].part("north") == "north"


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (['{ name = "row", of = "place" }'], "the name 'row' of a slice is reserved"),
        (['{ name = "score_a", of = "place" }'], "the name 'score_a' of a slice is reserved"),
        (['{ name = " ", of = "place" }'], "must be a text of one line"),
        (['{ name = "a", of = "x" }'], "slice 'a' is of 'x', which is not a categorical column"),
        (['{ name = "a", of = "z" }'], "slice 'a' is of 'z', which is not a categorical column"),
        (['{ name = "a", of = "place", prefix = -1 }'], "the prefix of slice 'a' is -1, it must be 0 or more"),
        (['{ name = "a", of = "place", prefix = 1.5 }'], "key 'prefix' in entry 1 of 'slices' must be an integer"),
        (['{ name = "a", of = "place", prefix = true }'], "key 'prefix' in entry 1 of 'slices' must be an integer"),
        (['{ name = "a", of = "place" }', '{ name = "a", of = "place" }'], "slice 'a' occurs twice"),
        (['{ name = "a", column = "place" }'], "unknown key 'column' in entry 1 of 'slices'"),
    ],
)
def test_slices_that_are_refused(entries: list[str], problem: str) -> None:
    with pytest.raises(BadConfigurationError, match=problem):
        schemas.parse(slices(*entries))
