"""Oscillators of whole bars: where the price stands against its mean, and what drove it there."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Nothing, Window, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.ring import NOTHING, window
from quantlib.kernels.sliding import gather, room_for, slide

ROUNDING = 1e-14  # of two typical prices: three prices of equal sum, added up, may differ by so much
LAMBERT = 0.015  # mean deviations that count as one: so most values lie between -100 and 100


@block
def typical(high, low, close):
    """The typical price of a row."""
    return (high + low + close) / 3.0


@block
def beyond_rounding(x, y):
    """x - y, or 0 where that is within the rounding of two typical prices."""
    away = x - y
    return away if abs(away) > ROUNDING * (abs(x) + abs(y)) else 0.0


@kernel
def mean_deviation(ring, seen, n, mean):
    """The mean distance of the last n values of a ring from `mean`, added up from the oldest on in four strands."""
    mask = ring.size - 1
    a = b = c = d = 0.0
    j = seen - n
    while j + 3 < seen:
        a += abs(ring[j & mask] - mean)
        b += abs(ring[(j + 1) & mask] - mean)
        c += abs(ring[(j + 2) & mask] - mean)
        d += abs(ring[(j + 3) & mask] - mean)
        j += 4
    while j < seen:
        a += abs(ring[j & mask] - mean)
        j += 1
    return ((a + b) + (c + d)) / n


@kernel
def _cci(p, memory, symbol, high, low, close, index):
    i = 0
    n, room = float(p.n), room_for(p.n)
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        ring, seen, s, s_low, unit = m.ring, m.seen, m.s, m.s_low, m.unit
        while i < close.size and symbol[i] == code:
            x = typical(high[i], low[i], close[i])
            index[i] = nan
            if not isnan(x):
                s, s_low = slide(s, s_low, unit, room, ring, seen, p.n, x)
                seen += 1
                if isnan(s_low):
                    s, s_low, unit = gather(ring, m.parts, seen, p.n, room)
                if seen >= p.n:
                    mean = (s + s_low) / n
                    move, away = beyond_rounding(x, mean), mean_deviation(ring, seen, p.n, mean)
                    index[i] = move / (LAMBERT * away) if away > 0.0 else 0.0
            i += 1
        m.seen, m.s, m.s_low, m.unit = seen, s, s_low, unit


@kernel
def _mfi(p, memory, symbol, high, low, close, volume, index):
    i = 0
    room = room_for(p.n)
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        ins, outs, last, seen = m.ins, m.outs, m.last, m.seen
        a, a_low, a_unit, b, b_low, b_unit = m.a, m.a_low, m.a_unit, m.b, m.b_low, m.b_unit
        while i < close.size and symbol[i] == code:
            x = typical(high[i], low[i], close[i])
            index[i] = nan
            if not isnan(x + volume[i]):
                if not isnan(last):
                    flow, move = x * volume[i], beyond_rounding(x, last)
                    a, a_low = slide(a, a_low, a_unit, room, ins, seen, p.n, flow if move > 0.0 else 0.0)
                    b, b_low = slide(b, b_low, b_unit, room, outs, seen, p.n, flow if move < 0.0 else 0.0)
                    seen += 1
                    if isnan(a_low + b_low):
                        a, a_low, a_unit = gather(ins, m.parts, seen, p.n, room)
                        b, b_low, b_unit = gather(outs, m.parts, seen, p.n, room)
                    if seen >= p.n:
                        risen, all_flow = a + a_low, (a + a_low) + (b + b_low)
                        index[i] = 100.0 * (risen / all_flow) if all_flow > 0.0 else 0.0
                last = x
            i += 1
        m.last, m.seen = last, seen
        m.a, m.a_low, m.a_unit, m.b, m.b_low, m.b_unit = a, a_low, a_unit, b, b_low, b_unit


@kernel
def _bop(p, memory, symbol, open, high, low, close, balance):
    for i in range(close.size):
        reach, gain = high[i] - low[i], close[i] - open[i]
        share = gain / reach
        known = (reach == reach) & (gain == gain)
        balance[i] = share if reach > 0.0 else (0.0 if known else nan)


def cci(n: int = 20, *, high: str = "high", low: str = "low", close: str = "close", out: str = "cci") -> Feature:
    """Commodity channel index: how many mean deviations the price lies from its mean.

    (x[t] - A) / (0.015 D),  x = (h + l + c) / 3,  A the mean of the last n x,  D the mean of their |x - A|; 0 where
    x[t] - A is within the rounding of such means (1e-14 of both together)

    Args:
        n: rows in the window, at least 1. A row takes time in proportion to it.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, mean deviations times 1 / 0.015; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: D. R. Lambert, Commodity channel index, Commodities magazine, October 1980; TA-Lib, function CCI.
    """
    n = row_count("cci", "n", n)
    blank = np.zeros((), [("seen", "i8"), ("s", "f8"), ("s_low", "f8"), ("unit", "f8"), *window(n, "ring")])
    blank["unit"] = nan
    return Feature(_cci, Window(n), blank, (high, low, close), (out,), warmup=n - 1, horizon=n - 1)


def mfi(
    n: int = 14,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    volume: str = "volume",
    out: str = "mfi",
) -> Feature:
    """Money flow index: how much of the money traded while the price rose.

    100 P / (P + M), P and M the sums of x v over those of the last n rows where x = (h + l + c) / 3 is above, and where
    it is below, that of the row before by more than the rounding of such a mean (1e-14 of both together); 0 where both
    are 0

    Args:
        n: rows in the window, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, 0 to 100; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: G. Quong, A. Soudack, Volume-weighted RSI: money flow, Technical Analysis of Stocks & Commodities 7, 1989;
        TA-Lib, function MFI.
    Differs: TA-Lib gives 0 where P + M < 1, so there the unit of price and volume matters.
    """
    n = row_count("mfi", "n", n)
    numbers = [(name, "f8") for name in ("last", "a", "a_low", "a_unit", "b", "b_low", "b_unit")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "ins", "outs")])
    blank["last"] = blank["a_unit"] = blank["b_unit"] = nan
    return Feature(_mfi, Window(n), blank, (high, low, close, volume), (out,), warmup=n, horizon=n)


def bop(*, open: str = "open", high: str = "high", low: str = "low", close: str = "close", out: str = "bop") -> Feature:
    """Balance of power: how much of a row's range its body gained.

    (c - o) / (h - l);  0 where h is not above l

    Args:
        open, high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, -1 to 1; finite from the first row.

    Source: I. Livshin, Balance of power, Technical Analysis of Stocks & Commodities 19, 2001; TA-Lib, function BOP.
    Differs: TA-Lib gives 0 where h - l < 1e-14.
    """
    return Feature(_bop, Nothing(), NOTHING, (open, high, low, close), (out,), warmup=0, horizon=0)
