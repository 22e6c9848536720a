"""Returns, ratios and relative strength against pandas, and what is true of each."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.core import run, start
from quantlib.features.returns.changes import (
    log_price,
    log_return,
    price_ratio,
    price_to_mean,
    relative_strength,
    simple_return,
)

PRICES = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=40)


def output(feature, **columns):
    columns = {name: np.asarray(column, np.float64) for name, column in columns.items()}
    return run([feature], start([feature], ["X"]), columns)[1]


def walk(rows, seed):
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.01, rows)))


@given(prices=PRICES, n=st.integers(1, 7))
def test_a_simple_return_is_the_change_that_pandas_tells(prices, n):
    wanted = pd.Series(prices).pct_change(n).to_numpy()
    np.testing.assert_allclose(output(simple_return(n), close=prices)["simple_return"], wanted, rtol=1e-9, atol=1e-15)


@given(prices=PRICES, n=st.integers(1, 7))
def test_log_returns_add_up(prices, n):
    one = output(log_return(1), close=prices)["log_return"]
    wanted = pd.Series(one).rolling(n).sum().to_numpy()
    np.testing.assert_allclose(output(log_return(n), close=prices)["log_return"], wanted, rtol=1e-9, atol=1e-12)


@given(prices=PRICES)
def test_the_two_returns_tell_the_same_growth(prices):
    simple = output(simple_return(), close=prices)["simple_return"]
    log = output(log_return(), close=prices)["log_return"]
    np.testing.assert_allclose(simple, np.expm1(log), rtol=1e-9, atol=1e-15)


@given(prices=PRICES)
def test_the_log_price_is_its_logarithm(prices):
    np.testing.assert_array_equal(output(log_price(), close=prices)["log_price"], [math.log(x) for x in prices])


def test_a_window_of_returns_may_be_longer_than_the_smallest_ring():
    prices = walk(900, 1)
    wanted = pd.Series(prices).pct_change(500).to_numpy()
    np.testing.assert_allclose(output(simple_return(500), close=prices)["simple_return"], wanted, rtol=1e-12)


def test_a_ratio_to_nothing_is_nothing():
    ratio = output(price_ratio("close", "volume"), close=[6.0, 5.0, np.nan], volume=[3.0, 0.0, 1.0])["price_ratio"]
    np.testing.assert_array_equal(ratio, [2.0, 0.0, np.nan])


def test_the_price_to_its_mean_is_that_of_pandas():
    prices = walk(400, 2)
    wanted = (pd.Series(prices) / pd.Series(prices).rolling(20).mean()).to_numpy()
    np.testing.assert_allclose(output(price_to_mean(20), close=prices)["price_to_mean"], wanted, rtol=1e-12)


def test_relative_strength_is_the_growth_of_the_ratio():
    price, benchmark = walk(400, 3), walk(400, 4)
    wanted = pd.Series(price / benchmark).pct_change(20).to_numpy()
    got = output(relative_strength(20), close=price, benchmark=benchmark)["relative_strength"]
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-14)


@given(prices=PRICES, scale=st.sampled_from([0.25, 2.0, 1024.0]))
def test_nothing_is_stronger_than_itself_in_any_currency(prices, scale):
    got = output(relative_strength(2), close=prices, benchmark=np.array(prices) * scale)["relative_strength"]
    assert (got[2:] == 0.0).all()


@pytest.mark.parametrize("factory", [simple_return, log_return, price_to_mean, relative_strength])
def test_no_rows_back_is_refused(factory):
    with pytest.raises(ValueError, match=f"{factory.__name__}: n must be at least 1, got 0"):
        factory(0)
