"""Stops that turn with the trend, Heikin-Ashi candles and the Ichimoku cloud, against slow spellings."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_symbol import bars, written

from quantlib.features.ranges.reach import atr
from quantlib.features.trend.candles import heikin_ashi
from quantlib.features.trend.cloud import ichimoku, ichimoku_cloud
from quantlib.features.trend.reversal import sar
from quantlib.features.trend.supertrend import supertrend, supertrend_side

SEEDS = st.integers(0, 999)


def slow_sar(high, low, step, most):
    """Wilder's stop, each side spelled out."""
    stops, sides = [np.nan], [np.nan]
    up, down = high[1] - high[0], low[0] - low[1]
    side = -1 if down > 0 and down > up else 1
    stop, extreme, pace = (low[0], high[1], step) if side == 1 else (high[0], low[1], step)
    for t in range(1, len(high)):
        before = max(t - 1, 1)
        if side == 1 and low[t] <= stop:
            side, stop, extreme, pace = -1, max(extreme, high[before], high[t]), low[t], step
            now = stop
            stop = max(stop + pace * (extreme - stop), high[before], high[t])
        elif side == -1 and high[t] >= stop:
            side, stop, extreme, pace = 1, min(extreme, low[before], low[t]), high[t], step
            now = stop
            stop = min(stop + pace * (extreme - stop), low[before], low[t])
        elif side == 1:
            now = stop
            if high[t] > extreme:
                extreme, pace = high[t], min(pace + step, most)
            stop = min(stop + pace * (extreme - stop), low[before], low[t])
        else:
            now = stop
            if low[t] < extreme:
                extreme, pace = low[t], min(pace + step, most)
            stop = max(stop + pace * (extreme - stop), high[before], high[t])
        stops.append(now)
        sides.append(side)
    return np.array(stops), np.array(sides, float)


@given(seed=SEEDS, step=st.sampled_from([0.0, 0.02, 0.1]), most=st.sampled_from([0.1, 0.2, 1.0]))
def test_the_parabolic_stop_is_wilders(seed, step, most):
    rows = bars(150, seed)
    seen = written(sar(step, most), high=rows["high"], low=rows["low"])
    stops, sides = slow_sar(rows["high"], rows["low"], step, most)
    np.testing.assert_allclose(seen["sar"], stops, rtol=1e-14)
    np.testing.assert_array_equal(seen["sar_side"], sides)


@given(seed=SEEDS)
def test_a_stop_turns_where_the_price_touches_it_and_only_there(seed):
    rows = bars(200, seed)
    seen = written(sar(), high=rows["high"], low=rows["low"])
    side, event = seen["sar_side"][1:], seen["sar_event"][1:]
    high, low, stop = rows["high"][1:], rows["low"][1:], seen["sar"][1:]
    assert ((stop < low) | (side < 0) | (event != 0)).all()
    assert ((stop > high) | (side > 0) | (event != 0)).all()
    assert ((stop <= low) | (side < 0)).all()
    assert ((stop >= high) | (side > 0)).all()
    np.testing.assert_array_equal(event[1:], np.where(side[1:] != side[:-1], side[1:], 0.0))


@given(seed=SEEDS)
def test_prices_upside_down_turn_the_stops_upside_down(seed):
    rows = bars(200, seed)
    high, low, close = rows["high"], rows["low"], rows["close"]
    up, down = high[1] - high[0], low[0] - low[1]
    if max(up, down) > 0.0:  # else both begin long
        one, other = written(sar(), high=high, low=low), written(sar(), high=-low, low=-high)
        for name in ("sar", "sar_side", "sar_event"):
            np.testing.assert_array_equal(other[name], -one[name])
    one = written(supertrend(), high=high, low=low, close=close)
    other = written(supertrend(), high=-low, low=-high, close=-close)
    agree = np.flatnonzero(one["supertrend_side"] == -other["supertrend_side"])  # both begin long
    if len(agree):
        np.testing.assert_array_equal(one["supertrend"][agree[0] :], -other["supertrend"][agree[0] :])


def slow_supertrend(rows, n, width):
    high, low, close = rows["high"], rows["low"], rows["close"]
    reach = width * written(atr(n), high=high, low=low, close=close)["atr"]
    upper, lower = (high + low) / 2 + reach, (high + low) / 2 - reach
    line, sides = np.full(len(close), np.nan), np.zeros(len(close))
    for t in range(n, len(close)):
        if t == n:
            sides[t] = 1
        else:
            if not (upper[t] < upper[t - 1] or close[t - 1] > upper[t - 1]):
                upper[t] = upper[t - 1]
            if not (lower[t] > lower[t - 1] or close[t - 1] < lower[t - 1]):
                lower[t] = lower[t - 1]
            below, above = close[t] < lower[t], close[t] > upper[t]
            sides[t] = (-1 if below else 1) if sides[t - 1] == 1 else (1 if above else -1)
        line[t] = lower[t] if sides[t] == 1 else upper[t]
    return line, sides


