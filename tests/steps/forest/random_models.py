"""Boosters of all kinds, trained on random rows, and rows to predict with every kind of float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost
from hypothesis import strategies as st

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOATS = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 1.1754942e-38, 3.4028235e38, -3.4028235e38, 1.0, 0.5], "f4"
)


def train(
    seed: int = 0, *, rows: int = 300, features: int = 4, rounds: int = 3, missing: float = 0.0, **parameters: Any
) -> xgboost.Booster:
    """Train a booster on rows whose values repeat, so that thresholds of different trees are equal."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, features)).round(2).astype("f4")
    values[:, 0] *= np.float32(1e-40)  # denormal numbers
    values[random.random(values.shape) < missing] = np.nan
    labels = random.random(rows) < 1 / (1 + np.exp(-np.nan_to_num(values[:, -1])))
    labels[:2] = False, True  # XGBoost has no base score for one class
    options = {"objective": "binary:logistic", "min_child_weight": 0, "nthread": 1, "seed": seed, **parameters}
    return xgboost.train(options, xgboost.DMatrix(values, labels, nthread=1), num_boost_round=rounds)


def named(*boosters: xgboost.Booster) -> list[tuple[str, bytes]]:
    """Return model files with names."""
    return [(f"model {i}", bytes(booster.save_raw("ubj"))) for i, booster in enumerate(boosters)]


def rows_for(booster: xgboost.Booster, count: int, seed: int = 0) -> NDArray[np.float32]:
    """Return rows of thresholds of a booster, their neighbours, and special numbers."""
    random = np.random.default_rng(seed)
    table = booster.trees_to_dataframe()
    own = table["Split"].dropna().to_numpy().astype("f4")
    pool = np.concatenate([FLOATS, np.repeat(own, 2), np.nextafter(own, np.float32(-np.inf))])
    return random.choice(pool, (count, booster.num_features()))


@dataclass(frozen=True)
class Drawn:
    """Boosters with the same features, and rows."""

    boosters: list[xgboost.Booster]
    rows: NDArray[np.float32]


@st.composite
def runs(draw: st.DrawFn) -> Drawn:
    """Draw one to four boosters and rows for them."""
    features, seed = draw(st.integers(1, 6)), draw(st.integers(0, 2**16))
    missing = draw(st.sampled_from([0.0, 0.0, 0.3, 0.9]))
    boosters = []
    for i in range(draw(st.integers(1, 4))):
        policy = draw(st.sampled_from(["depthwise", "lossguide"]))
        base = {"base_score": draw(st.floats(1e-9, 1 - 1e-7))} if draw(st.booleans()) else {}
        boosters.append(
            train(
                seed + i,
                rows=draw(st.sampled_from([2, 30, 400, 2000])),
                features=features,
                rounds=draw(st.integers(1, 12)),
                missing=missing,
                grow_policy=policy,
                max_depth=draw(st.integers(1, 12)) if policy == "depthwise" else 0,
                max_leaves=0 if policy == "depthwise" else draw(st.integers(2, 300)),
                max_bin=draw(st.sampled_from([2, 16, 256, 2000])),
                learning_rate=draw(st.sampled_from([0.3, 5.0])),
                gamma=draw(st.sampled_from([0.0, 0.5])),
                colsample_bynode=draw(st.sampled_from([0.5, 1.0])),
                **base,
            )
        )
    count = draw(st.sampled_from([0, 1, 2, 15, 16, 17, 100, 512, 513, 700]))
    return Drawn(boosters, rows_for(boosters[0], count, seed))
