from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core.errors import UsageError
from steps.core.named_paths import parse_paths

NAMES = st.text(alphabet="abc-", min_size=1, max_size=5)


@given(st.dictionaries(NAMES, st.text(alphabet="a/=. ", min_size=1)))
def test_entries_are_read_back(paths: dict[str, str]) -> None:
    entries = [f"{name}={path}" for name, path in paths.items()]
    assert parse_paths(entries, "--dataset") == {name: Path(path) for name, path in paths.items()}


@pytest.mark.parametrize("entry", ["", "=", "a", "a=", "=b"])
def test_an_entry_of_another_form_is_refused(entry: str) -> None:
    with pytest.raises(UsageError, match=f"^{entry!r} is not NAME=PATH, in --dataset$"):
        parse_paths([entry], "--dataset")


def test_a_name_that_occurs_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^the name 'a' occurs twice, in --dataset"):
        parse_paths(["a=b", "a=c"], "--dataset")