@given(seed=SEEDS, n=st.integers(1, 20), width=st.sampled_from([0.0, 1.0, 3.0]))
def test_supertrend_is_its_formula(seed, n, width):
    rows = bars(150, seed)
    columns = {name: rows[name] for name in ("high", "low", "close")}
    seen = written([supertrend(n, width), supertrend_side(n, width, out="side")], **columns)
    line, sides = slow_supertrend(rows, n, width)
    np.testing.assert_array_equal(seen["supertrend"], line)
    np.testing.assert_array_equal(seen["side"], sides)
    np.testing.assert_array_equal(seen["supertrend_side"][n:], sides[n:])
    turned = np.flatnonzero(seen["supertrend_event"][n:]) + n
    np.testing.assert_array_equal(turned, np.flatnonzero(sides[1:] * sides[:-1] == -1.0) + 1)


@given(seed=SEEDS)
def test_a_supertrend_only_tightens_until_it_turns(seed):
    rows = bars(300, seed)
    seen = written(supertrend(3, 2.0), high=rows["high"], low=rows["low"], close=rows["close"])
    line, side = seen["supertrend"], seen["supertrend_side"]
    held = side[1:] == side[:-1]
    assert (np.diff(line) * side[1:])[held].min(initial=0.0) >= 0.0
    assert ((rows["close"] - line) * side)[3:].min() >= 0.0


@given(seed=SEEDS)
def test_heikin_ashi_candles_are_their_formula_and_hold_their_bodies(seed):
    rows = bars(100, seed)
    seen = written(heikin_ashi(), **{name: rows[name] for name in ("open", "high", "low", "close")})
    close = (rows["open"] + rows["high"] + rows["low"] + rows["close"]) / 4
    opened = [(rows["open"][0] + rows["close"][0]) / 2]
    for mean in close[:-1]:
        opened.append((opened[-1] + mean) / 2)
    np.testing.assert_array_equal(seen["ha_close"], close)
    np.testing.assert_array_equal(seen["ha_open"], opened)
    np.testing.assert_array_equal(seen["ha_high"], np.max([rows["high"], opened, close], axis=0))
    np.testing.assert_array_equal(seen["ha_low"], np.min([rows["low"], opened, close], axis=0))


@pytest.mark.parametrize(("fast", "base", "slow", "ahead"), [(9, 26, 52, 26), (1, 1, 1, 1), (3, 3, 70, 5)])
def test_ichimoku_lines_are_middles_of_rolling_ranges(fast, base, slow, ahead):
    rows = bars(400)
    columns = {"high": rows["high"], "low": rows["low"]}
    lines = written(ichimoku(fast, base, slow), **columns)
    cloud = written(ichimoku_cloud(fast, base, slow, ahead), **columns)
    high, low = pd.Series(rows["high"]), pd.Series(rows["low"])
    middle = {n: (high.rolling(n).max() + low.rolling(n).min()) / 2 for n in (fast, base, slow)}
    lead_a, lead_b = (middle[fast] + middle[base]) / 2, middle[slow]
    wanted = {"conversion": middle[fast], "base": middle[base], "lead_a": lead_a, "lead_b": lead_b}
    for name, line in wanted.items():
        np.testing.assert_array_equal(lines[f"ichimoku_{name}"][slow - 1 :], line[slow - 1 :])
    first = slow + ahead - 1
    np.testing.assert_array_equal(cloud["ichimoku_cloud_a"][first:], lead_a.shift(ahead)[first:])
    np.testing.assert_array_equal(cloud["ichimoku_cloud_b"][first:], lead_b.shift(ahead)[first:])


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"sar: wants 0 <= step <= most, got step=0.3 and most=0.2"):
        sar(0.3)
    with pytest.raises(ValueError, match=r"supertrend: width must be finite and not negative, got -1.0"):
        supertrend(10, -1.0)
    with pytest.raises(ValueError, match="supertrend_side: n must be at least 1, got 0"):
        supertrend_side(0)
    with pytest.raises(ValueError, match="ichimoku: wants fast <= base <= slow, got fast=30, base=26 and slow=52"):
        ichimoku(30)
    with pytest.raises(ValueError, match="ichimoku_cloud: ahead must be at least 1, got 0"):
        ichimoku_cloud(ahead=0)
