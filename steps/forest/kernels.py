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

    from steps.forest.packing import PackedTrees, WordFormat

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
    """The compiled kernels for a format of words."""

    form: WordFormat
    margins: Callable[..., None]
    sigmoid: Callable[..., None]
    engine: Any  # owns the machine code


class BoundKernels:
    """The kernels with a forest to work on. Calling one releases Python's global lock.

    All that does not depend on the rows is computed once: it would take as long as a row takes.

    Args:
        packed: The forest.
        kernels: The kernels for its format.
    """

    def __init__(self, packed: PackedTrees, kernels: Kernels) -> None:
        columns, form = len(packed.column_feature), packed.format
        self._packed, self._kernels = packed, kernels  # own the memory that the kernels read
        self._features = packed.features
        self._forest = (
            *(_at(packed.words), _at(packed.root), _at(packed.model), len(packed.root)),
            *(_at(packed.column_feature), _at(packed.column_missing)),
            *(_at(packed.column_start), _at(packed.column_steps), columns, _at(packed.thresholds)),
        )
        items = ir.BLOCK + ir.PADDING
        bins = max(1, columns) * ir.BLOCK * (form.bin // 8) + ir.PADDING
        # Bins, positions, words, slots, leaves; each starts at a multiple of eight bytes.
        ends = np.cumsum([bins, 4 * items, form.word // 8 * items, 4 * items, 4 * items]).tolist()
        self._offsets, self._scratch = (0, *ends[:-1]), ends[-1]
        self._expf = ctypes.cast(ctypes.CDLL(None).expf, _POINTER).value

    def add_margins(self, rows: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Add the leaves of all trees to margins, in the order of the trees.

        Args:
            rows: The features, float32 in C order, shape (rows, features).
            out: The margins to add to: float32, shape (models, rows), with adjacent rows.
        """
        scratch = np.empty(self._scratch, np.uint8)
        start = _at(scratch)
        self._kernels.margins(
            *self._forest,
            *(_at(rows), len(rows), self._features, _at(out), out.strides[0] // out.itemsize),
            *(start + offset for offset in self._offsets),
        )

    def to_probabilities(self, margins: NDArray[np.float32]) -> None:
        """Replace margins, float32 in C order, by probabilities."""
        self._kernels.sigmoid(_at(margins), margins.size, self._expf)


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
