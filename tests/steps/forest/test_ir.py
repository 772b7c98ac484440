from __future__ import annotations

import struct

import pytest

from steps.forest import ir, packing

llvm = pytest.importorskip("llvmlite.binding")


@pytest.mark.parametrize("form", packing.FORMATS, ids=["narrow", "wide"])
@pytest.mark.parametrize("gathers", [True, False])
def test_the_text_is_a_valid_module_without_unfilled_names(form: packing.WordFormat, *, gathers: bool) -> None:
    text = ir.source(form, gathers=gathers)
    assert "$" not in text
    module = llvm.parse_assembly(text)
    module.verify()
    public = {f.name for f in module.functions if not f.is_declaration and f.linkage == llvm.Linkage.external}
    assert public == {"margins", "sigmoid"}


@pytest.mark.parametrize("value", [88.7, 1e-16])
def test_a_constant_is_rounded_to_float32(value: float) -> None:
    (wide,) = struct.unpack(">d", bytes.fromhex(ir._float(value)[2:]))
    assert wide == struct.unpack("f", struct.pack("f", value))[0]
