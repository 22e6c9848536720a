"""Ranges, bands, channels and the state of volatility, against slow spellings of themselves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_symbol import bars, output, written

from quantlib.features.ranges.bands import bandwidth, bollinger, percent_b
from quantlib.features.ranges.channels import donchian, keltner
from quantlib.features.ranges.reach import atr, natr, true_range
from quantlib.features.ranges.squeeze import volatility_state

ROWS = bars(900)
STATE = ("volatility_state", "bandwidth", "percentile", "squeeze", "rows", "event")


def slow_ranges(rows):
    high, low, close = (pd.Series(rows[name]) for name in ("high", "low", "close"))
    gaps = pd.concat([high - low, (high - close.shift()).abs(), (low - close.shift()).abs()], axis=1)
    return gaps.max(axis=1).where(close.shift().notna())


def breathing(rows, seed):
    """Bars whose swings grow and shrink, so that there are squeezes to find."""
    rng = np.random.default_rng(seed)
    swing = 0.01 * (1.1 + np.sin(np.arange(rows) / 40.0)) * np.where(rng.random(rows) < 0.05, 4.0, 1.0)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.4, rows) * swing))
    wide = rng.random(rows) * swing
    return {"high": close * (1.0 + wide), "low": close * (1.0 - wide), "close": close}


def test_a_true_range_spans_the_row_and_the_gap_before_it():
    np.testing.assert_allclose(output(true_range(), **only(ROWS)), slow_ranges(ROWS), rtol=1e-14)
    gap = {"high": [10.0, 20.0, 5.0], "low": [9.0, 19.0, 4.0], "close": [9.5, 19.5, 4.5]}
    np.testing.assert_array_equal(output(true_range(), **gap), [np.nan, 10.5, 15.5])


def only(rows, *names):
    return {name: rows[name] for name in names or ("high", "low", "close")}


@pytest.mark.parametrize("n", [1, 14])
def test_atr_is_the_wilder_mean_of_true_ranges_and_natr_its_percent_of_the_close(n):
    ranges = slow_ranges(ROWS).to_numpy()
    wanted = np.full(900, np.nan)
    wanted[n] = ranges[1 : n + 1].mean()
    for t in range(n + 1, 900):
        wanted[t] = (wanted[t - 1] * (n - 1) + ranges[t]) / n
    np.testing.assert_allclose(output(atr(n), **only(ROWS)), wanted, rtol=1e-12)
    np.testing.assert_allclose(output(natr(n), **only(ROWS)), 100.0 * wanted / ROWS["close"], rtol=1e-12)


def test_bands_bandwidth_and_percent_b_are_one_thing_seen_from_three_sides():
    features = [bollinger(20, 1.5), bandwidth(20, 1.5), percent_b(20, 1.5)]
    seen = written(features, close=ROWS["close"])
    upper, middle, lower = (seen[f"bollinger_{band}"] for band in ("upper", "middle", "lower"))
    np.testing.assert_allclose(seen["bandwidth"], (upper - lower) / middle, rtol=1e-9)
    np.testing.assert_allclose(seen["percent_b"], (ROWS["close"] - lower) / (upper - lower), rtol=1e-8, atol=1e-9)
    window = pd.Series(ROWS["close"]).rolling(20)
    np.testing.assert_allclose(upper, window.mean() + 1.5 * window.std(ddof=0), rtol=1e-12)
    assert (written(percent_b(5), close=np.full(30, 7.1))["percent_b"][4:] == 0.5).all()
    assert (written(bandwidth(5), close=np.full(30, 7.1))["bandwidth"][4:] == 0.0).all()


@given(
    prices=st.lists(st.tuples(st.floats(1.0, 1e6), st.floats(0.0, 9.0)), max_size=40),
    n=st.integers(1, 9),
)
def test_a_donchian_channel_holds_every_row_of_its_window(prices, n):
    high, low = [p + w for p, w in prices], [p - w for p, w in prices]
    seen = written(donchian(n), high=high, low=low)
    for t in range(n - 1, len(prices)):
        top, bottom = max(high[t - n + 1 : t + 1]), min(low[t - n + 1 : t + 1])
        assert (seen["donchian_upper"][t], seen["donchian_lower"][t]) == (top, bottom)
        assert seen["donchian_middle"][t] == 0.5 * (top + bottom)


@pytest.mark.parametrize(("n", "ranges"), [(20, 10), (4, 10), (11, 10), (1, 1)])
def test_a_keltner_channel_starts_both_its_means_at_one_row(n, ranges):
    first = max(n - 1, ranges)
    typical = (ROWS["high"] + ROWS["low"] + ROWS["close"]) / 3.0
    reach = slow_ranges(ROWS).to_numpy()
    middle, half = typical[first - n + 1 : first + 1].mean(), reach[first - ranges + 1 : first + 1].mean()
    seen = written(keltner(n, 1.5, ranges=ranges), **only(ROWS))
    assert np.isnan(seen["keltner_middle"][:first]).all()
    for t in range(first, 900):
        if t > first:
            middle += 2.0 / (n + 1.0) * (typical[t] - middle)
            half += (reach[t] - half) / ranges
        assert seen["keltner_middle"][t] == pytest.approx(middle, rel=1e-12)
        assert seen["keltner_upper"][t] == pytest.approx(middle + 1.5 * half, rel=1e-12)
        assert seen["keltner_lower"][t] == pytest.approx(middle - 1.5 * half, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_state_of_volatility_is_what_its_words_say(seed):
    rows = breathing(1_500, seed)
    n, past = 20, 60
    seen = written(volatility_state(n, 2.0, 1.5, past, 0.1, 0.9), **rows)
    got = {name: seen[name if name == "volatility_state" else f"volatility_state_{name}"] for name in STATE}
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.full(n - 1, np.nan), rows["close"]]), n)
    mean, deviation = windows.mean(axis=1), windows.std(axis=1)
    width = 4.0 * deviation / mean
    inside = 2.0 * deviation < 1.5 * slow_ranges(rows).rolling(n).mean().to_numpy()
    told = {1.0: 0, 2.0: 0, -2.0: 0}
    for t in range(n + past, 1_500):
        share = (width[t - past : t] < width[t]).mean()
        assert got["bandwidth"][t] == pytest.approx(width[t], rel=1e-8)
        assert got["percentile"][t] == pytest.approx(share, abs=1e-12)
        assert got["volatility_state"][t] == (-1.0 if share <= 0.1 else (1.0 if share >= 0.9 else 0.0))
        assert got["squeeze"][t] == inside[t]
        length = 0
        while length < past and inside[t - length]:
            length += 1
        assert got["rows"][t] == length
        release = 2.0 if rows["close"][t] >= mean[t] else -2.0
        wanted = (0.0 if inside[t - 1] else 1.0) if inside[t] else (release if inside[t - 1] else 0.0)
        assert got["event"][t] == wanted
        if wanted:
            told[wanted] += 1
    assert min(told.values()) > 2, told  # squeezes began, and were released both ways


def test_a_market_that_stands_still_is_neither_compressed_nor_squeezed():
    still = np.full(200, 12.3)
    seen = written(volatility_state(10, past=30), high=still, low=still, close=still)
    for name in ("volatility_state", "volatility_state_squeeze", "volatility_state_event", "volatility_state_rows"):
        assert (seen[name][39:] == 0.0).all()
    assert (seen["volatility_state_percentile"][39:] == 0.5).all()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: bandwidth(20, -1.0), "bandwidth: width must be finite and not negative, got -1.0"),
        (lambda: percent_b(20, 0.0), "percent_b: width must be positive and finite, got 0.0"),
        (lambda: keltner(ranges=0), "keltner: ranges must be at least 1, got 0"),
        (lambda: keltner(width=float("inf")), "keltner: width must be finite and not negative, got inf"),
        (lambda: volatility_state(past=1), "volatility_state: past must be at least 2, got 1"),
        (lambda: volatility_state(compressed=0.9, expanded=0.1), "compressed < expanded <= 1, got 0.9 and 0.1"),
    ],
)
def test_ranges_refuse_what_makes_no_sense(make, says):
    with pytest.raises(ValueError, match=says):
        make()
