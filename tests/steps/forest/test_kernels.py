from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steps.forest import ir, kernels, packing
from steps.forest.packing import FORMATS, NARROW
from tests.steps.forest.test_packing import packed_trees

if TYPE_CHECKING:
    from steps.forest.packing import PackedTrees, WordFormat

pytest.importorskip("llvmlite.binding")


def bound(found: PackedTrees) -> kernels.BoundKernels:
    return kernels.BoundKernels(found, kernels.load(found.format))


def test_the_kernels_of_a_format_are_compiled_once() -> None:
    assert kernels.load(NARROW) is kernels.load(NARROW)


@pytest.mark.parametrize("form", FORMATS, ids=["narrow", "wide"])
def test_probabilities_use_the_exponential_of_the_c_library(form: WordFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "FORMATS", (form,))
    expf = ctypes.CDLL(None).expf
    expf.restype, expf.argtypes = ctypes.c_float, [ctypes.c_float]
    margins = np.concatenate([np.random.default_rng(0).normal(0, 30, 2000), [0, -0.0, 88.7, -88.7, -1e30]]).astype("f4")
    one = np.float32(1)
    expected = [one / (np.float32(expf(min(-margin, np.float32(88.7)))) + one) for margin in margins]
    bound(packed_trees(1)).to_probabilities(margins)
    np.testing.assert_array_equal(margins.view("u4"), np.array(expected, "f4").view("u4"))


def test_margins_are_added_to_a_part_of_a_larger_array_and_nowhere_else() -> None:
    rows = np.zeros((ir.BLOCK + 3, 4), np.float32)
    out = np.full((2, len(rows) + 20), np.float32(7))
    bound(packed_trees(1, 2)).add_margins(rows, out[:, 10:-10])
    assert (out[:, :10] == 7).all()
    assert (out[:, -10:] == 7).all()
    assert (out[:, 10:-10] == out[:, 10:11]).all()
    assert (out[:, 10] != 7).all()


def test_no_rows_change_nothing() -> None:
    bound(packed_trees(1)).add_margins(np.zeros((0, 4), np.float32), np.zeros((1, 0), np.float32))
