"""Pack trees for the kernels: quantised thresholds, and one machine word for each node.

A row is quantised first: ``bin(x)`` is the number of thresholds of the feature, over all models, that are at most
``x``. For the threshold number ``k``, ``x < threshold`` is then equal to ``bin(x) <= k``, so that a split compares two
small integers. Rows have one column for each feature and default direction that occur together in a split. A missing
value has the lowest bin in a column of splits that send it to the left, and the highest in the others.

A split is a word with these fields, from the lowest bit on:

| field | meaning |
|---|---|
| bin | ``k``: rows with a higher bin go to the right |
| column | the column of the row to compare |
| left split | 1 if the left child is a split, 0 if it is a leaf |
| right split | the same of the right child |
| distance | the position of the left child, less that of the split |

A leaf is a word with the bits of its float32 value. Siblings are adjacent, and the nodes of a tree are in level order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steps.forest.trees import UnsupportedModelError

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from steps.forest.trees import Trees


@dataclass(frozen=True)
class WordFormat:
    """The number of bits of a word and of its fields.

    Attributes:
        word: The bits of a word.
        bin: The bits of a bin, which is also the size of a quantised cell.
        column: The bits of a column's number.
    """

    word: int
    bin: int
    column: int

    @property
    def left_split(self) -> int:
        """The position of the bit of a left child that is a split. The bit of the right child follows."""
        return self.bin + self.column

    @property
    def distance(self) -> int:
        """The position of the first bit of the distance."""
        return self.left_split + 2

    @property
    def highest_bin(self) -> int:
        """The highest bin, which no split sends to the left. There are as many thresholds at most."""
        return (1 << self.bin) - 1

    def fits(self, *, thresholds: int, columns: int, distance: int) -> bool:
        """Return whether a forest with these numbers can be written in this format."""
        return (
            thresholds <= self.highest_bin
            and columns <= 1 << self.column
            and distance < 1 << (self.word - self.distance)
        )


# XGBoost's own bins are at most 256 by default, and all trees of the presets fit into the narrow format.
NARROW, WIDE = WordFormat(word=32, bin=8, column=6), WordFormat(word=64, bin=16, column=16)
FORMATS: tuple[WordFormat, ...] = (NARROW, WIDE)
# Positions of nodes are int32.
_MOST_NODES = 1 << 31


@dataclass(frozen=True)
class PackedTrees:
    """A forest as the kernels read it.

    Attributes:
        format: The format of the words.
        features: The number of features of a row.
        base_margins: The margin of each model before its first tree (float32, shape (models,)).
        model: The model of each tree, ascending (int32, shape (trees,)).
        root: The position of each tree's root in ``words`` (int32, shape (trees,)).
        words: The nodes (uint32 or uint64, shape (nodes,)).
        column_feature: The feature of each column (int32, shape (columns,)).
        column_missing: The bin of a missing value in each column (int32, shape (columns,)).
        column_start: The position of each column's first threshold in ``thresholds`` (int32, shape (columns,)).
        column_steps: The steps of a binary search in each column's thresholds (int32, shape (columns,)). There are
            ``2**steps - 1`` of them, ascending, with NaN behind the real ones.
        thresholds: The thresholds of all features (float32).
    """

    format: WordFormat
    features: int
    base_margins: NDArray[np.float32]
    model: NDArray[np.int32]
    root: NDArray[np.int32]
    words: NDArray[Any]
    column_feature: NDArray[np.int32]
    column_missing: NDArray[np.int32]
    column_start: NDArray[np.int32]
    column_steps: NDArray[np.int32]
    thresholds: NDArray[np.float32]


def pack(trees: Trees) -> PackedTrees:
    """Return trees packed in the narrowest format that holds them.

    Raises:
        UnsupportedModelError: No format holds them.
    """
    splits = np.flatnonzero(trees.left >= 0)
    thresholds, bins = _quantise_thresholds(trees, splits)
    keys = trees.feature[splits] * 2 + trees.default_left[splits]
    used, column = np.unique(keys, return_inverse=True)
    at, root, distance = _positions(trees, splits)
    numbers = {
        "thresholds": max(map(len, thresholds), default=0),
        "columns": len(used),
        "distance": int(distance.max(initial=1)),
    }
    form = next((form for form in FORMATS if form.fits(**numbers)), None)
    size = 2 * (len(splits) + len(root) + np.count_nonzero(trees.left[: len(root)] < 0))
    if form is None or size >= _MOST_NODES:
        most = f"{numbers['thresholds']} thresholds of one feature and {numbers['columns']} columns"
        raise UnsupportedModelError(f"a forest of {size} nodes with {most} is too large")
    words = np.zeros(size, f"u{form.word // 8}")
    _write_splits(words, form, trees, splits, (at, distance, column, bins))
    _write_leaves(words, form, trees, at)
    steps = np.array([len(values).bit_length() for values in thresholds], np.int32)
    starts = np.concatenate([np.zeros(1, np.int32), np.cumsum((1 << steps) - 1, dtype=np.int32)])
    feature = used // 2
    padded = [
        np.append(v, np.full((1 << k) - 1 - len(v), np.nan, "f4")) for v, k in zip(thresholds, steps, strict=True)
    ]
    return PackedTrees(
        form,
        trees.features,
        trees.base_margins,
        trees.model,
        root,
        words,
        column_feature=feature.astype(np.int32),
        column_missing=np.where(used % 2, 0, form.highest_bin).astype(np.int32),
        column_start=starts[feature],
        column_steps=steps[feature],
        thresholds=np.concatenate([*padded, np.zeros(0, np.float32)]),
    )


def _quantise_thresholds(
    trees: Trees, splits: NDArray[np.int64]
) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
    """Return the distinct thresholds of each feature in ascending order, and the number of each split's threshold."""
    features, values = trees.feature[splits], trees.value[splits]
    bins, thresholds = np.zeros(len(splits), np.int64), []
    for feature in range(trees.features):
        own = np.flatnonzero(features == feature)
        distinct, bins[own] = np.unique(values[own], return_inverse=True)
        thresholds.append(distinct)
    return thresholds, bins


