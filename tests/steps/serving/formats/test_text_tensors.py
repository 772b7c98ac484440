"""Texts come back from a tensor as they were written, whatever their lengths are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.serving.formats import text_tensors
from steps.serving.refusals import RefusalError


@given(
    texts=st.lists(st.text(max_size=6)) | st.lists(st.sampled_from(["C7745", "C2702"])) | st.lists(st.just("")),
)
def test_texts_come_back(texts: list[str]) -> None:
    assert text_tensors.read("a", memoryview(text_tensors.write(texts))).to_pylist() == texts


@given(data=st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        texts = text_tensors.read("a", memoryview(data)).to_pylist()
    except RefusalError:
        return
    assert text_tensors.write(texts) == data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\1\0\0", "longer than its bytes"),
        (b"\2\0\0\0a", "longer than its bytes"),
        (b"\1\0\0\0a\2\0\0\0a", "longer than its bytes"),
        (b"\1\0\0\0a\1\0\0\0\xff", "row 1: this is not UTF-8 text"),
        (b"\1\0\0\0a\2\0\0\0a\xff", "row 1: this is not UTF-8 text"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, words: str) -> None:
    with pytest.raises(RefusalError, match=re.escape(words)):
        text_tensors.read("a", memoryview(data))
