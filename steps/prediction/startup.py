"""Start a process that only scores rows without the libraries that take longest to import."""

from __future__ import annotations

import importlib.abc
import sys
from typing import NoReturn


class _NoPandas(importlib.abc.MetaPathFinder):
    """Finds no pandas."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004 - the interface
        """Raise ModuleNotFoundError for pandas, and leave all other modules to the other finders."""
        if name == "pandas":
            _raise_not_found(name)


def _raise_not_found(name: str) -> NoReturn:
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def keep_pandas_out_of_arrow() -> None:
    """Let pyarrow work without pandas in this process, which saves .4 s.

    The first array that pyarrow makes imports pandas, if it is installed, to recognise its objects. Afterwards, pandas
    can be imported as usual, but pyarrow does not know its objects. Only a program's own start may call this, before it
    imports pyarrow.
    """
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
