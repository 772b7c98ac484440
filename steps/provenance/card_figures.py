"""Figures of the model card that the report does not have: accuracy of each slice, and calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steps.comparison.score_table import BLOCK
from steps.models.intervals import Estimate, wilson
from steps.models.metrics import calibrate

if TYPE_CHECKING:
    from steps.comparison.scores import TestScores

BINS = 15
RESAMPLES = 300
# Slices with fewer rows are not shown: their intervals say nothing.
FEWEST_ROWS = 30


@dataclass(frozen=True)
class SliceAccuracy:
    """The accuracy of the highest score on the test rows of one part.

    Attributes:
        slice: The name of the division.
        part: The part.
        rows: The number of its test rows.
        accuracy: The share of right answers with its Wilson interval.
    """

    slice: str
    part: str
    rows: int
    accuracy: Estimate


def slice_accuracies(scores: TestScores) -> list[SliceAccuracy]:
    """Return the accuracy of each part with at least ``FEWEST_ROWS`` test rows, in the order of the slices."""
    right = scores.find_right()
    found = []
    for name, division in scores.slices.items():
        for code, part in enumerate(division.values):
            inside = division.codes == code
            if (rows := int(inside.sum())) >= FEWEST_ROWS:
                found.append(SliceAccuracy(name, part, rows, wilson(int(right[inside].sum()), rows)))
    return found


def calibration_error(scores: TestScores, seed: int = 0) -> Estimate:
    """Return the expected calibration error of the highest calibrated probability, with a bootstrap interval.

    It is the mean, over all test rows, of the difference between the mean probability and the share of right answers
    in the row's bin, of ``BINS`` bins of equal width. The interval is the basic bootstrap over rows (``RESAMPLES``
    samples), cut at 0: the statistic is biased upwards in small samples, and a percentile interval would be too high.

    Source: M. P. Naeini, G. Cooper, M. Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning,
    AAAI 2015.

    Args:
        scores: The test scores.
        seed: The seed of the bootstrap.
    """
    if not len(scores.truth):
        return Estimate(None)
    calibrations = np.array(scores.calibrations, np.float64)
    highest, right = np.empty(len(scores.truth)), np.empty(len(scores.truth), np.bool_)
    for start in range(0, len(right), BLOCK):
        part = slice(start, start + BLOCK)
        probabilities = calibrate(scores.scores[:, part], calibrations)
        highest[part] = probabilities.max(axis=0)
        right[part] = probabilities.argmax(axis=0) == scores.truth[part]
    bins = np.minimum((highest * BINS).astype(np.int64), BINS - 1)
    gaps = highest - right

    def error(weights: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        return float(np.abs(np.bincount(bins, gaps * weights, BINS)).sum() / weights.sum())

    random, count = np.random.default_rng(seed), len(gaps)
    value = error(np.ones(count, np.int64))
    drawn = [error(np.bincount(random.integers(0, count, count), minlength=count)) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, max(0.0, min(value, float(2 * value - high))), max(value, float(2 * value - low)))
