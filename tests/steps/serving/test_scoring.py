"""Rows of several requests are scored by one call, and every request gets its own."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.serving.scoring import Scorer, score_features

if TYPE_CHECKING:
    import pyarrow as pa
    import pytest

    from steps.serving.versions import ServedModel


def rows_of(model: ServedModel, table: pa.Table, start: int, count: int) -> list[Any]:
    return model.plain.decode(json.dumps(table.slice(start, count).to_pylist()).encode())


@settings(max_examples=25)
@given(parts=st.lists(st.tuples(st.integers(0, 900), st.integers(1, 16), st.integers(0, 2)), min_size=1, max_size=40))
def test_answers_are_never_mixed(model: ServedModel, table: pa.Table, parts: list[tuple[int, int, int]]) -> None:
    async def ask(scorer: Scorer, start: int, count: int, turns: int) -> bool:
        for _ in range(turns):
            await asyncio.sleep(0)
        rows = rows_of(model, table, start, count)
        found = await scorer.together(model, rows)
        alone = score_features(model, model.plain.features(rows))
        return all(
            np.array_equal(one.view("u1"), other.view("u1"))
            for one, other in (
                (np.ascontiguousarray(found.scores), alone.scores),
                (found.best, alone.best),
                (found.probability, alone.probability),
            )
        )

    async def ask_all() -> list[bool]:
        scorer = Scorer()
        try:
            return await asyncio.gather(*(ask(scorer, *part) for part in parts))
        finally:
            scorer.close()

    assert all(asyncio.run(ask_all()))


def test_one_call_scores_what_came_together(
    model: ServedModel, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    features = type(model.plain).features

    def count(self: Any, rows: list[Any]) -> Any:
        calls.append(len(rows))
        return features(self, rows)

    monkeypatch.setattr(type(model.plain), "features", count)

    async def ask() -> None:
        scorer = Scorer()
        await asyncio.gather(*(scorer.together(model, rows_of(model, table, at, 2)) for at in range(5)))
        scorer.close()

    asyncio.run(ask())
    assert calls == [10]


def test_a_request_that_fails_does_not_fail_the_others(
    model: ServedModel, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = type(model.plain).features

    def fail_for_three(self: Any, rows: list[Any]) -> Any:
        if any(len(rows) == count for count in (3, 6)):
            raise OverflowError("derived feature 'x' is too large for float32")
        return features(self, rows)

    monkeypatch.setattr(type(model.plain), "features", fail_for_three)

    async def ask() -> list[Any]:
        scorer = Scorer()
        found = await asyncio.gather(
            *(scorer.together(model, rows_of(model, table, 0, count)) for count in (1, 3, 2)), return_exceptions=True
        )
        scorer.close()
        return list(found)

    first, second, third = asyncio.run(ask())
    assert isinstance(second, OverflowError)
    assert (len(first.best), len(third.best)) == (1, 2)


def test_a_client_that_is_gone_is_left_out(model: ServedModel, table: pa.Table) -> None:
    async def ask() -> int:
        scorer = Scorer()
        first, second = (scorer.together(model, rows_of(model, table, at, 1)) for at in range(2))
        first.cancel()
        found = await second
        scorer.close()
        return len(found.best)

    assert asyncio.run(ask()) == 1
