from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core.errors import BadDataError
from steps.prediction import frames, predicting
from steps.prediction.frames import score_frame
from steps.prediction.models import Ensemble, read_ensemble
from steps.prediction.rejects import Rejects
from steps.sources.files import open_source
from tests.support import decoded, real_rows

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

TABLE = decoded(real_rows(400))
COUNT = len(TABLE)


@pytest.fixture(scope="module")
def ensemble(trained: Path) -> Ensemble:
    return read_ensemble(trained)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, ensemble: Ensemble) -> pd.DataFrame:
    """What ``predict`` writes about real rows."""
    folder = tmp_path_factory.mktemp("predicted")
    pq.write_table(TABLE, folder / "in.parquet")
    source = open_source(str(folder / "in.parquet"), ensemble.schema, labelled=False)
    predicting.predict(predicting.Job(source, ensemble, "", "auto", 1, {}), folder / "out.parquet", Rejects(0))
    written: pd.DataFrame = pq.read_table(folder / "out.parquet").to_pandas()
    return written


def frame() -> pd.DataFrame:
    rows: pd.DataFrame = TABLE.to_pandas()
    return rows


def same_bits(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return list(one) == list(other) and all(
        one[name].dtype == other[name].dtype and one[name].to_numpy().tobytes() == other[name].to_numpy().tobytes()
        for name in one
    )


def test_scores_are_those_of_predict_bit_for_bit(ensemble: Ensemble, expected: pd.DataFrame) -> None:
    scored = score_frame(ensemble, frame())
    assert scored.pop(frames.PROBLEM).isna().all()
    assert same_bits(scored, expected)


@given(st.lists(st.integers(0, COUNT - 1), max_size=30), st.randoms(use_true_random=False))
def test_any_rows_in_any_columns_order_have_their_own_scores(
    ensemble: Ensemble, expected: pd.DataFrame, picked: list[int], random: object
) -> None:
    names = list(frame().columns)
    random.shuffle(names)  # type: ignore[attr-defined]
    scored = score_frame(ensemble, frame().iloc[picked][names]).drop(columns=["row", frames.PROBLEM])
    assert list(scored.index) == picked
    assert same_bits(scored, expected.iloc[picked].drop(columns="row"))


@pytest.mark.parametrize("kind", ["category", "float64", "object"])
def test_the_types_of_pandas_change_nothing(ensemble: Ensemble, expected: pd.DataFrame, kind: str) -> None:
    given_frame = frame()
    texts = ["Wilderness_Area", "Soil_Type"]
    names = [name for name in given_frame if name not in texts] if kind == "float64" else texts
    scored = score_frame(ensemble, given_frame.astype(dict.fromkeys(names, kind)))
    assert same_bits(scored.drop(columns=frames.PROBLEM), expected)


def broken_frame() -> pd.DataFrame:
    broken = frame().astype({"Aspect": "float64"})
    broken.loc[3, "Soil_Type"] = "C1"
    broken.loc[5, ["Aspect", "Slope"]] = [0.5, 91]
    return broken


def test_a_row_that_cannot_be_scored_is_an_error_that_names_it(ensemble: Ensemble) -> None:
    with pytest.raises(BadDataError, match=r"2 rows cannot be scored.*row \d of the data frame.*max_rejects"):
        score_frame(ensemble, broken_frame())
    with pytest.raises(BadDataError, match="2 rows cannot be scored, 1 are allowed"):
        score_frame(ensemble, broken_frame(), 1)


def test_allowed_rejects_stay_without_scores_and_with_their_problems(
    ensemble: Ensemble, expected: pd.DataFrame
) -> None:
    scored = score_frame(ensemble, broken_frame(), 2)
    assert len(scored) == COUNT
    assert list(scored.index[scored[frames.PROBLEM].notna()]) == [3, 5]
    assert scored.loc[[3, 5]].drop(columns=["row", frames.PROBLEM]).isna().all(axis=None)
    assert "'C1'" in str(scored.loc[3, frames.PROBLEM])
    assert "0.5 in column 'Aspect'" in str(scored.loc[5, frames.PROBLEM])
    assert "91 in column 'Slope'" in str(scored.loc[5, frames.PROBLEM])
    kept = scored.drop(index=[3, 5], columns=frames.PROBLEM).astype({"cover_type": "int64"})
    assert same_bits(kept, expected.drop(index=[3, 5]))


def test_a_missing_value_is_scored_as_predict_does(ensemble: Ensemble) -> None:
    gaps = frame().astype({"Slope": "float64"})
    gaps.loc[0, "Slope"] = np.nan
    gaps.loc[1, "Soil_Type"] = None
    assert score_frame(ensemble, gaps)[frames.PROBLEM].isna().all()


def test_no_rows_give_no_rows(ensemble: Ensemble, expected: pd.DataFrame) -> None:
    empty = score_frame(ensemble, frame().iloc[:0])
    assert len(empty) == 0
    assert list(empty) == [*expected, frames.PROBLEM]


def test_columns_that_do_not_fit(ensemble: Ensemble) -> None:
    with pytest.raises(BadDataError, match="'Slope' is missing"):
        score_frame(ensemble, frame().drop(columns="Slope"))
    with pytest.raises(BadDataError, match="several types"):
        score_frame(ensemble, frame().astype({"Slope": object}).replace({"Slope": {frame()["Slope"][0]: "steep"}}))
