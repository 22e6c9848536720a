"""Statistics of returns against published examples, other libraries and symmetries."""

import datetime as dt
from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantlib.stats import days, returns

pd = pytest.importorskip("pandas")

ROLLINGER = np.array([0.17, 0.15, 0.23, -0.05, 0.12, 0.09, 0.13, -0.04])  # a published example of eight years
SAMPLES = hnp.arrays(np.float64, st.integers(3, 60), elements=st.floats(-0.25, 0.25, width=32))


def test_sortino_matches_the_published_example():
    """Rollinger and Hoffman, Sortino: A 'Sharper' Ratio, 2013: target 0, downside 2.264 %, ratio 4.417."""
    assert returns.downside_deviation(ROLLINGER) == pytest.approx(0.02264, abs=5e-6)
    assert returns.sortino(ROLLINGER, 1) == pytest.approx(4.417, abs=5e-4)


def test_sharpe_and_volatility_match_pandas():
    frame = pd.Series(ROLLINGER)
    assert returns.annual_volatility(ROLLINGER, 4) == pytest.approx(frame.std() * 2)
    assert returns.sharpe(ROLLINGER, 4, 0.01) == pytest.approx((frame.mean() - 0.01) / frame.std() * 2)


def test_total_and_annual_return_of_a_hand_worked_curve():
    value = np.array([100.0, 90.0, 121.0])
    assert returns.total_return(value) == pytest.approx(0.21)
    assert returns.annual_return(0.21, 2.0) == pytest.approx(0.10)
    np.testing.assert_allclose(returns.simple_returns(value), pd.Series(value).pct_change().iloc[1:])


def test_calmar_is_growth_over_the_deepest_drawdown():
    assert returns.calmar(0.3, 0.15) == 2.0
    assert isnan(returns.calmar(0.3, 0.0))


def test_a_lost_account_has_lost_everything_and_returns_nothing_after():
    value = np.array([100.0, -10.0, 20.0])
    assert returns.annual_return(-1.1, 3.0) == -1.0
    np.testing.assert_array_equal(np.isnan(returns.simple_returns(value)), [False, True])
    assert isnan(returns.total_return(np.array([0.0, 1.0])))


def test_what_cannot_be_known_is_nan():
    empty, one, flat = np.empty(0), np.array([0.01]), np.zeros(20)
    for few in (empty, one, flat):
        assert isnan(returns.sharpe(few, 252))
    assert isnan(returns.annual_volatility(one, 252))
    assert isnan(returns.sortino(np.array([0.01, 0.02]), 252))
    assert isnan(returns.downside_deviation(empty))
    assert isnan(returns.total_return(one))
    assert isnan(returns.annual_return(0.1, 0.0))
    assert isnan(returns.annual_return(nan, 1.0))
    assert isnan(returns.annual_return(1e6, 1e-9))
    assert returns.simple_returns(empty).size == 0


def test_growth_that_differs_only_by_rounding_has_no_sharpe_ratio():
    value = 100.0 * np.cumprod(np.full(500, 1.0001))
    assert isnan(returns.sharpe(returns.simple_returns(value), 252))


@given(SAMPLES, st.floats(0.1, 10.0))
def test_sharpe_and_sortino_ignore_leverage(r, leverage):
    if r.std() > 1e-6:
        assert returns.sharpe(r * leverage, 252) == pytest.approx(returns.sharpe(r, 252), rel=1e-9, abs=1e-9)
    if returns.downside_deviation(r) > 1e-6:
        assert returns.sortino(r * leverage, 252) == pytest.approx(returns.sortino(r, 252), rel=1e-9, abs=1e-9)


@given(SAMPLES, st.randoms())
def test_ratios_ignore_the_order_of_returns(r, random):
    if r.std() > 1e-6:
        other = np.array(random.sample(list(r), r.size))
        assert returns.sharpe(other, 252) == pytest.approx(returns.sharpe(r, 252), rel=1e-9, abs=1e-9)


