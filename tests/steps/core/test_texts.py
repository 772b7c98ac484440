from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core import texts


@pytest.mark.parametrize("text", ["", "a b", "größe 大きさ 😀", "\u00a0", "\u200b"])
def test_text_of_one_line(text: str) -> None:
    assert texts.find_problem(text) is None


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x00", "\x1b[31m", "\x85", "a\u2028b", "a\u2029b", "\t"])
def test_control_characters_and_line_breaks(text: str) -> None:
    assert texts.find_problem(text) == "contains a line break or another control character"


def test_bytes_that_are_not_utf_8() -> None:
    assert texts.find_problem("a\udcff\n") == "is not UTF-8 text"


@given(st.text())
def test_a_valid_text_is_one_line_and_can_be_encoded(text: str) -> None:
    if texts.find_problem(text) is None:
        assert len(text.splitlines()) <= 1
        assert text.encode().decode() == text
