"""Sums over windows are exact, whatever passed through them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.core import run, start
from quantlib.features import bollinger, rank, realised_volatility, sma, taker_ratio, zscore_vwap

FINITE = st.floats(-1e300, 1e300, allow_subnormal=True)


def output(feature, **columns):
    columns = {name: np.asarray(column, np.float64) for name, column in columns.items()}
    return run([feature], start([feature], ["X"]), columns)[1]


@given(prices=st.lists(FINITE, max_size=40), n=st.integers(1, 9))
def test_a_mean_is_the_exact_sum_rounded_over_n(prices, n):
    means = output(sma(n), close=prices)["sma"]
    for t in range(n - 1, len(prices)):
        assert means[t] == math.fsum(prices[t - n + 1 : t + 1]) / n


@given(bits=st.lists(st.integers(-(2**5), 2**5), min_size=9, max_size=30), far=st.integers(40, 900))
def test_a_mean_rounds_halves_to_even_however_far_below_the_rest_lies(bits, far):
    tiny = np.array([1.0, 2.0**-53, 2.0**-53, -1.0, 2.0**-far, 1.0, -(2.0**-53), 2.0 ** -(far + 60)])
    prices = tiny[np.array(bits) % 8]
    means = output(sma(8), close=prices)["sma"]
    for t in range(7, len(prices)):
        assert means[t] == math.fsum(prices[t - 7 : t + 1]) / 8


def test_a_huge_value_leaves_no_trace():
    prices = np.full(200, 0.1)
    prices[50] = 1e300
    means = output(sma(20), close=prices)["sma"]
    assert means[49] == means[70] == math.fsum([0.1] * 20) / 20
    assert means[60] == 1e300 / 20


def test_bands_keep_their_digits_at_large_prices():
    rng = np.random.default_rng(1)
    prices = 1e5 + rng.normal(0.0, 1e-2, 20_000)
    width = output(bollinger(20, 1e6), close=prices)  # so wide that the band's own rounding does not hide the digits
    for t in range(19, 20_000, 997):
        window = [int(round(p * 2**40)) for p in prices[t - 19 : t + 1]]  # whole numbers: their variance is exact
        exact = math.sqrt((20 * sum(w * w for w in window) - sum(window) ** 2) / 400) / 2**40
        middle = width["bollinger_middle"][t]
        assert width["bollinger_upper"][t] - middle == pytest.approx(1e6 * exact, rel=1e-13)


def test_zscore_vwap_is_its_formula_at_large_prices():
    rng = np.random.default_rng(2)
    prices = 1e5 + np.round(rng.normal(0.0, 1e-2, 3_000) * 2**20) / 2**20
    volumes = np.round(rng.lognormal(5.0, 1.0, 3_000)) + 1.0
    z = output(zscore_vwap(20), close=prices, volume=volumes)["zscore_vwap"]
    for t in range(19, 3_000, 37):
        p, v = prices[t - 19 : t + 1] - 1e5, volumes[t - 19 : t + 1]  # the shift is exact here
        mean = (p * v).sum() / v.sum()
        assert z[t] == pytest.approx((p[-1] - mean) / np.sqrt((v * (p - mean) ** 2).sum() / v.sum()), rel=1e-9)


def test_flat_prices_have_no_bands_and_no_score():
    prices = np.full(60, 110.4)
    bands = output(bollinger(20), close=prices)
    assert (bands["bollinger_upper"][19:] == bands["bollinger_lower"][19:]).all()
    assert (output(zscore_vwap(20), close=prices, volume=np.full(60, 7.0))["zscore_vwap"][19:] == 0.0).all()


def test_realised_volatility_of_steady_growth_is_its_rate():
    growth = 100.0 * np.exp(0.01 * np.arange(50))
    np.testing.assert_allclose(
        output(realised_volatility(5), close=growth)["realised_volatility"][5:], 0.01, rtol=1e-12
    )


def test_taker_ratio_is_one_where_only_buyers_trade_and_a_half_where_nobody_does():
    assert output(taker_ratio(2), size=[1.0, 2.0, 3.0], side=[1.0, 1.0, 1.0])["taker_ratio"][-1] == 1.0
    assert output(taker_ratio(2), size=[0.0, 0.0], side=[1.0, -1.0])["taker_ratio"][-1] == 0.5


def test_ranks_of_one_moment_average_a_half_and_ties_share():
    ts = np.array([1, 1, 1, 1, 2], np.int64)
    symbol = np.array([0, 1, 2, 3, 0], np.int32)
    columns = {"ts": ts, "symbol": symbol, "close": np.array([5.0, 9.0, 5.0, 1.0, 3.0])}
    feature = rank()
    ranks = run([feature], start([feature], ["A", "B", "C", "D"]), columns)[1]["rank"]
    np.testing.assert_array_equal(ranks, [0.5, 0.875, 0.5, 0.125, 0.5])