@given(SAMPLES)
def test_chained_returns_give_the_total_return(r):
    value = 100.0 * np.cumprod(np.concatenate(([1.0], 1.0 + r)))
    assert np.prod(1.0 + returns.simple_returns(value)) - 1 == pytest.approx(
        returns.total_return(value), rel=1e-9, abs=1e-9
    )


@given(SAMPLES, st.integers(2, 20))
def test_rolling_numbers_are_the_plain_ones_of_each_window(r, window):
    sharpe, volatility = returns.rolling_sharpe(r, 252, window), returns.rolling_volatility(r, 252, window)
    for i in range(r.size):
        part = r[max(i - window + 1, 0) : i + 1]
        known = part.size == window
        assert volatility[i] == pytest.approx(returns.annual_volatility(part, 252) if known else nan, nan_ok=True)
        if known and part.std() > 1e-9:
            assert sharpe[i] == pytest.approx(returns.sharpe(part, 252), rel=1e-6, abs=1e-9)


def test_a_window_of_one_return_is_refused():
    with pytest.raises(ValueError, match=r"rolling_sharpe: window must be at least 2 returns, got 1"):
        returns.rolling_sharpe(ROLLINGER, 252, 1)


@given(st.lists(st.integers(0, 20 * 86_400), min_size=1, max_size=60))
def test_days_end_with_their_last_row_as_pandas_has_it(seconds):
    ts = np.sort(np.array(seconds, np.int64)) * 1_000_000_000 + 19_000 * days.DAY
    rows = pd.Series(np.arange(ts.size), pd.to_datetime(ts))
    last = rows.groupby(rows.index.date).last()
    day, row = days.day_ends(ts)
    assert day.tolist() == last.index.tolist()
    assert row.tolist() == last.tolist()


def test_rows_before_1970_belong_to_their_days_too():
    day, row = days.day_ends(np.array([-1, 0, 1], np.int64))
    assert day.tolist() == [dt.date(1969, 12, 31), dt.date(1970, 1, 1)]
    assert row.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("weekdays", "year"),
    [
        ({0, 1, 2, 3, 4}, 252),  # a stock exchange
        ({0, 1, 2, 3, 4, 5, 6}, 365),  # a coin
        ({0, 1, 2, 3, 4, 6}, 252),  # a currency, open on Sunday evening
        ({1, 2, 3, 4, 5}, 252),  # bars of a stock exchange, known at midnight after
    ],
)
def test_the_year_has_365_days_only_where_weekends_trade(weekdays, year):
    every = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
    traded = np.array([d for d in every if d.astype(object).weekday() in weekdays])
    assert days.trading_days_per_year(traded) == year


def test_no_days_count_as_a_stock_exchange():
    assert days.trading_days_per_year(np.empty(0, "M8[D]")) == 252


def test_months_and_years_compound_as_pandas_has_them():
    every = np.arange("2019-11-15", "2021-02-10", dtype="M8[D]")
    r = np.random.default_rng(0).normal(0, 0.01, every.size)
    series = pd.Series(r, pd.to_datetime(every))
    for unit, rule in (("M", "ME"), ("Y", "YE")):
        period, total = days.compounded(every, r, unit)
        wanted = series.resample(rule).apply(lambda x: (1 + x).prod() - 1)
        np.testing.assert_allclose(total, wanted)
        assert period.size == len(wanted)
    assert days.compounded(every[:0], r[:0], "M")[1].size == 0
    with pytest.raises(ValueError, match="unit must be 'M'"):
        days.compounded(every, r, "W")


def test_sharpe_of_a_known_law_is_its_mean_over_its_spread():
    r = np.random.default_rng(1).normal(0.001, 0.01, 200_000)
    assert returns.sharpe(r, 252) == pytest.approx(0.1 * sqrt(252), abs=0.05)
    assert returns.sharpe(r, 252) < inf
