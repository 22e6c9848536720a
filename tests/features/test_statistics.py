"""Statistics of a window against exact fractions, pandas and scipy."""

from fractions import Fraction
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_symbol import bars, output
from scipy import stats

from quantlib.features.ranges.channels import rolling_max, rolling_min
from quantlib.features.statistics.moments import rolling_sum, stddev, var, zscore
from quantlib.features.statistics.quantiles import median, percentile, percentrank
from quantlib.features.statistics.relation import beta, correl
from quantlib.features.statistics.shape import kurtosis, skew

VALUES = st.one_of(st.floats(1.0, 1e6), st.sampled_from([100.0, 100.01, 2.0**-30, 0.0, -5.5]))
PRICES = st.lists(VALUES, max_size=40)
FEW = st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0, 2.5, 7.0]), max_size=40)


def exact_variance(window):
    values = [Fraction(x) for x in window]
    mean = sum(values) / len(values)
    return sum((x - mean) ** 2 for x in values) / len(values)


def exact_covariance(xs, ys):
    xs, ys = [Fraction(x) for x in xs], [Fraction(y) for y in ys]
    return sum(x * y for x, y in zip(xs, ys, strict=True)) / len(xs) - sum(xs) * sum(ys) / len(xs) ** 2


@given(prices=PRICES, n=st.integers(1, 9))
def test_a_sum_is_exact_and_rounded_once(prices, n):
    seen = output(rolling_sum(n), close=prices)
    for t in range(n - 1, len(prices)):
        assert seen[t] == float(sum(Fraction(x) for x in prices[t - n + 1 : t + 1]))


@given(prices=PRICES, n=st.integers(2, 9), ddof=st.integers(0, 1))
def test_variance_keeps_thirteen_digits_whatever_passed_through(prices, n, ddof):
    seen = output(var(n, ddof), close=prices)
    deviation = output(stddev(n, ddof), close=prices)
    for t in range(n - 1, len(prices)):
        exact = exact_variance(prices[t - n + 1 : t + 1])
        mean = sum(Fraction(x) for x in prices[t - n + 1 : t + 1]) / n
        wanted = 0.0 if exact <= mean**2 / 2**98 else float(exact) * n / (n - ddof)
        assert seen[t] == pytest.approx(wanted, rel=1e-13, abs=0.0)
        assert deviation[t] == pytest.approx(sqrt(wanted), rel=1e-13, abs=0.0)


@pytest.mark.parametrize("n", [20, 61, 300])
def test_variance_is_exact_where_prices_are_large_and_their_spread_is_small(n):
    prices = 1e5 + np.random.default_rng(n).normal(0.0, 1e-2, 5_000)
    seen = output(var(n), close=prices)
    for t in range(n - 1, 5_000, 311):
        assert seen[t] == pytest.approx(float(exact_variance(prices[t - n + 1 : t + 1])), rel=1e-14)


def test_a_zscore_is_the_distance_from_the_mean_in_deviations():
    prices = bars(800)["close"]
    seen = output(zscore(20), close=prices)
    for t in range(19, 800, 37):
        assert seen[t] == pytest.approx(stats.zscore(prices[t - 19 : t + 1])[-1], rel=1e-9, abs=1e-12)
    assert (output(zscore(20), close=np.full(50, 110.4))[19:] == 0.0).all()


@pytest.mark.parametrize("n", [5, 20, 60])
def test_skew_and_kurtosis_are_those_of_scipy_without_bias(n):
    prices = bars(600)["close"]
    skews, peaks = output(skew(n), close=prices), output(kurtosis(n), close=prices)
    for t in range(n - 1, 600, 23):
        window = prices[t - n + 1 : t + 1] - prices[t]
        assert skews[t] == pytest.approx(stats.skew(window, bias=False), rel=1e-8, abs=1e-9)
        assert peaks[t] == pytest.approx(stats.kurtosis(window, bias=False), rel=1e-8, abs=1e-9)


def test_mirrored_prices_have_the_opposite_skew_and_the_same_kurtosis():
    prices = bars(300)["close"]
    np.testing.assert_allclose(output(skew(20), close=-prices)[19:], -output(skew(20), close=prices)[19:], rtol=1e-12)
    np.testing.assert_allclose(
        output(kurtosis(20), close=-prices)[19:], output(kurtosis(20), close=prices)[19:], rtol=1e-12
    )


