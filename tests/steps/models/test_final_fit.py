from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steps.models import final_fit, matrix, metrics, training
from steps.options.train import Hyperparameters

if TYPE_CHECKING:
    from tests.support import Chain

FAST = Hyperparameters(rounds=40, learning_rate=1, min_child_weight=0, early_stopping=4, evaluate_every=2)


def features_of(chain: Chain) -> dict[str, object]:
    return {part: chain[f"{part}_features"] for part in ("train", "validation")}


def fit(chain: Chain, parameters: Hyperparameters) -> tuple[object, training.LearningCurve, final_fit.Decision]:
    return final_fit.fit(features_of(chain), parameters, seed=0, threads=1, device="cpu")  # type: ignore[arg-type]


def test_the_threshold_is_the_best_on_the_validation_rows(chain: Chain) -> None:
    booster, curve, decision = fit(chain, FAST)
    first = matrix.quantise(chain["train_features"], max_bin=256, threads=1)
    rows = matrix.quantise(chain["validation_features"], max_bin=256, threads=1, reference=first)
    scores = booster.predict(rows)  # type: ignore[attr-defined]
    labels = rows.get_label().astype(np.uint8)
    assert decision.threshold == training.best_threshold(labels, scores)
    assert (decision.slope, decision.intercept) == metrics.fit_calibration(labels, scores)
    assert booster.num_boosted_rounds() == curve.best_rounds < 40  # type: ignore[attr-defined]


def test_a_refit_uses_the_rows_of_both_tables(chain: Chain) -> None:
    parameters = Hyperparameters(rounds=3)
    again = final_fit.refit(features_of(chain), parameters, seed=0, threads=1, device="cpu")  # type: ignore[arg-type]
    first, _, _ = fit(chain, parameters)
    assert again.num_boosted_rounds() == 3
    assert again.save_raw("ubj") != first.save_raw("ubj")  # type: ignore[attr-defined]


@pytest.mark.parametrize(("early_stopping", "rounds"), [(0, 40), (5, 20)])
def test_the_facts_of_a_fit(chain: Chain, early_stopping: int, rounds: int) -> None:
    curve = training.LearningCurve([20, 40])
    curve.values["validation"]["pr_auc"] = [0.7, 0.6]
    parameters = Hyperparameters(rounds=40, early_stopping=early_stopping)
    facts = final_fit.describe_fit(chain["train_features"], parameters, curve, final_fit.Decision(0.25, 1.5, -0.5))
    assert (facts["cover_type"], facts["label"], facts["threshold"]) == ("lodgepole-pine", 2, 0.25)
    assert facts["calibration"] == {"slope": 1.5, "intercept": -0.5}
    assert (facts["best_rounds"], facts["parameters"]) == (rounds, parameters.to_dict())
