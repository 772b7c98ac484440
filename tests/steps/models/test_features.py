from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from steps.bundles import columns
from steps.models import features
from steps.models.features import FeatureTransformer
from steps.schema import OPERATIONS
from tests.support import FEATURES, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN: dict[str, Callable[..., float]] = {
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "absolute_difference": lambda a, b: abs(a - b),
    "hypot": math.hypot,
    "product": lambda a, b: a * b,
    "ratio": lambda a, b: a / b if b else 0.0,
    "mean": lambda *values: sum(values) / len(values),
    "sine": lambda a: math.sin(math.radians(a)),
    "cosine": lambda a: math.cos(math.radians(a)),
}
VALUES = ["low", "middle", "high"]
NUMBERS = st.lists(st.tuples(*[st.integers(-9000, 9000)] * 3), min_size=1, max_size=20)


def transformer(**arguments: Any) -> FeatureTransformer:
    return FeatureTransformer(numeric=["a"], categories={"level": VALUES}, **arguments)


def table_of(levels: list[str], kind: str = "str") -> pd.DataFrame:
    column: pd.Series[Any] = pd.Series(levels, dtype="str")
    if kind == "category":
        column = column.astype(pd.CategoricalDtype([*VALUES, "never", *sorted(set(levels) - set(VALUES))]))
    return pd.DataFrame({"a": np.arange(len(levels), dtype=np.int16), "level": column})


def test_every_operation_has_a_plain_formula() -> None:
    assert set(PLAIN) == set(OPERATIONS) == set(columns.COMPUTE)


@pytest.mark.parametrize("operation", OPERATIONS)
@given(rows=NUMBERS)
def test_a_derived_feature_is_its_plain_formula(operation: str, rows: list[tuple[int, int, int]]) -> None:
    of = ["x", "y", "z"][: OPERATIONS[operation] or 3]
    table = pd.DataFrame(rows, columns=["x", "y", "z"], dtype=np.int16)
    derived = [{"name": "made", "operation": operation, "of": of}]
    made = FeatureTransformer(numeric=["x", "y", "z"], derived=derived).fit(table).transform(table)
    assert list(made.columns) == ["x", "y", "z", "made"]
    assert made["made"].dtype == np.float32
    expected = [PLAIN[operation](*row[: len(of)]) for row in rows]
    # Angles of thousands of degrees lose six digits to float32 before the sine.
    np.testing.assert_allclose(made["made"], expected, rtol=1e-6, atol=3e-4 if operation in {"sine", "cosine"} else 0)


@pytest.mark.parametrize("kind", ["str", "category", "object"])
def test_codes_are_ranks_among_the_categories_of_training(kind: str) -> None:
    fitted = transformer().fit(table_of(["high", "low", "high"], "category"))
    table = table_of(["low", "high", "middle", "other"], kind)
    if kind == "object":
        table["level"] = table["level"].astype(object)
    made = fitted.transform(table)
    assert made["level"].tolist() == [0, 1, -1, -1]
    assert made["level"].dtype == np.int16


@given(st.lists(st.sampled_from([*VALUES, "other"]), min_size=1), st.lists(st.sampled_from(VALUES), min_size=1))
def test_category_and_string_columns_give_the_same(rows: list[str], training: list[str]) -> None:
    fits = [transformer().fit(table_of(training, kind)) for kind in ("str", "category")]
    assert fits[0].seen_ == fits[1].seen_
    first, second = (fits[0].transform(table_of(rows, kind)) for kind in ("str", "category"))
    pd.testing.assert_frame_equal(first, second)


@given(st.lists(st.sampled_from(VALUES), min_size=1), st.integers(0, 50))
def test_fitting_and_transforming_in_pieces_is_the_same(rows: list[str], cut: int) -> None:
    table = table_of(rows)
    pieces = [piece for piece in (table[:cut], table[cut:]) if len(piece)]
    whole, by_piece = transformer().fit(table), transformer()
    for piece in pieces:
        by_piece.partial_fit(piece)
    assert whole.seen_ == by_piece.seen_
    joined = pd.concat([whole.transform(piece) for piece in pieces], ignore_index=True)
    pd.testing.assert_frame_equal(joined, whole.transform(table))


def test_fitting_again_forgets() -> None:
    fitted = transformer().fit(table_of(["low"]))
    assert fitted.fit(table_of(["high"])).seen_ == {"level": ["high"]}


@pytest.mark.parametrize("dtype", ["category", "object"])
def test_a_missing_category_is_missing_and_not_unknown(dtype: str) -> None:
    fitted = transformer().fit(table_of(["low", "high"]))
    table = table_of(["low", "middle", "high"], dtype)
    table.loc[0, "level"] = None
    codes = fitted.transform(table)["level"]
    assert codes.dtype == "Int16"
    assert codes.isna().tolist() == [True, False, False]
    assert codes.tolist()[1:] == [-1, 1]


def test_a_category_that_is_always_missing() -> None:
    table = table_of(["low", "high"], "category")
    table["level"] = None
    assert transformer().fit(table).transform(table)["level"].isna().all()


@pytest.mark.parametrize("dtype", ["float64", "Int32"])
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_what_is_derived_from_a_missing_value_is_missing(operation: str, dtype: str) -> None:
    names = ["a", "b"][: OPERATIONS[operation] or 2]
    derived = [{"name": "new", "operation": operation, "of": names}]
    table = pd.DataFrame({"a": [None, 4, None, 4], "b": [2, None, 0, 2]}, dtype=dtype)
    found = FeatureTransformer(numeric=["a", "b"], derived=derived).fit(table).transform(table)["new"]
    assert found.dtype == np.float32
    assert found.isna().tolist() == (table[names].isna().any(axis=1)).tolist()


def test_more_categories_than_int16_has_numbers() -> None:
    values = [f"v{i}" for i in range(40_000)]
    fitted = FeatureTransformer(categories={"kind": values}).fit(pd.DataFrame({"kind": values}))
    assert fitted.transform(pd.DataFrame({"kind": ["v39999", "v7"]}))["kind"].tolist() == [39_999, 7]


def test_a_derived_feature_beyond_float32_is_refused() -> None:
    table = pd.DataFrame({"a": [1.0, 1e30], "b": [1.0, 1e30]})
    made = FeatureTransformer(numeric=["a", "b"], derived=[{"name": "ab", "operation": "product", "of": ["a", "b"]}])
    with pytest.raises(OverflowError, match="derived feature 'ab' is too large for float32"):
        made.fit(table).transform(table)


def test_an_unfitted_transformer_is_refused() -> None:
    with pytest.raises(NotFittedError):
        transformer().transform(table_of(["low"]))


def test_feature_sets_of_the_schema() -> None:
    derived = [feature.name for feature in SCHEMA.derived]
    plain = features.make_transformer(SCHEMA, "plain").get_feature_names_out().tolist()
    assert plain == FEATURES
    assert features.make_transformer(SCHEMA, "derived").get_feature_names_out().tolist() == [*FEATURES, *derived]
