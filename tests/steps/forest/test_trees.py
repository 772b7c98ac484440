from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xgboost

from steps.core.errors import BadDataError
from steps.forest import trees, ubjson
from steps.forest.trees import UnsupportedModelError
from tests.steps.forest.random_models import named, train

if TYPE_CHECKING:
    from collections.abc import Callable


def read(*boosters: xgboost.Booster) -> trees.Trees:
    return trees.read(named(*boosters))


def test_siblings_are_adjacent_and_levels_ascend() -> None:
    found = read(train(1, rounds=5), train(2, rounds=2))
    assert found.model.tolist() == [0] * 5 + [1] * 2
    assert found.tree[:7].tolist() == list(range(7))
    splits = np.flatnonzero(found.left >= 0)
    children = np.sort(np.concatenate([found.left[splits], found.left[splits] + 1]))
    assert children.tolist() == list(range(7, len(found.left)))
    assert (found.left[splits] > splits).all()
    assert (found.tree[found.left[splits]] == found.tree[splits]).all()
    assert (found.tree[found.left[splits] + 1] == found.tree[splits]).all()


def test_thresholds_leaves_and_defaults_are_those_of_the_dump() -> None:
    booster = train(rounds=1, missing=0.3)
    found, table = read(booster), booster.trees_to_dataframe()
    splits = found.left >= 0
    inner = table[table.Feature != "Leaf"]
    assert sorted(found.value[splits].tolist()) == sorted(inner.Split.astype("f4").tolist())
    np.testing.assert_allclose(np.sort(found.value[~splits]), np.sort(table[table.Feature == "Leaf"].Gain), rtol=1e-5)
    assert found.default_left[splits].sum() == (inner.Missing == inner.Yes).sum() > 0


def test_nodes_that_xgboost_pruned_are_left_out() -> None:
    booster = train(rounds=4, gamma=2.0, tree_method="exact")
    model = ubjson.parse(bytes(booster.save_raw("ubj")))["learner"]["gradient_booster"]["model"]
    assert sum(int(tree["tree_param"]["num_deleted"]) for tree in model["trees"]) > 0
    assert len(read(booster).left) == len(booster.trees_to_dataframe())


@pytest.mark.parametrize("score", [1e-30, 1e-7, 9.9e-7, 1e-6, 0.3, 0.5, 0.999999, 0.9999995, 0.9999999])
def test_the_base_margin_is_that_of_xgboost(score: float) -> None:
    booster = train(rounds=1, base_score=score, learning_rate=0.0)
    expected = booster.inplace_predict(np.zeros((1, 4), "f4"), predict_type="margin")
    assert trees.base_margin(score) == expected[0]


def linear() -> xgboost.Booster:
    return train(booster="gblinear")


def dart() -> xgboost.Booster:
    return train(booster="dart")


def regression() -> xgboost.Booster:
    return train(objective="reg:squarederror")


def classes() -> xgboost.Booster:
    return train(objective="multi:softprob", num_class=2)


def categories() -> xgboost.Booster:
    random = np.random.default_rng(0)
    values = random.integers(0, 9, (200, 1)).astype("f4")
    matrix = xgboost.DMatrix(values, values[:, 0] % 2, feature_types=["c"], enable_categorical=True)
    return xgboost.train({"objective": "binary:logistic", "max_cat_to_onehot": 1}, matrix, 2)


def no_trees() -> xgboost.Booster:
    return train(rounds=0)


@pytest.mark.parametrize("make", [linear, dart, regression, classes, categories, no_trees])
@pytest.mark.filterwarnings("ignore")
def test_a_model_that_the_forest_cannot_hold_is_left_to_xgboost(make: Callable[[], xgboost.Booster]) -> None:
    with pytest.raises(UnsupportedModelError):
        read(make())


def damaged(monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], None]) -> Callable[[], trees.Trees]:
    """Return a call that reads a model whose first tree is changed."""
    data = named(train(rounds=2))
    document = ubjson.parse(data[0][1])
    model = document["learner"]["gradient_booster"]["model"]
    model["trees"] = [{name: _own(value) for name, value in tree.items()} for tree in model["trees"]]
    change(model["trees"][0])
    monkeypatch.setattr(ubjson, "parse", lambda _data: document)
    return lambda: trees.read(data)


def _own(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def to_itself(tree: dict[str, Any]) -> None:
    tree["left_children"][0] = 0


def far_child(tree: dict[str, Any]) -> None:
    tree["right_children"][0] = len(tree["right_children"])


def no_right_child(tree: dict[str, Any]) -> None:
    tree["right_children"][0] = -1


def same_children(tree: dict[str, Any]) -> None:
    tree["left_children"][0] = tree["right_children"][0]


def same_leaf(tree: dict[str, Any]) -> None:
    left, right = tree["left_children"], tree["right_children"]
    at = next(i for i in range(len(left)) if left[i] >= 0 and left[left[i]] < 0 <= left[right[i]])
    right[at] = left[at]


def two_parents(tree: dict[str, Any]) -> None:
    first, second = (int(tree[f"{side}_children"][0]) for side in ("left", "right"))
    tree["left_children"][first] = tree["left_children"][second]


def unknown_feature(tree: dict[str, Any]) -> None:
    tree["split_indices"][0] = 4


def short_array(tree: dict[str, Any]) -> None:
    tree["split_conditions"] = tree["split_conditions"][:-1]


def missing_array(tree: dict[str, Any]) -> None:
    del tree["default_left"]


def no_nodes(tree: dict[str, Any]) -> None:
    for name, value in tree.items():
        if isinstance(value, np.ndarray):
            tree[name] = value[:0]


@pytest.mark.parametrize(
    "change",
    [
        to_itself,
        far_child,
        no_right_child,
        same_children,
        same_leaf,
        two_parents,
        unknown_feature,
        short_array,
        missing_array,
        no_nodes,
    ],
)
def test_a_damaged_tree_is_refused_with_one_line(
    change: Callable[[dict[str, Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadDataError, match=r"not an XGBoost model .* in model 0: train or fetch again") as caught:
        damaged(monkeypatch, change)()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"{i\7learnerT}", b"{i\7learner{}}"])
def test_another_document_is_refused(data: bytes) -> None:
    with pytest.raises(BadDataError, match=r"not an XGBoost model .* in m\.ubj"):
        trees.read([("m.ubj", data)])


def test_models_with_different_features_are_refused() -> None:
    with pytest.raises(BadDataError, match="3 and 4 features"):
        read(train(features=3), train(features=4))
