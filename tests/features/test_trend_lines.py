"""Weighted means and regression lines: exact, and what they say they are."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_symbol import bars, output, written

from quantlib.features.trend.hull import hma
from quantlib.features.trend.means import sma, vwma
from quantlib.features.trend.regression import linearreg, linearreg_angle, linearreg_intercept, linearreg_slope, tsf
from quantlib.features.trend.weighted import trima, wma

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "talib_reference.parquet"
WILD = st.one_of(
    st.floats(-1e290, 1e290, allow_subnormal=True),
    st.floats(50.0, 200.0),
    st.sampled_from([0.0, -0.0, 1e290, -1e290, 5e-324, 1e-5, 100.0]),
)
RISING = [  # factory, weight of the j-th oldest of n prices, what the sum is divided by
    (wma, lambda j, n: j, lambda n: n * (n + 1) // 2),
    (trima, lambda j, n: min(j, n + 1 - j), lambda n: (n // 2 + 1) * ((n + 1) // 2)),
    (linearreg, lambda j, n: 3 * j - n - 1, lambda n: n * (n + 1) // 2),
    (linearreg_slope, lambda j, n: 2 * j - n - 1, lambda n: n * (n * n - 1) // 6),
    (linearreg_intercept, lambda j, n: 2 * (n + 1) - 3 * j, lambda n: n * (n + 1) // 2),
    (tsf, lambda j, n: 3 * j - n - 2, lambda n: n * (n - 1) // 2),
]
MEANS = [sma, wma, trima, hma, linearreg, linearreg_slope, linearreg_intercept, tsf]


def exact(weight, over, prices, n, t):
    total = sum(weight(j, n) * Fraction(p) for j, p in enumerate(prices[t - n + 1 : t + 1], 1))
    return float(total) / over(n)


@pytest.mark.parametrize(("factory", "weight", "over"), RISING, ids=lambda f: getattr(f, "__name__", ""))
@given(prices=st.lists(WILD, max_size=40), n=st.integers(2, 9))
def test_a_weighted_sum_is_exact_and_rounded_once_whatever_passed_through(factory, weight, over, prices, n):
    seen = output(factory(n), close=prices)
    for t in range(n - 1, len(prices)):
        assert seen[t] == exact(weight, over, prices, n, t)


@pytest.mark.parametrize(("factory", "weight", "over"), RISING, ids=lambda f: getattr(f, "__name__", ""))
@pytest.mark.parametrize("n", [20, 61, 300])
def test_a_long_window_is_exact_on_prices_that_travel_far(factory, weight, over, n):
    prices = 1e-3 * np.exp(np.cumsum(np.random.default_rng(n).normal(0.01, 0.03, 4_000)))  # ends 17 powers of e higher
    seen = output(factory(n), close=prices)
    for t in range(n - 1, 4_000, 211):
        assert seen[t] == exact(weight, over, prices, n, t)


def test_the_regression_line_is_that_of_least_squares():
    prices = bars(600)["close"]
    n = 20
    ours = written([linearreg(n), linearreg_slope(n), linearreg_angle(n), linearreg_intercept(n), tsf(n)], close=prices)
    for t in range(n - 1, 600):
        slope, first = np.polyfit(np.arange(n), prices[t - n + 1 : t + 1], 1)
        assert ours["linearreg_slope"][t] == pytest.approx(slope, rel=1e-8, abs=1e-10)
        assert ours["linearreg_angle"][t] == pytest.approx(math.degrees(math.atan(slope)), rel=1e-8, abs=1e-8)
        assert ours["linearreg_intercept"][t] == pytest.approx(first, rel=1e-11)
        assert ours["linearreg"][t] == pytest.approx(first + slope * (n - 1), rel=1e-11)
        assert ours["tsf"][t] == pytest.approx(first + slope * n, rel=1e-11)


@given(n=st.integers(2, 30), start=st.integers(-1_000, 1_000), step=st.integers(-9, 9))
def test_on_a_straight_line_it_is_that_line(n, start, step):
    prices = start + step * np.arange(40.0)
    ours = written([linearreg(n), linearreg_slope(n), linearreg_intercept(n), tsf(n)], close=prices)
    np.testing.assert_array_equal(ours["linearreg"][n - 1 :], prices[n - 1 :])
    np.testing.assert_array_equal(ours["linearreg_slope"][n - 1 :], step)
    np.testing.assert_array_equal(ours["linearreg_intercept"][n - 1 :], prices[: 40 - n + 1])
    np.testing.assert_array_equal(ours["tsf"][n - 1 :], prices[n - 1 :] + step)


def test_talibs_slope_is_ours_up_to_what_its_running_sums_have_lost():
    if not REFERENCE.exists():
        pytest.skip("TA-Lib's reference numbers are not here (../shared/reference/talib_reference.parquet)")
    rows = pl.read_parquet(REFERENCE)
    ours, theirs = output(linearreg_slope(20), close=rows["close"].to_numpy()), rows["LINEARREG_SLOPE_20"].to_numpy()
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=5e-12)  # prices are near 100: 5e-14 of them
    assert (ours[2019:2040] == 0.0).all()  # where the price stands still; theirs drifts there
    assert (theirs[2019:2040] != 0.0).any()


@pytest.mark.parametrize("n", [2, 3, 16, 20, 55])
def test_hulls_mean_is_a_mean_of_two_means(n):
    prices = bars(400)["close"]
    both = written([wma(n, out="long"), wma(n // 2, out="short")], close=prices)
    lead = 2.0 * both["short"] - both["long"]
    np.testing.assert_array_equal(output(hma(n), close=prices), output(wma(math.isqrt(n), price="lead"), lead=lead))


@pytest.mark.parametrize("n", [1, 2, 5, 20, 21])
def test_a_triangular_mean_is_a_mean_of_means(n):
    prices = bars(300)["close"]
    inner = output(sma((n + 1) // 2, out="inner"), close=prices)
    twice = output(sma(n // 2 + 1, price="inner"), inner=inner)
    np.testing.assert_allclose(output(trima(n), close=prices), twice, rtol=1e-14)


@pytest.mark.parametrize("factory", MEANS)
@given(power=st.integers(-40, 40), seed=st.integers(0, 99))
def test_another_unit_of_price_changes_no_bit_but_the_unit(factory, power, seed):
    prices = bars(60, seed)["close"]
    feature = factory(9)
    np.testing.assert_array_equal(
        output(feature, close=prices * 2.0**power), output(feature, close=prices) * 2.0**power
    )


@pytest.mark.parametrize("factory", MEANS)
def test_upside_down_prices_give_upside_down_means(factory):
    prices = bars(200)["close"]
    np.testing.assert_array_equal(output(factory(9), close=-prices), -output(factory(9), close=prices))


def test_a_mean_by_volume_is_its_formula_and_lies_among_its_prices():
    rows = bars(500, scale=0.05)
    seen = output(vwma(20), close=rows["close"], volume=rows["volume"])
    for t in range(19, 500):
        p, v = rows["close"][t - 19 : t + 1], rows["volume"][t - 19 : t + 1]
        assert seen[t] == pytest.approx(math.fsum(p * v) / math.fsum(v), rel=1e-15)
        assert p.min() <= seen[t] <= p.max()


def test_a_mean_by_volume_of_equal_volumes_is_the_plain_one():
    prices = bars(200)["close"]
    by_volume = output(vwma(20), close=prices, volume=np.full(200, 64.0))
    np.testing.assert_array_equal(by_volume, output(sma(20), close=prices))


def test_a_mean_by_volume_is_the_price_where_nothing_traded():
    seen = output(vwma(2), close=[1.0, 2.0, 3.0, 4.0], volume=[5.0, 0.0, 0.0, 7.0])
    np.testing.assert_array_equal(seen, [np.nan, 1.0, 3.0, 4.0])


@pytest.mark.parametrize("factory", [linearreg, linearreg_slope, linearreg_angle, linearreg_intercept, tsf, hma])
def test_a_line_needs_two_points(factory):
    with pytest.raises(ValueError, match=f"{factory.__name__}: n must be at least 2, got 1"):
        factory(1)
