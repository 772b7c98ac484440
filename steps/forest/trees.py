"""Read the trees of XGBoost's model files into arrays, and check that they are trees.

XGBoost does not validate model files, and the kernels follow the children of a node without a test of bounds. All that
they rely on is checked here.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.core.errors import BadDataError
from steps.forest import ubjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

OBJECTIVE = "binary:logistic"
_LEAST = 1e-6
# The arrays of a tree that are read, with the dtype that they become.
_ARRAYS = {
    "left_children": np.int64,
    "right_children": np.int64,
    "split_indices": np.int32,
    "split_conditions": np.float32,
    "default_left": np.bool_,
    "split_type": np.bool_,
}


class UnsupportedModelError(Exception):
    """A valid model that the forest cannot hold, such as one with categorical splits. XGBoost must predict instead."""


@dataclass(frozen=True)
class Trees:
    """The trees of all models, their nodes in level order: by depth of the forest, and by tree within a depth.

    The nodes of the first level are the roots, in the order of the trees. Siblings are adjacent, the left one first.
    Nodes that XGBoost has pruned are left out.

    Attributes:
        features: The number of features of every model.
        base_margins: The margin of each model before its first tree (float32, shape (models,)).
        model: The model of each tree, ascending (int32, shape (trees,)).
        tree: The tree of each node (int32, shape (nodes,)).
        left: The left child of each node, -1 for a leaf (int64, shape (nodes,)).
        feature: The feature of each split, 0 for a leaf (int32, shape (nodes,)).
        value: The condition of each split, or the value of a leaf (float32, shape (nodes,)).
        default_left: Whether a missing value goes to the left (bool, shape (nodes,)).
    """

    features: int
    base_margins: NDArray[np.float32]
    model: NDArray[np.int32]
    tree: NDArray[np.int32]
    left: NDArray[np.int64]
    feature: NDArray[np.int32]
    value: NDArray[np.float32]
    default_left: NDArray[np.bool_]


def read(models: Sequence[tuple[str, bytes]]) -> Trees:
    """Return the trees of models.

    Args:
        models: The name of each model for messages, and the content of its ``model.ubj``.

    Raises:
        BadDataError: A model is damaged, or the models have different numbers of features.
        UnsupportedModelError: XGBoost can predict with a model, but the forest cannot.
    """
    parts = [_read_model(name, data) for name, data in models]
    features = {part.features for part in parts}
    if len(features) != 1:
        what = f"the models have {' and '.join(map(str, sorted(features)))} features"
        raise BadDataError(what, where=models[0][0], fix="give the models of one run")
    model = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.trees) for part in parts])
    margins = np.array([part.base_margin for part in parts], np.float32)
    trees = [tree for part in parts for tree in part.trees]
    names = [models[i][0] for i in model.tolist()]
    return _in_level_order(_join(trees, features.pop(), names), margins, model)


@dataclass(frozen=True)
class _Model:
    features: int
    base_margin: np.float32
    trees: list[dict[str, Any]]


def _read_model(name: str, data: bytes) -> _Model:
    try:
        learner = ubjson.parse(data)["learner"]
        parameters, booster = learner["learner_model_param"], learner["gradient_booster"]
        kind, objective = booster["name"], learner["objective"]["name"]
        if kind != "gbtree" or objective != OBJECTIVE:
            raise UnsupportedModelError(f"{name} is of the kind {kind} with the objective {objective}")
        if int(parameters["num_class"]) > 1 or int(parameters["num_target"]) > 1:
            raise UnsupportedModelError(f"{name} has more than one output")
        if not booster["model"]["trees"]:  # its base margin would be XGBoost's own choice
            raise UnsupportedModelError(f"{name} has no trees")
        for tree in booster["model"]["trees"]:
            _check_arrays(name, tree)
        margin = base_margin(float(parameters["base_score"].strip("[]")))
        return _Model(int(parameters["num_feature"]), margin, list(booster["model"]["trees"]))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _damaged(name, str(error)) from None


def _check_arrays(name: str, tree: dict[str, Any]) -> None:
    """Check that all arrays of a tree have one number for each node, and that a leaf is one number."""
    if len({tree[array].shape for array in _ARRAYS}) != 1 or not len(tree["left_children"]):
        raise ValueError("the arrays of a tree have different lengths")
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise UnsupportedModelError(f"{name} has vectors as leaves")


def _damaged(name: str, reason: str) -> BadDataError:
    return BadDataError(f"not an XGBoost model ({reason})", where=name, fix="train or fetch again")


def base_margin(base_score: float) -> np.float32:
    """Return the margin of a probability, ``-log(1 / p - 1)``, as XGBoost rounds it.

    XGBoost limits the probability to 1e-6 and 1 - 1e-6. Each operation is in float32, and the logarithm is that of the
    C library. Source: XGBoost 3.2, of which a test compares the margins.
    """
    log = ctypes.CDLL(None).logf
    log.restype, log.argtypes = ctypes.c_float, [ctypes.c_float]
    probability = np.clip(np.float32(base_score), np.float32(_LEAST), np.float32(1 - _LEAST))
    return np.float32(-log(np.float32(1) / probability - np.float32(1)))


@dataclass(frozen=True)
class _Joined:
    """The nodes of all trees one after the other, as XGBoost numbers them; children are numbers in these arrays."""

    starts: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int32]
    value: NDArray[np.float32]
    default_left: NDArray[np.bool_]
    features: int
    names: list[str]


def _join(trees: Sequence[dict[str, Any]], features: int, names: list[str]) -> _Joined:
    """Return the nodes of all trees, after a check of the children and features of each node."""
    arrays: dict[str, NDArray[Any]] = {
        array: np.concatenate([tree[array] for tree in trees]).astype(dtype) for array, dtype in _ARRAYS.items()
    }
    lengths = np.array([len(tree["left_children"]) for tree in trees], np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    first, size = np.repeat(starts[:-1], lengths), np.repeat(lengths, lengths)
    left, right, feature = arrays["left_children"], arrays["right_children"], arrays["split_indices"]
    split = left >= 0
    wrong = split & ((left >= size) | (right < 0) | (right >= size) | (feature < 0) | (feature >= features))
    if wrong.any():
        at = int(np.searchsorted(starts, np.argmax(wrong), "right")) - 1
        raise _damaged(names[at], "a split has no such feature or child")
    if (arrays["split_type"] & split).any():
        raise UnsupportedModelError("there are categorical splits")
    if np.isnan(arrays["split_conditions"]).any():
        raise UnsupportedModelError("a split or a leaf is not a number")
    left, right = np.where(split, left + first, -1), np.where(split, right + first, -1)
    return _Joined(starts, left, right, feature, arrays["split_conditions"], arrays["default_left"], features, names)


def _in_level_order(joined: _Joined, margins: NDArray[np.float32], model: NDArray[np.int32]) -> Trees:
    """Return the nodes that can be reached from the roots, numbered in level order.

    Raises:
        BadDataError: Two splits have the same child, so there is a cycle.
    """
    level = joined.starts[:-1]
    levels, children, done = [], [], 0
    while len(level):
        levels.append(level)
        done += len(level)
        if done > len(joined.left):
            raise _damaged(joined.names[0], "a tree has a cycle")
        splits = joined.left[level] >= 0
        child = np.full(len(level), -1, np.int64)
        child[splits] = done + 2 * np.arange(np.count_nonzero(splits))
        children.append(child)
        level = np.stack([joined.left[level[splits]], joined.right[level[splits]]], axis=1).ravel()
    order = np.concatenate(levels)
    if np.bincount(order).max() > 1:
        raise _damaged(joined.names[0], "a node has two parents")
    left = np.concatenate(children)
    tree = np.repeat(np.arange(len(model), dtype=np.int32), np.diff(joined.starts))[order]
    feature = np.where(left >= 0, joined.feature[order], 0).astype(np.int32)
    return Trees(joined.features, margins, model, tree, left, feature, joined.value[order], joined.default_left[order])
