"""Exponential and adaptive means, and the gaps between them, against pandas and slow spellings."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_symbol import bars, output, written

from quantlib.features.trend.adaptive import kama
from quantlib.features.trend.convergence import apo, macd, ppo, trix
from quantlib.features.trend.exponential import dema, ema, rma, t3, tema

PRICES = bars(500)["close"]


def theirs(prices, n):
    return pd.Series(prices).ewm(span=n, adjust=False).mean().to_numpy()


def seeded(values, n, weight=None):
    """An exponential mean from the plain mean of its first n values; NaN before it, and where values are."""
    weight = 2.0 / (n + 1.0) if weight is None else weight
    mean = np.full(len(values), np.nan)
    first = int(np.isnan(values).sum()) + n - 1
    mean[first] = np.mean(values[first - n + 1 : first + 1])
    for t in range(first + 1, len(values)):
        mean[t] = (1.0 - weight) * mean[t - 1] + weight * values[t]
    return mean


def nested(prices, n, times, one):
    means = [one(prices, n)]
    while len(means) < times:
        means.append(one(means[-1], n))
    return means


@pytest.mark.parametrize(("seed", "one"), [("first", theirs), ("sma", seeded)])
@pytest.mark.parametrize("n", [1, 2, 7, 20])
def test_means_of_means_are_their_formulas(seed, one, n):
    a, b, c, d, e, f = nested(PRICES, n, 6, one)
    for feature, wanted in (
        (ema(n, seed=seed), a),
        (dema(n, seed=seed), 2 * a - b),
        (tema(n, seed=seed), 3 * a - 3 * b + c),
        (t3(n, 0.7, seed=seed), 1.7**3 * c - 2.1 * 1.7**2 * d + 3 * 0.49 * 1.7 * e - 0.343 * f),
    ):
        np.testing.assert_allclose(output(feature, close=PRICES), wanted, rtol=1e-11)


@pytest.mark.parametrize("n", [1, 14])
def test_wilders_mean_is_pandas_of_alpha_one_over_n(n):
    wanted = pd.Series(PRICES).ewm(alpha=1.0 / n, adjust=False).mean().to_numpy()
    np.testing.assert_allclose(output(rma(n, seed="first"), close=PRICES), wanted, rtol=1e-12)
    np.testing.assert_allclose(output(rma(n), close=PRICES), seeded(PRICES, n, 1.0 / n), rtol=1e-12)


def test_wilders_mean_is_an_exponential_one_of_nearly_twice_the_rows():
    np.testing.assert_allclose(
        output(rma(14, seed="first"), close=PRICES), output(ema(27, seed="first"), close=PRICES), rtol=1e-13
    )


def test_t3_goes_from_a_triple_mean_to_dema_three_times_over():
    plain = nested(PRICES, 5, 3, theirs)[2]
    np.testing.assert_allclose(output(t3(5, 0.0, seed="first"), close=PRICES), plain, rtol=1e-13)
    thrice = PRICES
    for _ in range(3):
        thrice = output(dema(5, seed="first"), close=thrice)
    np.testing.assert_allclose(output(t3(5, 1.0, seed="first"), close=PRICES), thrice, rtol=1e-12)


@pytest.mark.parametrize(("seed", "one"), [("first", theirs), ("sma", seeded)])
def test_gaps_and_speeds_are_those_of_the_means(seed, one):
    fast, slow, third = one(PRICES, 12), one(PRICES, 26), nested(PRICES, 15, 3, one)[2]
    ours = written([apo(seed=seed), ppo(seed=seed), trix(seed=seed)], close=PRICES)
    np.testing.assert_allclose(ours["apo"], fast - slow, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(ours["ppo"], 100 * (fast - slow) / slow, rtol=1e-9, atol=1e-11)
    speed = 100 * (third[1:] / third[:-1] - 1)
    np.testing.assert_allclose(ours["trix"][1:], speed, rtol=1e-9, atol=1e-11)


def test_macd_is_the_gap_of_apo_once_their_starts_are_forgotten():
    both = written([macd(), apo()], close=PRICES)
    np.testing.assert_allclose(both["macd"][400:], both["apo"][400:], atol=1e-9)
    np.testing.assert_array_equal(both["macd"] - both["macd_signal"], both["macd_histogram"])


def slow_kama(prices, n, fast, slow):
    mean = np.full(len(prices), np.nan)
    for t in range(n, len(prices)):
        moves = np.abs(np.diff(prices[t - n : t + 1])).sum()
        efficiency = abs(prices[t] - prices[t - n]) / moves if moves > 0.0 else 1.0
        c = (efficiency * (2 / (fast + 1) - 2 / (slow + 1)) + 2 / (slow + 1)) ** 2
        last = prices[t - 1] if t == n else mean[t - 1]
        mean[t] = last + c * (prices[t] - last)
    return mean


@given(n=st.integers(1, 30), fast=st.integers(1, 5), more=st.integers(1, 30), seed=st.integers(0, 99))
def test_the_adaptive_mean_is_its_formula(n, fast, more, seed):
    prices = np.round(bars(120, seed)["close"], 1)
    seen = output(kama(n, fast, fast + more), close=prices)
    np.testing.assert_allclose(seen, slow_kama(prices, n, fast, fast + more), rtol=1e-12)


def test_the_adaptive_mean_is_as_fast_as_can_be_on_a_straight_way_and_nearly_still_on_no_way():
    straight = np.arange(1.0, 200.0)
    np.testing.assert_allclose(  # an exponential mean of weight (2/3)^2 lags 1 / weight - 1 moves of 1
        straight[100:] - output(kama(10), close=straight)[100:], (3 / 2) ** 2 - 1, rtol=1e-12
    )
    to_and_fro = np.where(np.arange(200) % 2 == 0, 100.0, 101.0)
    steps = np.diff(output(kama(10), close=to_and_fro)[10:])
    assert np.abs(steps).max() <= (2 / 31) ** 2


@pytest.mark.parametrize("factory", [ema, rma, dema, tema, t3, kama])
@given(power=st.integers(-40, 40), seed=st.integers(0, 99))
def test_another_unit_of_price_changes_no_bit_but_the_unit(factory, power, seed):
    prices = bars(80, seed)["close"]
    feature = factory(5)
    np.testing.assert_array_equal(
        output(feature, close=prices * 2.0**power), output(feature, close=prices) * 2.0**power
    )


@pytest.mark.parametrize("factory", [ppo, trix])
@given(power=st.integers(-40, 40), seed=st.integers(0, 99))
def test_percentages_know_no_unit(factory, power, seed):
    prices = bars(80, seed)["close"]
    np.testing.assert_array_equal(output(factory(), close=prices * 2.0**power), output(factory(), close=prices))


@pytest.mark.parametrize("factory", [ema, rma, dema, tema, t3, kama])
def test_equal_prices_have_that_mean(factory):
    seen = output(factory(5), close=np.full(100, 110.4))
    np.testing.assert_allclose(seen[~np.isnan(seen)], 110.4, rtol=1e-14)


def test_a_price_of_zero_gives_no_infinite_percentage():
    assert (output(ppo(2, 3), close=np.zeros(9))[2:] == 0.0).all()
    assert (output(trix(2), close=np.zeros(9))[4:] == 0.0).all()


def test_arguments_out_of_range_are_refused():
    for factory in (apo, ppo):
        with pytest.raises(ValueError, match=f"{factory.__name__}: fast must be below slow, got fast=9 and slow=9"):
            factory(9, 9)
    with pytest.raises(ValueError, match="kama: fast must be below slow, got fast=30 and slow=2"):
        kama(10, 30, 2)
    with pytest.raises(ValueError, match=r"t3: factor must be from 0 to 1, got 1.5"):
        t3(5, 1.5)
    for factory in (rma, dema, tema, t3, trix, ppo, apo):
        with pytest.raises(ValueError, match=f"{factory.__name__}: seed must be 'sma' or 'first', got 'last'"):
            factory(seed="last")
