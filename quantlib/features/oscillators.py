"""Oscillators of whole bars: where the price stands against its mean, and what drove it there."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Nothing, Window, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.lines import bounds, cut, fits, level_sums
from quantlib.kernels.ring import NOTHING, window
from quantlib.kernels.sliding import gather, room_for, slide
from quantlib.kernels.true_range import true_range

ROUNDING = 1e-14  # of two typical prices: three prices of equal sum, added up, may differ by so much
LAMBERT = 0.015  # mean deviations that count as one: so most values lie between -100 and 100


class Ultimate(NamedTuple):
    fast: int  # rows of the shortest window
    middle: int
    slow: int


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


@block
def _slid(p, ring, seen, unit, fine, limit, x, a, a_low, b, b_low, c, c_low):
    """Three sums after x joins a ring that holds `seen`, and whether it fits the unit that they share."""
    mask = ring.size - 1
    high, low = cut(x, unit)
    fast, fast_low = cut(ring[(seen - p.fast) & mask], unit)
    middle, middle_low = cut(ring[(seen - p.middle) & mask], unit)
    slow, slow_low = cut(ring[(seen - p.slow) & mask], unit)
    ring[seen & mask] = x
    a, a_low = a + (high - fast), a_low + (low - fast_low)
    b, b_low = b + (high - middle), b_low + (low - middle_low)
    c, c_low = c + (high - slow), c_low + (low - slow_low)
    return a, a_low, b, b_low, c, c_low, fits(x, low, fine, limit)


@kernel
def _gathered(p, ring, parts, seen, room):
    """Three sums anew and the unit that they share, NaN if none fits."""
    c, c_low, unit = gather(ring, parts, seen, p.slow, room)
    if isnan(unit):
        a, a_low, _ = gather(ring, parts, seen, p.fast, room)
        b, b_low, _ = gather(ring, parts, seen, p.middle, room)
    else:
        a, a_low, _, _ = level_sums(ring, seen, p.fast, unit)
        b, b_low, _, _ = level_sums(ring, seen, p.middle, unit)
    return a, a_low, b, b_low, c, c_low, unit


@block
def _ratio(x, y):
    return x / y if y > 0.0 else 0.0


@kernel
def _ultimate(p, memory, symbol, high, low, close, oscillator):
    i = 0
    room = room_for(p.slow)
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        gains, reaches, last, seen, g_unit, r_unit = m.gains, m.reaches, m.last, m.seen, m.g_unit, m.r_unit
        ga, ga_low, gb, gb_low, gc, gc_low = m.ga, m.ga_low, m.gb, m.gb_low, m.gc, m.gc_low
        ra, ra_low, rb, rb_low, rc, rc_low = m.ra, m.ra_low, m.rb, m.rb_low, m.rc, m.rc_low
        (g_fine, g_limit), (r_fine, r_limit) = bounds(g_unit, room), bounds(r_unit, room)
        while i < close.size and symbol[i] == code:
            oscillator[i] = nan
            if not isnan(high[i] + low[i] + close[i]):
                if not isnan(last):
                    gain, reach = close[i] - min(low[i], last), true_range(high[i], low[i], last)
                    ga, ga_low, gb, gb_low, gc, gc_low, fit = _slid(
                        p, gains, seen, g_unit, g_fine, g_limit, gain, ga, ga_low, gb, gb_low, gc, gc_low
                    )
                    ra, ra_low, rb, rb_low, rc, rc_low, fit_too = _slid(
                        p, reaches, seen, r_unit, r_fine, r_limit, reach, ra, ra_low, rb, rb_low, rc, rc_low
                    )
                    seen += 1
                    if not (fit & fit_too):
                        ga, ga_low, gb, gb_low, gc, gc_low, g_unit = _gathered(p, gains, m.parts, seen, room)
                        ra, ra_low, rb, rb_low, rc, rc_low, r_unit = _gathered(p, reaches, m.parts, seen, room)
                        (g_fine, g_limit), (r_fine, r_limit) = bounds(g_unit, room), bounds(r_unit, room)
                    if seen >= p.slow:
                        fast, middle = _ratio(ga + ga_low, ra + ra_low), _ratio(gb + gb_low, rb + rb_low)
                        slow = _ratio(gc + gc_low, rc + rc_low)
                        oscillator[i] = (100.0 / 7.0) * (4.0 * fast + 2.0 * middle + slow)
                last = close[i]
            i += 1
        m.last, m.seen, m.g_unit, m.r_unit = last, seen, g_unit, r_unit
        m.ga, m.ga_low, m.gb, m.gb_low, m.gc, m.gc_low = ga, ga_low, gb, gb_low, gc, gc_low
        m.ra, m.ra_low, m.rb, m.rb_low, m.rc, m.rc_low = ra, ra_low, rb, rb_low, rc, rc_low


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


def ultimate_oscillator(
    fast: int = 7,
    middle: int = 14,
    slow: int = 28,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "ultimate_oscillator",
) -> Feature:
    """Ultimate oscillator: buying pressure over three windows.

    100 (4 F + 2 M + S) / 7, F, M and S the sums of c[t] - min(l[t], c[t-1]) over those of true ranges (see
    `true_range`) of the last `fast`, `middle` and `slow` rows; 0 for one whose ranges are all 0

    Args:
        fast, middle, slow: rows in the windows, rising, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, 0 to 100; NaN until the (slow+1)-th row of a symbol.

    Raises:
        ValueError: if a count of rows is too small, or they do not rise.

    Source: L. Williams, The ultimate oscillator, Technical Analysis of Stocks & Commodities 3, 1985; TA-Lib, function
        ULTOSC.
    """
    named = (("fast", fast), ("middle", middle), ("slow", slow))
    fast, middle, slow = (row_count("ultimate_oscillator", name, rows) for name, rows in named)
    if not fast < middle < slow:
        raise ValueError(f"ultimate_oscillator: windows must rise, got fast={fast}, middle={middle} and slow={slow}")
    sums = [(f"{name}{end}", "f8") for name in ("ga", "gb", "gc", "ra", "rb", "rc") for end in ("", "_low")]
    numbers = [("last", "f8"), ("g_unit", "f8"), ("r_unit", "f8")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *sums, *window(slow, "gains", "reaches")])
    blank["last"] = blank["g_unit"] = blank["r_unit"] = nan
    params = Ultimate(fast, middle, slow)
    return Feature(_ultimate, params, blank, (high, low, close), (out,), warmup=slow, horizon=slow)
