from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps import schema as schemas
from steps.core import storage
from steps.drift import findings
from steps.drift.counting import Counter
from steps.drift.grouping import PREDICTED, GroupCounter, compare
from steps.drift.reference import Categorical, Numeric, Reference, from_profile

if TYPE_CHECKING:
    from pathlib import Path

SLUGS = ("a", "b")
VALUES = ("often", "rare", "never", "seldom")


def make_reference(upper: list[float], counts: list[int], missing: int = 0) -> Reference:
    number = Numeric(np.array(upper, np.float64), np.array(counts, np.int64), missing)
    word = Categorical(VALUES, np.array([990, 5, 0, 5], np.int64), missing)
    return Reference({"number": number, "word": word}, SLUGS, np.array([600, 400], np.int64))


@settings(max_examples=60)
@given(
    upper=st.lists(st.integers(-50, 50), min_size=1, max_size=30, unique=True).map(sorted),
    data=st.data(),
)
def test_the_psi_is_that_of_predict(upper: list[int], data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(0, 500), min_size=len(upper), max_size=len(upper)))
    numbers = data.draw(st.lists(st.none() | st.integers(-60, 60), min_size=200, max_size=300))
    words = data.draw(st.lists(st.none() | st.sampled_from(VALUES), min_size=len(numbers), max_size=len(numbers)))
    predicted = np.array([i % 3 % 2 for i in range(len(numbers))], np.int64)
    reference = make_reference([float(each) for each in upper], counts, data.draw(st.integers(0, 9)))

    plain = Counter(reference)
    codes = [None if word is None else VALUES.index(word) for word in words]
    categories = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(VALUES))
    plain.add(pa.RecordBatch.from_pydict({"number": pa.array(numbers, pa.int16()), "word": categories}), predicted)
    document = findings.measure(plain)

    seen = ("often", "rare", "seldom")
    counter = GroupCounter(reference, ["word", "other", "number"], {"word": seen}, complete=True)
    code_of = {word: seen.index(word) if word in seen else -1 for word in VALUES}
    features = np.array(
        [
            [np.nan if word is None else code_of[word], 7, np.nan if number is None else number]
            for word, number in zip(words, numbers, strict=True)
        ],
        np.float32,
    )
    for start in range(0, len(features), 90):
        counter.add(features[start : start + 90], predicted[start : start + 90])
    entries = {**document["columns"], PREDICTED: document["predicted"]}
    for name, entry in entries.items():
        found = compare(counter.groups[name].training, counter.counts[name])
        measured = (None, None) if found is None else (found.psi, found.noise)
        assert measured == pytest.approx((entry["psi"], entry["psi_noise"]))
        names = [
            text
            for text, p, q in zip(
                counter.groups[name].names, counter.groups[name].training, counter.counts[name], strict=True
            )
            if p + q
        ]
        assert entry["bins"] == [] or names == [each["name"] for each in entry["bins"]]
    assert counter.unseen == {"word": words.count("never")}
    assert document["columns"]["word"]["unseen"] == pytest.approx(words.count("never") / len(words))


def test_few_rows_say_nothing() -> None:
    training = np.array([600, 400], np.int64)
    assert compare(training, np.array([100, 99], np.int64)) is None
    assert compare(training, np.array([100, 100], np.int64)) is not None
    assert compare(np.zeros(2, np.int64), np.array([100, 100], np.int64)) is None


def test_predicted_cover_types_are_not_compared_without_all_models_and_counts_begin_again() -> None:
    counter = GroupCounter(make_reference([1.0], [10]), ["number"], {}, complete=False)
    assert set(counter.groups) == {"number"}
    counter.add(np.array([[0.0], [3.0], [np.nan]], np.float32), np.zeros(3, np.int64))
    assert counter.counts["number"].tolist() == [2, 1]
    counter.clear()
    assert counter.counts["number"].tolist() == [0, 0]


def test_the_profile_of_a_run_has_groups(training_profile_file: Path) -> None:
    schema = schemas.load(schemas.BUILTIN)
    reference = from_profile(storage.read_json(training_profile_file), schema)
    assert reference is not None
    features = [column.name for column in schema.columns]
    seen = {column.name: column.values for column in schema.columns if column.categorical}
    counter = GroupCounter(reference, features, seen, complete=True)
    assert all(2 <= len(each.names) <= 12 for name, each in counter.groups.items() if name not in {*seen, PREDICTED})
    assert {int(each.training.sum()) for each in counter.groups.values()} == {3000}
