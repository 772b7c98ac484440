from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings

from steps.forest import kernels, packing, trees
from steps.forest.scoring import Forest
from tests.steps.forest import random_models
from tests.steps.forest.random_models import Drawn, named, rows_for, train

if TYPE_CHECKING:
    import xgboost
    from numpy.typing import NDArray


def grow(*boosters: xgboost.Booster) -> Forest:
    return Forest(packing.pack(trees.read(named(*boosters))))


def bits(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    assert values.dtype == np.float32
    return np.ascontiguousarray(values).view(np.uint32)


def predicted(boosters: list[xgboost.Booster], rows: NDArray[np.float32], kind: str) -> NDArray[np.float32]:
    if not len(rows):
        return np.empty((len(boosters), 0), np.float32)
    return np.stack([booster.inplace_predict(rows, predict_type=kind) for booster in boosters])


@given(random_models.runs())
@settings(max_examples=60)
def test_margins_and_probabilities_are_those_of_xgboost_bit_for_bit(drawn: Drawn) -> None:
    forest = grow(*drawn.boosters)
    for kind, result in (("margin", forest.margins(drawn.rows)), ("value", forest.scores(drawn.rows))):
        np.testing.assert_array_equal(bits(result), bits(predicted(drawn.boosters, drawn.rows, kind)), kind)


@pytest.mark.parametrize("count", [1, 511, 512, 513, 2100])
def test_neither_threads_nor_other_rows_change_a_bit(count: int) -> None:
    boosters = [train(seed, rounds=20, missing=0.1) for seed in (1, 2)]
    forest, rows = grow(*boosters), rows_for(boosters[0], 2100)
    whole = forest.scores(rows)
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(bits(forest.scores(rows[:count], threads)), bits(whole[:, :count]))
    np.testing.assert_array_equal(bits(forest.scores(rows[7:9])), bits(whole[:, 7:9]))


def test_several_threads_may_use_one_forest() -> None:
    booster = train(rounds=20)
    forest, rows = grow(booster), rows_for(booster, 3000)
    expected, results = forest.scores(rows), []
    workers = [threading.Thread(target=lambda: results.append(forest.scores(rows))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [np.array_equal(bits(result), bits(expected)) for result in results] == [True] * 4


def test_margins_beyond_the_range_of_the_exponential_become_0_and_1() -> None:
    boosters = [train(rounds=60, learning_rate=50.0, reg_lambda=0, base_score=score) for score in (1e-30, 0.999)]
    rows = rows_for(boosters[0], 400)
    margins, scores = grow(*boosters).margins(rows), grow(*boosters).scores(rows)
    assert margins.min() < -100
    assert margins.max() > 100
    np.testing.assert_array_equal(bits(scores), bits(predicted(boosters, rows, "value")))


def test_rows_of_other_types_and_orders_are_converted() -> None:
    booster = train()
    forest, rows = grow(booster), rows_for(booster, 50)
    expected = bits(forest.scores(rows))
    np.testing.assert_array_equal(bits(forest.scores(np.asfortranarray(rows))), expected)
    np.testing.assert_array_equal(bits(forest.scores(np.repeat(rows, 2, axis=0)[::2])), expected)
    np.testing.assert_array_equal(bits(forest.scores(rows.astype("f8"))), expected)


@pytest.mark.parametrize("shape", [(5, 3), (5, 5), (4,)])
def test_rows_with_another_number_of_features_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="4 features"):
        grow(train()).scores(np.zeros(shape, np.float32))


@pytest.mark.parametrize("form", packing.FORMATS, ids=["narrow", "wide"])
@pytest.mark.parametrize("gathers", [True, False])
@pytest.mark.parametrize("processor", ["host", "x86-64"])
def test_every_kind_of_kernel_gives_the_same_bits(
    form: packing.WordFormat, processor: str, monkeypatch: pytest.MonkeyPatch, *, gathers: bool
) -> None:
    llvm = pytest.importorskip("llvmlite.binding")
    if processor == "host":
        processor, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    elif llvm.get_process_triple().startswith("x86_64"):
        features = ""
    else:
        pytest.skip("another architecture")
    boosters = [train(seed, rounds=9, missing=0.2, max_leaves=200, grow_policy="lossguide") for seed in (1, 2, 3)]
    rows = rows_for(boosters[0], 700)
    monkeypatch.setattr(packing, "FORMATS", (form,))
    monkeypatch.setattr(kernels, "load", lambda form: kernels.compile_for(form, processor, features, gathers=gathers))
    forest = grow(*boosters)
    assert forest.packed.format == form
    for count in (1, 3, 40, 700):
        np.testing.assert_array_equal(
            bits(forest.scores(rows[:count])), bits(predicted(boosters, rows[:count], "value"))
        )
