from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from steps import features
from steps.features import FeatureTransformer
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
    assert set(PLAIN) == set(OPERATIONS) == set(features._COMPUTE)


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


def test_a_missing_category_is_unknown() -> None:
    fitted = transformer().fit(table_of(VALUES))
    table = table_of(["low", "high"], "category")
    table.loc[0, "level"] = None
    assert fitted.transform(table)["level"].tolist() == [-1, 2]


def test_an_unfitted_transformer_is_refused() -> None:
    with pytest.raises(NotFittedError):
        transformer().transform(table_of(["low"]))


def test_feature_sets_of_the_schema() -> None:
    derived = [feature.name for feature in SCHEMA.derived]
    plain = features.make_transformer(SCHEMA, "plain").get_feature_names_out().tolist()
    assert plain == FEATURES
    assert features.make_transformer(SCHEMA, "derived").get_feature_names_out().tolist() == [*FEATURES, *derived]