def _positions(
    trees: Trees, splits: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Return where the nodes are written: each tree behind the one before, its nodes in level order.

    The first pair of a tree has its root on the right and nothing on the left. Every split then has a pair, also the
    root of a tree with one leaf, which becomes a split with two equal leaves.

    Returns:
        The position of each node (int64, shape (nodes,)), the position of each root (int32, shape (trees,)), and the
        distance of each split (int64, shape (splits,)).
    """
    count = len(trees.model)
    lone = (trees.left[:count] < 0).astype(np.int64)
    in_tree = np.bincount(trees.tree[splits], minlength=count)
    ends = np.cumsum(in_tree + lone + 1)
    starts = ends - (in_tree + lone + 1)
    by_tree = np.argsort(trees.tree[splits], kind="stable")
    pair = np.empty(len(splits), np.int64)
    pair[by_tree] = np.arange(len(splits)) + np.repeat(starts + 1 - (np.cumsum(in_tree) - in_tree), in_tree)
    at = np.empty(len(trees.left), np.int64)
    root = 2 * starts + 1
    at[:count] = root
    at[trees.left[splits]] = 2 * pair
    at[trees.left[splits] + 1] = 2 * pair + 1
    return at, root.astype(np.int32), 2 * pair - at[splits]


def _write_splits(
    words: NDArray[Any],
    form: WordFormat,
    trees: Trees,
    splits: NDArray[np.int64],
    fields: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]],
) -> None:
    at, distance, column, bins = fields
    left, kind = trees.left[splits], words.dtype.type
    word = distance.astype(kind) << kind(form.distance)
    word |= (trees.left[left] >= 0).astype(kind) << kind(form.left_split)
    word |= (trees.left[left + 1] >= 0).astype(kind) << kind(form.left_split + 1)
    word |= column.astype(kind) << kind(form.bin)
    word |= bins.astype(kind)
    words[at[splits]] = word


def _write_leaves(words: NDArray[Any], form: WordFormat, trees: Trees, at: NDArray[np.int64]) -> None:
    leaves = np.flatnonzero(trees.left < 0)
    bits = trees.value[leaves].view(np.uint32)
    words[at[leaves]] = bits
    lone = leaves < len(trees.model)
    root = at[leaves[lone]]
    words[root + 1] = words[root + 2] = bits[lone]
    words[root] = (1 << form.distance) | form.highest_bin
