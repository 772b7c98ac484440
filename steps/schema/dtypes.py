"""The dtypes of a schema's columns, and the range of each numeric dtype."""

from __future__ import annotations

INTEGER_DTYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
DTYPES = (*INTEGER_DTYPES, "float32", "float64", "category")
_LARGEST_FLOAT32 = (2 - 2**-23) * 2.0**127


def value_range(dtype: str) -> tuple[float, float]:
    """Return the smallest and the largest number that a column of a numeric dtype may contain.

    The range of float64 is that of float32, because models compute in float32, where a larger number is infinite.

    Args:
        dtype: One of ``DTYPES`` except ``category``.

    Returns:
        Two integers for an integer dtype, otherwise two floats.
    """
    if dtype not in INTEGER_DTYPES:
        return -_LARGEST_FLOAT32, _LARGEST_FLOAT32
    bits = int(dtype.lstrip("uint"))
    return (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
