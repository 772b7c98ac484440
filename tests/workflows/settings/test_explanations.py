"""Problems with settings, in words of this project."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workflows.settings import Settings
from workflows.settings.explanations import explain


def explained(values: dict[str, Any]) -> tuple[str, str | None]:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(values)
    return explain(caught.value.errors()[0])


@pytest.mark.parametrize(
    ("values", "what", "fix"),
    [
        ({"rows": "abc"}, "rows cannot be 'abc'", "a whole number is needed"),
        ({"parallel": "abc"}, "parallel cannot be 'abc'", "a whole number is needed"),
        ({"steps": {"train": {"gpu": -1}}}, "steps.train.gpu cannot be -1", "a number of at least 0 is needed"),
        ({"parallel": 2**63}, f"parallel cannot be {2**63}", f"a number of at most {2**63 - 1} is needed"),
        ({"cache": "perhaps"}, "cache cannot be 'perhaps'", "true or false is needed"),
        ({"pods": "none"}, "pods cannot be 'none'", "use 'auto', 'step', 'cover-type' or 'all'"),
        ({"steps": {"train": 2}}, "steps.train: a mapping is needed", "see the configuration reference for an example"),
        ({"rows": "{}"}, "rows cannot be '{}'", "a whole number is needed"),
        ({"rows": "9" * 100}, f"rows cannot be '{'9' * 59}...", f"a number of at most {2**63 - 1} is needed"),
    ],
)
def test_problems(values: dict[str, Any], what: str, fix: str) -> None:
    assert explained(values) == (what, fix)


@given(
    st.sampled_from(["rows", "parallel", "cache", "pods", "preset", "timeout", "schema"]),
    st.one_of(st.none(), st.text(), st.floats(), st.lists(st.integers()), st.dictionaries(st.text(), st.integers())),
)
def test_no_word_of_pydantic(name: str, value: object) -> None:
    try:
        Settings.model_validate({name: value})
    except ValidationError as error:
        what, fix = explain(error.errors()[0])
        assert "input should" not in what.lower()
        assert what.startswith(name)
        assert "pydantic" not in f"{what}{fix}"
