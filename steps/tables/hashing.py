"""A stateless 64-bit hash of table rows: SplitMix64's finaliser, chained over the columns.

The finaliser is a bijection of 64-bit words. Changing one input bit changes each output bit with a probability of
about one half.

Source of the finaliser and its constants: Steele, Lea, Flood (2014), "Fast splittable pseudorandom number generators",
OOPSLA, https://doi.org/10.1145/2660193.2660195, as published in Vigna's ``splitmix64.c``.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

# Name of this hash in reports. Change it together with the hash: another hash splits the same rows differently.
NAME = "splitmix64-row-v1"
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_MASK = (1 << 64) - 1


def splitmix64(words: Words) -> Words:
    """Return SplitMix64's next output for each state (uint64, shape of ``words``)."""
    z = words + _GAMMA
    z ^= z >> np.uint64(30)
    z *= _M1
    z ^= z >> np.uint64(27)
    z *= _M2
    z ^= z >> np.uint64(31)
    return z


def hash_rows(columns: Iterable[pa.Array], rows: int, seed: int) -> Words:
    """Return a hash of each row (uint64, shape (rows,)).

    The hash depends only on the row's values, the order of the columns, and the seed. It does not depend on integer
    width, dictionary encoding, or how the table is cut into batches. A null has a hash of its own.

    Args:
        columns: The columns, each with ``rows`` values.
        rows: The number of rows.
        seed: The seed.
    """
    state = splitmix64(np.full(rows, seed & _MASK, np.uint64))
    for column in columns:
        state ^= _words(column)
        state = splitmix64(state)
    return state


def hash_positions(first: int, rows: int, seed: int) -> Words:
    """Return a hash of each row position ``first .. first + rows - 1`` (uint64, shape (rows,))."""
    return splitmix64(splitmix64(np.arange(first, first + rows, dtype=np.uint64)) ^ np.uint64(seed & _MASK))


def to_fractions(hashes: Words) -> NDArray[np.float64]:
    """Map hashes to [0, 1) by their top 53 bits, which a float64 represents exactly."""
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _words(column: pa.Array) -> Words:
    """Return a 64-bit word for each value: sign-extended integers, the bits of float64, BLAKE2b-64 of strings."""
    if not (pa.types.is_primitive(column.type) or pa.types.is_dictionary(column.type)):
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type):
        # The additional word is for nulls in a column whose dictionary is empty.
        table = np.array([*(_string_word(value) for value in column.dictionary.to_pylist()), _NULL], np.uint64)
        words = table[column.indices.fill_null(0).to_numpy(zero_copy_only=False)]
    elif pa.types.is_floating(column.type):
        values = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64) + 0.0  # -0.0 becomes 0.0
        words = values.view(np.uint64)
    else:
        words = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64)
    if column.null_count:
        words = np.where(column.is_null().to_numpy(zero_copy_only=False), _NULL, words)
    return np.asarray(words, np.uint64)


def _string_word(value: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest(), "little"))


_NULL = _string_word("null")
