"""Statistics of two distributions, each with the size that it reaches by chance.

A test of significance alone would find the smallest difference in a million rows. An alarm therefore needs a statistic
that is large (its limit) and larger than chance makes it with so many rows (its noise, at 1 in 1,000).

| statistic | limits | source |
|---|---|---|
| PSI, population stability index: sum of (q - p) ln(q / p) over bins | .1 moderate, .25 major | Siddiqi, Credit Risk Scorecards, 2006 |
| noise of the PSI: (1/n + 1/m) times the quantile of chi-square with bins - 1 degrees of freedom | | Yurdakul and Naranjo, Journal of Risk Model Validation 14(4), 2020 |
| KS, Kolmogorov-Smirnov: largest difference of the distribution functions | .1 moderate, .2 major | there is no convention; a normal distribution has these when its mean moves by .25 and .5 standard deviations |
| noise of the KS: 1.95 sqrt(1/n + 1/m) | | Smirnov, Annals of Mathematical Statistics 19, 1948 |
"""  # noqa: E501 - a table

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

PSI_LIMITS, KS_LIMITS = (0.1, 0.25), (0.1, 0.2)
LEVELS = NONE, MODERATE, MAJOR = ("none", "moderate", "major")
# The quantile of the normal distribution, and Kolmogorov's, at 1 - 1/1000.
_NORMAL, _KOLMOGOROV = 3.0902, 1.9495
# Added to each count, so that the logarithm of an empty bin is finite.
_SMOOTHING = 0.5


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare` finds.

    Attributes:
        kept: Whether each bin is compared (bool, shape (bins,)): no row of either distribution is in the others.
        psi: The population stability index.
        noise: The PSI that chance exceeds once in 1,000 times.
        total_variation: Half of the sum of the differences of the shares.
    """

    kept: NDArray[np.bool_]
    psi: float
    noise: float
    total_variation: float


def compare(training: Counts, given: Counts) -> Comparison | None:
    """Compare counts by bin (int64, shape (bins,)), without the empty bins; None if a distribution has no rows."""
    kept = training + given > 0
    p, q = training[kept], given[kept]
    if not p.sum() or not q.sum():
        return None
    return Comparison(kept, psi(p, q), psi_noise(p, q), total_variation(p, q))


def psi(training: Counts, given: Counts) -> float:
    """Return the population stability index of counts by bin (int64, shape (bins,))."""
    p, q = ((each + _SMOOTHING) / (each.sum() + _SMOOTHING * len(each)) for each in (training, given))
    return float(((q - p) * np.log(q / p)).sum())


def psi_noise(training: Counts, given: Counts) -> float:
    """Return the PSI that samples of one distribution exceed once in 1,000 times."""
    return float(1 / training.sum() + 1 / given.sum()) * chi_square_limit(len(training) - 1)


def chi_square_limit(degrees: int) -> float:
    """Return the 99.9% quantile of the chi-square distribution, at most 3% too large.

    Source: E. B. Wilson and M. M. Hilferty, The Distribution of Chi-Square, PNAS 17, 1931.
    """
    part = 2 / (9 * max(degrees, 1))
    root = 1 - part + _NORMAL * math.sqrt(part)
    return float(max(degrees, 1) * root**3)


def ks(training: Counts, given: Counts) -> float:
    """Return the largest difference of the two distribution functions at the ends of the bins.

    Between the ends of a bin with a share s of the training rows, the difference may be larger by s at most.
    """
    p, q = (np.cumsum(each) / each.sum() for each in (training, given))
    return float(np.abs(p - q).max(initial=0))


def ks_noise(training: int, given: int) -> float:
    """Return the KS statistic that samples of one distribution exceed once in 1,000 times, for numbers of values."""
    return _KOLMOGOROV * math.sqrt(1 / training + 1 / given)


def total_variation(training: Counts, given: Counts) -> float:
    """Return half of the sum of the differences of the shares: the share of rows that would have to change."""
    return float(np.abs(training / training.sum() - given / given.sum()).sum() / 2)


def level(value: float, noise: float, limits: tuple[float, float]) -> str:
    """Return the level of a statistic, ``none`` if it is not larger than its noise."""
    return LEVELS[sum(value >= limit for limit in limits)] if value > noise else NONE
