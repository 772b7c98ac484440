from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from steps.forest import ubjson
from tests.steps.forest.random_models import train


def plain(value: Any) -> Any:
    """Return a value with arrays as lists."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def test_a_model_has_the_values_of_the_same_model_as_json() -> None:
    booster = train(missing=0.2)
    expected = json.loads(booster.save_raw("json"))
    found = plain(ubjson.parse(bytes(booster.save_raw("ubj"))))
    for tree in expected["learner"]["gradient_booster"]["model"]["trees"]:
        for name, values in tree.items():  # JSON has the shortest decimals of float32
            tree[name] = np.array(values, "f4").tolist() if "float" in str(np.array(values).dtype) else values
    assert found == expected


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"i\xff", -1),
        (b"U\xff", 255),
        (b"I\x01\x00", 256),
        (b"l\xff\xff\xff\xff", -1),
        (b"L\0\0\0\0\0\0\1\0", 256),
        (b"d\x3f\x80\0\0", 1.0),
        (b"D\x3f\xf8\0\0\0\0\0\0", 1.5),
        (b"T", True),
        (b"F", False),
        (b"Z", None),
        (b"SL\0\0\0\0\0\0\0\2\xc3\xa9", "\u00e9"),
        (b"Si\1a", "a"),
        (b"{i\1aU\1i\1bT}", {"a": 1, "b": True}),
        (b"{}", {}),
        (b"[U\1[]Z]", [1, [], None]),
        (b"[#i\2TF", [True, False]),
        (b"[$U#i\3\1\2\3", [1, 2, 3]),
        (b"[$d#i\1\x3f\x80\0\0", [1.0]),
    ],
)
def test_values(data: bytes, value: Any) -> None:
    assert plain(ubjson.parse(data)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"U",
        b"X",
        b"TT",
        b"{i\1a",
        b"[U\1",
        b"Si\5a",
        b"Si\xffa",
        b"Sd\0\0\0\0",
        b"Si\1\xff",
        b"[$S#i\1",
        b"[$U]",
        b"[$U#i\5\1",
        b"[$U#i\xff",
        b"[#L\x7f\0\0\0\0\0\0\0",
        b"[" * 5000,
    ],
)
def test_a_damaged_document_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        ubjson.parse(data)


def test_every_truncation_of_a_model_is_a_value_error() -> None:
    data = bytes(train(rows=20, rounds=1).save_raw("ubj"))
    for size in range(len(data)):
        with pytest.raises(ValueError, match=r"."):
            ubjson.parse(data[:size])
