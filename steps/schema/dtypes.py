"""The dtypes of a schema's columns, and the numbers that each holds."""

from __future__ import annotations

INTEGER_DTYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
DTYPES = (*INTEGER_DTYPES, "float32", "float64", "category")
# The largest finite float32: models compute in float32, where a larger number would be infinite.
_FLOAT32 = (2 - 2**-23) * 2.0**127


def holds(dtype: str) -> tuple[float, float]:
    """Return the least and the largest number of a numeric column: integers where the dtype is one."""
    if dtype not in INTEGER_DTYPES:
        return -_FLOAT32, _FLOAT32
    bits = int(dtype.lstrip("uint"))
    return (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
