"""Compile the kernels for this processor, and call them.

LLVM compiles them in less than a tenth of a second whenever a process loads a forest. There is therefore no cache of
machine code: none that must be writable, and none that was made for another processor.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm
import numpy as np

from steps.forest import ir

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from steps.forest.layout import Layout, WordFormat

_POINTER, _INT, _LONG = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64
_MARGINS = ctypes.CFUNCTYPE(
    None,
    *(_POINTER, _POINTER, _POINTER, _INT),
    *(_POINTER, _POINTER, _POINTER, _POINTER, _INT),
    *(_POINTER, _POINTER, _LONG, _INT, _POINTER, _LONG),
    *(_POINTER, _POINTER, _POINTER, _POINTER, _POINTER),
)
_SIGMOID = ctypes.CFUNCTYPE(None, _POINTER, _LONG, _POINTER)


@dataclass(frozen=True)
class Kernels:
    """The compiled kernels for a format of words. Calling one releases Python's global lock."""

    form: WordFormat
    _margins: Callable[..., None]
    _sigmoid: Callable[..., None]
    _engine: Any  # owns the machine code

    def add_margins(self, layout: Layout, rows: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Add the leaves of all trees to margins, in the order of the trees.

        Args:
            layout: The forest.
            rows: The features, float32 in C order, shape (rows, features).
            out: The margins to add to: float32, shape (models, rows), with adjacent rows.
        """
        columns = len(layout.column_feature)
        items = ir.BLOCK + ir.PADDING
        bins = np.empty(max(1, columns) * ir.BLOCK + ir.PADDING, f"u{self.form.bin // 8}")
        places, slots = np.empty(items, np.int32), np.empty(items, np.int32)
        words, leaves = np.empty(items, layout.words.dtype), np.empty(items, np.float32)
        self._margins(
            *(_at(layout.words), _at(layout.root), _at(layout.model), len(layout.root)),
            *(_at(layout.column_feature), _at(layout.column_missing)),
            *(_at(layout.column_start), _at(layout.column_steps), columns, _at(layout.thresholds)),
            *(_at(rows), len(rows), layout.features, _at(out), out.strides[0] // out.itemsize),
            *(_at(bins), _at(places), _at(words), _at(slots), _at(leaves)),
        )

    def to_probabilities(self, margins: NDArray[np.float32]) -> None:
        """Replace margins, float32 in C order, by probabilities."""
        self._sigmoid(_at(margins), margins.size, ctypes.cast(ctypes.CDLL(None).expf, _POINTER))


def _at(array: NDArray[Any]) -> int:
    return array.ctypes.data


@cache
def load(form: WordFormat) -> Kernels:
    """Return the kernels for a format of words, compiled for this processor."""
    features = llvm.get_host_cpu_features()
    gathers = bool(features.get("avx512f"))
    return compile_for(form, llvm.get_host_cpu_name(), features.flatten(), gathers=gathers)


def compile_for(form: WordFormat, processor: str, features: str = "", *, gathers: bool) -> Kernels:
    """Return the kernels for a format of words.

    The code is written by hand. LLVM's passes would take longer than everything else here, and gain nothing.

    Args:
        form: The format of the words.
        processor: LLVM's name of the processor.
        features: LLVM's names of the processor's features, beside those that its name implies.
        gathers: Whether to use vectors of AVX-512.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(cpu=processor, features=features, opt=2, jit=True)
    module = llvm.parse_assembly(ir.source(form, gathers=gathers))
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    margins = _MARGINS(engine.get_function_address("margins"))
    sigmoid = _SIGMOID(engine.get_function_address("sigmoid"))
    return Kernels(form, margins, sigmoid, engine)
