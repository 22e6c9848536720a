"""Buying pressure over three windows at once.

Each of two quantities has one ring and three sums over its last rows.  The sums share the unit at which values are cut
(`kernels.sliding`), so a value is cut once as it comes and once for each window that it leaves.
"""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import block, kernel
from quantlib.kernels.lines import bounds, cut, fits, level_sums
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather, room_for
from quantlib.kernels.true_range import true_range


class Ultimate(NamedTuple):
    fast: int  # rows of the shortest window
    middle: int
    slow: int


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
