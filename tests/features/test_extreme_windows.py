"""Extremes over windows are those of a slow search, wherever the rows began."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib import laws
from quantlib.core import Feature, run, start
from quantlib.features.rows import Window
from quantlib.jit import kernel
from quantlib.kernels.extremes import extremes, highest, highest_row, lowest, lowest_row

VALUES = st.lists(st.one_of(st.integers(-3, 3).map(float), st.floats(allow_nan=False)), max_size=80)
FIELDS = [("top", "f8"), ("bottom", "f8"), ("top_row", "i8"), ("bottom_row", "i8"), ("at", "i8"), ("seen", "i8")]


@kernel
def _values(p, memory, symbol, x, high, low):
    for i in range(x.size):
        high[i] = low[i] = nan
        if not isnan(x[i]):
            m = memory[symbol[i]]
            m.top, up = highest(m.highs, m.at, p.n, m.top, x[i])
            m.bottom, down = lowest(m.lows, m.at, p.n, m.bottom, x[i])
            m.at = m.at + 1 if m.at + 1 < p.n else 0
            m.seen += 1
            if m.seen >= p.n:
                high[i], low[i] = up, down


@kernel
def _ages(p, memory, symbol, x, high, low):
    for i in range(x.size):
        high[i] = low[i] = nan
        if not isnan(x[i]):
            m = memory[symbol[i]]
            m.top, m.top_row, up = highest_row(m.highs, m.high_rows, m.at, p.n, m.top, m.top_row, x[i], m.seen)
            m.bottom, m.bottom_row, down = lowest_row(
                m.lows, m.low_rows, m.at, p.n, m.bottom, m.bottom_row, x[i], m.seen
            )
            m.at = m.at + 1 if m.at + 1 < p.n else 0
            if m.seen >= p.n - 1:
                high[i], low[i] = m.seen - up, m.seen - down
            m.seen += 1


def feature(loop, n):
    rings = [*extremes(n, "highs", "lows"), *extremes(n, "high_rows", "low_rows", kind="i8")]
    return Feature(loop, Window(n), np.zeros((), [*FIELDS, *rings]), ("x",), ("high", "low"), n - 1, n - 1)


def output(loop, n, values):
    one = feature(loop, n)
    return run([one], start([one], ["X"]), {"x": np.array(values, np.float64)})[1]


@given(values=VALUES, n=st.sampled_from([1, 2, 3, 7, 61, 62]))
def test_the_highest_and_lowest_are_those_of_the_window(values, n):
    found = output(_values, n, values)
    assert np.isnan(found["high"][: n - 1]).all()
    assert np.isnan(found["low"][: n - 1]).all()
    for t in range(n - 1, len(values)):
        assert found["high"][t] == max(values[t - n + 1 : t + 1])
        assert found["low"][t] == min(values[t - n + 1 : t + 1])


@given(values=VALUES, n=st.sampled_from([1, 2, 3, 7, 61, 62]))
def test_of_equal_extremes_the_latest_row_is_told(values, n):
    found = output(_ages, n, values)
    for t in range(n - 1, len(values)):
        newest_first = values[t - n + 1 : t + 1][::-1]
        assert found["high"][t] == newest_first.index(max(newest_first))
        assert found["low"][t] == newest_first.index(min(newest_first))


def test_no_zero_is_negative():
    found = output(_values, 2, [-0.0, -0.0, 0.0, -0.0])
    assert not np.signbit(found["high"]).any()
    assert not np.signbit(found["low"]).any()


@pytest.mark.parametrize("loop", [_values, _ages])
@pytest.mark.parametrize("n", [1, 2, 7, 300])
def test_extremes_are_lawful(loop, n):
    laws.check(feature(loop, n))
