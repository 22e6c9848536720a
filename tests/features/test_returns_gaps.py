"""Gaps, their filling, and drawdowns against slow loops and pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.core import run, start
from quantlib.features.returns.drawdown import drawdown, rolling_drawdown
from quantlib.features.returns.gaps import gap, gap_fill


def output(feature, **columns):
    columns = {name: np.asarray(column, np.float64) for name, column in columns.items()}
    return run([feature], start([feature], ["X"]), columns)[1]


def candles(rows, seed, jumps=0.3):
    rng = np.random.default_rng(seed)
    close = np.round(100.0 + np.cumsum(rng.normal(0.0, 0.5, rows)), 1)
    jump = np.where(rng.random(rows) < jumps, np.round(rng.normal(0.0, 1.0, rows), 1), 0.0)
    opening = np.round(np.concatenate([[100.0], close[:-1]]) + jump, 1)
    high = np.maximum(opening, close) + np.round(rng.random(rows) * 0.5, 1)
    low = np.minimum(opening, close) - np.round(rng.random(rows) * 0.5, 1)
    return {"open": opening, "high": high, "low": low, "close": close}


def test_night_and_day_compound_to_the_return():
    rows = candles(300, 1)
    both = output(gap(), open=rows["open"], close=rows["close"])
    whole = (1.0 + both["gap_overnight"]) * (1.0 + both["gap_intraday"]) - 1.0
    np.testing.assert_allclose(whole, pd.Series(rows["close"]).pct_change().to_numpy(), rtol=1e-9, atol=1e-14)


def slow_fills(rows, n, least):
    """The definition read aloud: for each row look back for the youngest gap, and whether it was filled before."""
    opening, high, low, close = (rows[name] for name in ("open", "high", "low", "close"))
    wanted = [(np.nan,) * 4]
    for t in range(1, len(close)):
        found = (0.0, 0.0, close[t - 1], 0.0)
        for born in range(t, max(t - n, 0), -1):
            size, level = (opening[born] - close[born - 1]) / close[born - 1], close[born - 1]
            if size != 0.0 and abs(size) >= least:
                reached = [low[k] <= level if size > 0.0 else high[k] >= level for k in range(born, t + 1)]
                if not any(reached[:-1]):
                    found = (np.sign(size) * reached[-1], size, level, float(t - born))
                break
        wanted.append(found)
    return np.array(wanted).T


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12), least=st.sampled_from([0.0, 0.004, 0.02]))
def test_a_gap_is_filled_where_its_definition_says(seed, n, least):
    rows = candles(60, seed)
    got = output(gap_fill(n, least), **rows)
    names = ("gap_fill_event", "gap_fill_size", "gap_fill_level", "gap_fill_age")
    np.testing.assert_array_equal([got[name] for name in names], slow_fills(rows, n, least))


def test_both_kinds_of_fill_occur_and_each_gap_is_filled_at_most_once():
    events = output(gap_fill(20), **candles(2_000, 5))["gap_fill_event"][1:]
    opened = output(gap_fill(1), **candles(2_000, 5))["gap_fill_size"][1:] != 0.0
    assert {-1.0, 0.0, 1.0} == set(events)
    assert 0 < np.count_nonzero(events) <= np.count_nonzero(opened)


def test_drawdown_is_the_distance_to_the_highest_so_far():
    close = candles(500, 2)["close"]
    series = pd.Series(close)
    got = output(drawdown(), close=close)
    np.testing.assert_allclose(got["drawdown"], 1.0 - series / series.cummax(), rtol=1e-12, atol=1e-15)
    last_high = np.maximum.accumulate(np.where(close == series.cummax(), np.arange(500), 0))
    np.testing.assert_array_equal(got["drawdown_age"], np.arange(500) - last_high)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 70))
def test_a_rolling_drawdown_is_the_distance_to_the_highest_of_the_window(seed, n):
    close = candles(150, seed)["close"]
    series = pd.Series(close)
    wanted = (1.0 - series / series.rolling(n).max()).to_numpy()
    got = output(rolling_drawdown(n), close=close)["rolling_drawdown"]
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-14)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match=r"gap_fill: least must be finite and not negative, got -0.1"):
        gap_fill(least=-0.1)
    with pytest.raises(ValueError, match="rolling_drawdown: n must be at least 1, got 0"):
        rolling_drawdown(0)
