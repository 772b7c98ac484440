from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from steps.drift import statistics

COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=20).filter(lambda counts: sum(counts) > 0)


@given(COUNTS)
def test_equal_shares_have_no_distance(counts: list[int]) -> None:
    one = np.array(counts)
    assert statistics.psi(one, one) == 0
    assert statistics.ks(one, 3 * one) == pytest.approx(0, abs=1e-12)
    assert statistics.total_variation(one, 3 * one) == pytest.approx(0, abs=1e-12)


def test_psi_is_the_formula() -> None:
    one, two = np.array([500_000, 500_000]), np.array([600_000, 400_000])
    expected = 0.1 * math.log(0.6 / 0.5) - 0.1 * math.log(0.4 / 0.5)
    assert statistics.psi(one, two) == pytest.approx(expected, rel=1e-4)
    assert statistics.total_variation(one, two) == pytest.approx(0.1)
    assert math.isfinite(statistics.psi(np.array([0, 10]), np.array([10, 0])))


@given(st.lists(st.integers(0, 30), min_size=2, max_size=200), st.lists(st.integers(0, 30), min_size=2, max_size=200))
def test_ks_is_scipys_on_bins_of_one_value(one: list[int], two: list[int]) -> None:
    counts = [np.bincount(values, minlength=31) for values in (one, two)]
    assert statistics.ks(*counts) == pytest.approx(stats.ks_2samp(one, two, method="asymp").statistic)


@pytest.mark.parametrize("degrees", [1, 2, 9, 40, 200])
def test_the_quantile_of_chi_square(degrees: int) -> None:
    assert statistics.chi_square_limit(degrees) == pytest.approx(stats.chi2.ppf(0.999, degrees), rel=0.031)


def test_the_quantile_of_kolmogorov() -> None:
    assert statistics.ks_noise(10**12, 1) == pytest.approx(stats.kstwobign.ppf(0.999), rel=1e-3)


@pytest.mark.parametrize(("shift", "ks", "psi"), [(0.25, 0.1, 0.0625), (0.5, 0.2, 0.25)])
def test_the_limits_in_standard_deviations_of_a_normal_distribution(shift: float, ks: float, psi: float) -> None:
    edges = np.linspace(-8, 8, 4001)
    one, two = (np.diff(stats.norm.cdf(edges - moved)) * 1e12 for moved in (0, shift))
    assert statistics.ks(one, two) == pytest.approx(ks, abs=0.005)
    assert statistics.psi(one, two) == pytest.approx(psi, rel=0.01)


def test_levels() -> None:
    values = [0.05, 0.1, 0.2, 0.25, 3]
    found = [statistics.level(value, 0.01, statistics.PSI_LIMITS) for value in values]
    assert found == ["none", "moderate", "moderate", "major", "major"]
    assert statistics.level(0.3, 0.4, statistics.PSI_LIMITS) == "none"


@pytest.mark.parametrize("rows", [200, 2000, 50_000])
def test_noise_is_exceeded_about_once_in_a_thousand_times(rows: int) -> None:
    random = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    training, given_ = (random.multinomial(count, shares, 4000) for count in (400_000, rows))
    beyond = sum(
        statistics.psi(one, two) > statistics.psi_noise(one, two) for one, two in zip(training, given_, strict=True)
    )
    assert beyond <= 16
    noise = statistics.ks_noise(400_000, rows)
    beyond = sum(statistics.ks(one, two) > noise for one, two in zip(training, given_, strict=True))
    assert beyond <= 12


def test_empty_bins_are_left_out() -> None:
    """They would add to the degrees of freedom of the noise."""
    p, q = np.array([60, 0, 40, 0], np.int64), np.array([30, 20, 50, 0], np.int64)
    found = statistics.compare(p, q)
    assert found is not None
    assert found.kept.tolist() == [True, True, True, False]
    assert found.psi == statistics.psi(p[:3], q[:3])
    assert found.noise == statistics.psi_noise(p[:3], q[:3])
    assert found.total_variation == pytest.approx(0.3)
    assert statistics.compare(p, np.zeros(4, np.int64)) is statistics.compare(np.zeros(4, np.int64), q) is None
