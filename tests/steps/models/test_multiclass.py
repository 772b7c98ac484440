from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from steps.core.errors import BadDataError
from steps.models import intervals, multiclass
from steps.models.multiclass import Joined, Scored

if TYPE_CHECKING:
    from numpy.typing import NDArray


def scored(labels: NDArray[np.uint8], scores: NDArray[np.float32]) -> dict[str, Scored]:
    """One table a class, named a, b, c ...; both arrays have the shape (classes, rows)."""
    rows = np.arange(labels.shape[1], dtype=np.int64) * 3
    return {chr(97 + i): Scored(rows, labels[i], scores[i]) for i in range(len(labels))}


def sample(rows: int, classes: int, seed: int = 0, skill: float = 0.6) -> tuple[NDArray[np.int64], dict[str, Scored]]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, classes, rows)
    labels = (truth == np.arange(classes)[:, np.newaxis]).astype(np.uint8)
    scores = (
        generator.random((classes, rows)) * (1 - skill) + labels * generator.random((classes, rows)) * skill
    ).astype(np.float32)
    return truth, scored(labels, scores)


@given(rows=st.integers(1, 200), classes=st.integers(2, 9), seed=st.integers(0, 1000), skill=st.floats(0, 1))
def test_figures_are_those_of_scikit_learn(rows: int, classes: int, seed: int, skill: float) -> None:
    truth, tables = sample(rows, classes, seed, skill)
    joined = multiclass.join(tables, complete=True)
    thresholds = list(np.linspace(0.2, 0.8, classes))
    predicted = joined.scores.argmax(axis=0)

    accuracy = multiclass.accuracy(joined)
    assert accuracy.value == pytest.approx(accuracy_score(truth, predicted))
    assert accuracy == intervals.wilson(int((truth == predicted).sum()), rows)
    expected = confusion_matrix(truth, predicted, labels=range(classes))
    np.testing.assert_array_equal(multiclass.confusion(joined), expected)
    assert multiclass.confusion(joined).sum() == rows

    one_vs_rest = [
        f1_score(table.labels, table.scores >= threshold, zero_division=0)
        for table, threshold in zip(tables.values(), thresholds, strict=True)
    ]
    macro = multiclass.macro_f1(joined, thresholds)
    assert macro.value == pytest.approx(np.mean(one_vs_rest))
    assert macro.value is not None
    assert macro.low is not None
    assert macro.high is not None
    assert 0 <= macro.low <= macro.value <= macro.high <= 1


@pytest.mark.parametrize("classes", [32, 33, 57, 58, 63, 64, 65, 100])
def test_macro_f1_of_many_classes_is_that_of_scikit_learn(classes: int) -> None:
    truth = np.arange(3000) % classes
    labels = (truth == np.arange(classes)[:, np.newaxis]).astype(np.uint8)
    noise = np.random.default_rng(classes).random(labels.shape)
    scores = (0.5 * noise + 0.5 * labels).astype(np.float32)
    tables = {f"c{i}": Scored(np.arange(3000), labels[i], scores[i]) for i in range(classes)}
    said = np.stack([table.scores >= 0.48 for table in tables.values()])
    found = multiclass.macro_f1(multiclass.join(tables, complete=True), [0.48] * classes)
    assert found.value == pytest.approx(f1_score(labels.T, said.T, average="macro"))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.high


def test_macro_f1_is_the_mean_of_the_f1_that_evaluate_reports_even_at_a_score_of_the_threshold() -> None:
    labels = np.array([[1, 0, 1, 0], [0, 1, 0, 1]], np.uint8)
    scores = np.array([[0.1, 0.3, 0.7, 0.2], [0.1, 0.9, 0.1, 0.3]], np.float32)
    thresholds = [0.1, float(np.float32(0.3))]  # 0.1 is not float32(0.1): only a comparison in float32 finds it equal
    joined = multiclass.join(scored(labels, scores), complete=True)
    single = [intervals.binary_metrics(labels[i], scores[i], thresholds[i])[0]["f1"].value for i in (0, 1)]
    assert multiclass.macro_f1(joined, thresholds).value == pytest.approx((single[0] or 0) / 2 + (single[1] or 0) / 2)


def test_the_bootstrap_is_that_of_the_rows() -> None:
    _, tables = sample(400, 3)
    joined = multiclass.join(tables, complete=True)
    found = multiclass.macro_f1(joined, [0.5] * 3)

    drawn = np.random.default_rng(1).integers(0, 400, (1000, 400))
    f1 = []
    for table in tables.values():
        labels, predicted = table.labels[drawn] == 1, table.scores[drawn] >= 0.5
        f1.append(2 * (labels & predicted).sum(axis=1) / (labels.sum(axis=1) + predicted.sum(axis=1)))
    values = np.mean(f1, axis=0)
    assert [found.low, found.high] == pytest.approx(np.percentile(values, [2.5, 97.5]).tolist(), abs=0.01)


def test_the_interval_shrinks_with_the_root_of_the_rows_and_does_not_change_from_call_to_call() -> None:
    widths = []
    for rows in (400, 1600, 6400):
        joined = multiclass.join(sample(rows, 4)[1], complete=True)
        found = multiclass.macro_f1(joined, [0.4] * 4)
        assert found == multiclass.macro_f1(joined, [0.4] * 4)
        widths.append((found.high or 0) - (found.low or 0))
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.2)
    assert widths[1] / widths[2] == pytest.approx(2, rel=0.2)


def test_a_subset_may_have_rows_of_no_cover_type() -> None:
    truth, tables = sample(300, 4)
    some = {slug: tables[slug] for slug in ("a", "c")}
    joined = multiclass.join(some, complete=False)
    np.testing.assert_array_equal(joined.truth, np.select([truth == 0, truth == 2], [0, 1], 2))
    expected = np.mean([f1_score(table.labels, table.scores >= 0.5) for table in some.values()])
    assert multiclass.macro_f1(joined, [0.5, 0.5]).value == pytest.approx(expected)
    assert multiclass.confusion(joined).sum() == ((truth == 0) | (truth == 2)).sum()


def test_no_rows_give_no_figures() -> None:
    joined = Joined(("a", "b"), np.zeros(0, np.int64), np.zeros((2, 0), np.float32))
    assert multiclass.accuracy(joined).value is None
    assert multiclass.macro_f1(joined, [0.5, 0.5]).value is None


@pytest.mark.parametrize("change", ["order", "length", "id"])
def test_tables_with_other_rows_are_refused(change: str) -> None:
    _, tables = sample(20, 3)
    rows, labels, scores = tables["c"]
    tables["c"] = {
        "order": Scored(rows[::-1], labels[::-1], scores[::-1]),
        "length": Scored(rows[:-1], labels[:-1], scores[:-1]),
        "id": Scored(rows + 1, labels, scores),
    }[change]
    with pytest.raises(BadDataError, match=r"the rows are not those of 'a', in scores of 'c'"):
        multiclass.join(tables, complete=True)


@pytest.mark.parametrize(("label", "complete", "count"), [(0, True, 0), (1, True, 2), (1, False, 2)])
def test_a_row_of_no_or_two_cover_types_is_refused(label: int, complete: bool, count: int) -> None:  # noqa: FBT001
    truth, tables = sample(20, 3)
    at = int(np.flatnonzero(truth == (2 if label == 0 else 1))[0])
    tables["c"].labels[at] = label
    with pytest.raises(BadDataError, match=f"row {at * 3} is of {count} cover types"):
        multiclass.join(tables, complete=complete)