@given(
    rows=st.lists(st.tuples(VALUES, st.one_of(VALUES, st.floats(1e5, 1e5 + 1e-2))), min_size=9, max_size=40),
    n=st.integers(2, 9),
)
def test_a_correlation_is_exact_and_never_beyond_one(rows, n):
    xs, ys = zip(*rows, strict=True)
    seen = output(correl(n), close=xs, other=ys)
    assert (np.abs(seen[n - 1 :]) <= 1.0).all()
    for t in range(n - 1, len(xs)):
        x, y = xs[t - n + 1 : t + 1], ys[t - n + 1 : t + 1]
        wide = exact_variance(x), exact_variance(y)
        small = any(v <= max(Fraction(z) ** 2 for z in w) / 2**90 for v, w in zip(wide, (x, y), strict=True))
        if not small:
            wanted = float(exact_covariance(x, y)) / sqrt(float(wide[0]) * float(wide[1]))
            assert seen[t] == pytest.approx(wanted, rel=1e-12, abs=1e-14)


def test_a_column_correlates_with_itself_and_with_its_mirror():
    prices = bars(300)["close"]
    np.testing.assert_allclose(output(correl(20), close=prices, other=3.0 * prices + 7.0)[19:], 1.0, rtol=1e-12)
    np.testing.assert_allclose(output(correl(20), close=prices, other=200.0 - prices)[19:], -1.0, rtol=1e-12)
    assert (output(correl(20), close=prices, other=np.full(300, 5.0))[19:] == 0.0).all()


def test_beta_is_the_slope_of_least_squares_on_the_returns_of_the_market():
    market = bars(500)["close"]
    prices = 50.0 * (market / market[0]) ** 2 * np.exp(np.random.default_rng(1).normal(0.0, 1e-4, 500))
    seen = output(beta(60), close=prices, other=market)
    x, y = market[1:] / market[:-1] - 1.0, prices[1:] / prices[:-1] - 1.0
    for t in range(60, 500, 19):
        assert seen[t] == pytest.approx(stats.linregress(x[t - 60 : t], y[t - 60 : t]).slope, rel=1e-9)
    twice = np.cumprod(np.concatenate([[1.0], 1.0 + 2.0 * x]))
    np.testing.assert_allclose(output(beta(60), close=twice, other=market)[60:], 2.0, rtol=1e-9)


@given(prices=st.one_of(PRICES, FEW), n=st.integers(1, 9), percent=st.floats(0.0, 100.0))
def test_a_percentile_is_that_of_numpy(prices, n, percent):
    linear = output(percentile(n, percent), close=prices)
    nearest = output(percentile(n, percent, method="nearest"), close=prices)
    middle = output(median(n), close=prices)
    for t in range(n - 1, len(prices)):
        window = np.array(prices[t - n + 1 : t + 1])
        size = np.abs(window).max() * 1e-14
        assert linear[t] == pytest.approx(np.percentile(window, percent), rel=1e-12, abs=size)
        assert nearest[t] == np.sort(window)[max(int(np.ceil(n * percent / 100.0)) - 1, 0)]
        assert middle[t] == pytest.approx(np.median(window), rel=1e-15, abs=size)


@pytest.mark.parametrize("n", [60, 200])
def test_long_windows_keep_their_order(n):
    prices = bars(1_500)["close"]
    np.testing.assert_allclose(output(median(n), close=prices), pd.Series(prices).rolling(n).median(), rtol=1e-15)


@given(prices=st.one_of(PRICES, FEW), n=st.integers(1, 9))
def test_a_rank_counts_the_values_before_that_lie_below(prices, n):
    seen = output(percentrank(n), close=prices)
    for t in range(n, len(prices)):
        below = sum(x < prices[t] for x in prices[t - n : t])
        assert seen[t] == 100.0 * below / n


@given(prices=st.one_of(PRICES, FEW), n=st.integers(1, 9))
def test_the_highest_and_the_lowest_are_found(prices, n):
    most, least = output(rolling_max(n), close=prices), output(rolling_min(n), close=prices)
    for t in range(n - 1, len(prices)):
        assert most[t] == max(prices[t - n + 1 : t + 1])
        assert least[t] == min(prices[t - n + 1 : t + 1])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: var(5, 5), "var: ddof must be below n, got ddof=5 and n=5"),
        (lambda: stddev(5, -1), "stddev: ddof must be at least 0, got -1"),
        (lambda: skew(2), "skew: n must be at least 3, got 2"),
        (lambda: kurtosis(3), "kurtosis: n must be at least 4, got 3"),
        (lambda: percentile(5, 101.0), "percentile: percent must be from 0 to 100, got 101.0"),
        (lambda: percentile(5, method="best"), "percentile: method must be 'linear' or 'nearest', got 'best'"),
        (lambda: correl(0), "correl: n must be at least 1, got 0"),
    ],
)
def test_statistics_refuse_what_makes_no_sense(make, says):
    with pytest.raises(ValueError, match=says):
        make()
