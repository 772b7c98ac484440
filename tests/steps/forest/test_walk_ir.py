from __future__ import annotations

import pytest

from steps.forest import packing, walk_ir


def test_names_with_a_value_are_filled() -> None:
    assert walk_ir.fill("%a.$V = add $TYPE_V, $V", V=3, TYPE="i8") == "%a.3 = add $TYPE_V, 3"


@pytest.mark.parametrize("form", packing.FORMATS, ids=["narrow", "wide"])
def test_vectors_take_turns_at_each_level(form: packing.WordFormat) -> None:
    text = walk_ir.vector_walk(form)
    order = [text.index(f"%left.{level}.{vector} = ") for level in range(3) for vector in range(4)]
    assert order == sorted(order)


def test_only_narrow_words_are_kept_with_their_items() -> None:
    assert "word.kept" in walk_ir.vector_walk(packing.NARROW)
    assert "word.kept" not in walk_ir.vector_walk(packing.WIDE)
