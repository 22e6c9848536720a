"""The shape of the last n values: to which side they reach, and how far the farthest do.

The mean slides and is exact; higher moments are summed around it anew for each row, in an order that the window
alone decides, and so does the answer.  The cost of a row grows with n; rows of a block (`kernels.blocks`)
are summed side by side.

Squares must be float64 numbers: that holds for distances from the mean of 1e-135 to 1e135; beyond, both are too
rough to use, or 0.
"""

from math import frexp, isnan, ldexp, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import block, kernel
from quantlib.kernels.blocks import ONE, ZERO, alone, plane, scratch, settled, steady
from quantlib.kernels.fma import fma
from quantlib.kernels.sliding import room_for
from quantlib.kernels.spread import spread, spread_at, spread_blank, spreads, vacant

TWO, THREE, FOUR = np.uint64(2), np.uint64(3), np.uint64(4)
EVEN, ODD, POWER, WIDE, AWAY, SCALE = 0, 1, 2, 4, 5, 6  # planes of a block, when its sums are no longer needed
PLAIN = 2.0**-200  # variances from this to its inverse need no scale


class Shape(NamedTuple):
    n: int  # rows in the window
    scale: float  # of the standardised moment
    shift: float  # taken from it then


@block
def _far(wide):
    """Whether powers of such a variance might over- or underflow."""
    return (wide > 0.0) & ((wide < PLAIN) | (wide > 1.0 / PLAIN))


@block
def _scale(wide):
    """A power of two that brings a variance that is far from 1 near it, and else 1: it changes no digit."""
    return ldexp(1.0, -(frexp(wide)[1] // 2)) if _far(wide) else 1.0


@block
def _added(total, value, x, scale, away, power):
    """A sum with one more power of a value's distance from the mean: that from x, the newest, and x's own."""
    d = fma(value - x, scale, away)
    square = d * d
    return fma(square, square if power == 4 else d, total)


@block
def _powers(m, n, x, wide, away, power):
    """(variance, mean power of the distances from the mean) of the last n values, both scaled."""
    scale = _scale(wide)
    total = _power_sum(m.values, np.uint64(m.place), np.uint64(n), x, scale, away * scale, power)
    return wide * scale * scale, total / n


@kernel
def _power_sum(values, begin, n, x, scale, away, power):
    """The sum of powers in one window: every other value apart, each from the oldest to the newest."""
    even = odd = 0.0
    whole = n // FOUR * FOUR
    for j in range(begin, begin + whole, TWO):
        even = _added(even, values[j], x, scale, away, power)
        odd = _added(odd, values[j + ONE], x, scale, away, power)
    for j in range(begin + whole, begin + n):
        even = _added(even, values[j], x, scale, away, power)
    return even + odd


@block
def _power_rows(m, n, x, first, count, power, work):
    """`_powers` of the rows of a block, in planes WIDE and POWER."""
    far = 0
    for j in range(ZERO, count):
        _, wide, away = spread_at(work, j, float(n), x[first + j])
        work[plane(WIDE) + j], work[plane(AWAY) + j], work[plane(SCALE) + j] = wide, away, 1.0
        far += _far(wide)
    if far > 0:
        _scale_rows(count, work)
    _sum_rows(m.values, np.uint64(m.place) - count + ONE, np.uint64(n), count, power, work)
    for j in range(ZERO, count):
        work[plane(POWER) + j] = (work[plane(EVEN) + j] + work[plane(ODD) + j]) / n


@kernel
def _scale_rows(count, work):
    """Scale the rows of a block that need it."""
    for j in range(ZERO, count):
        scale = _scale(work[plane(WIDE) + j])
        work[plane(WIDE) + j] = work[plane(WIDE) + j] * scale * scale
        work[plane(AWAY) + j] *= scale
        work[plane(SCALE) + j] = scale


@kernel
def _sum_rows(values, begin, n, count, power, work):
    """`_power_sum` of `count` windows side by side, the first of them from `begin` on."""
    for r in range(ZERO, count):
        work[plane(EVEN) + r] = work[plane(ODD) + r] = 0.0
    whole = n // FOUR * FOUR
    for j in range(begin, begin + whole, FOUR):
        for r in range(ZERO, count):
            x, scale, away = values[begin + n - ONE + r], work[plane(SCALE) + r], work[plane(AWAY) + r]
            even = _added(work[plane(EVEN) + r], values[j + r], x, scale, away, power)
            odd = _added(work[plane(ODD) + r], values[j + r + ONE], x, scale, away, power)
            work[plane(EVEN) + r] = _added(even, values[j + r + TWO], x, scale, away, power)
            work[plane(ODD) + r] = _added(odd, values[j + r + THREE], x, scale, away, power)
    for j in range(begin + whole, begin + n):
        for r in range(ZERO, count):
            x, scale, away = values[begin + n - ONE + r], work[plane(SCALE) + r], work[plane(AWAY) + r]
            work[plane(EVEN) + r] = _added(work[plane(EVEN) + r], values[j + r], x, scale, away, power)


@block
def _skew_of(p, wide, moment):
    """Skewness from a variance and a third moment."""
    return p.scale * (moment / (wide * sqrt(wide))) if wide > 0.0 else 0.0


@kernel
def _skew(p, memory, symbol, value, skew):
    i, size, room = ZERO, np.uint64(value.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _skew_rows(p, m, room, symbol, i, value, skew)
            continue
        skew[i] = nan
        if not isnan(value[i]):
            _, wide, away = spread(m, p.n, room, value[i])
            if m.seen >= p.n:
                wide, moment = _powers(m, p.n, value[i], wide, away, 3)
                skew[i] = _skew_of(p, wide, moment)
        i += ONE


@kernel
def _skew_rows(p, m, room, symbol, i, value, skew):
    work = scratch()
    count = steady(symbol, i, vacant(m, p.n), value, value)
    spreads(m, p.n, room, value, i, count, work)
    _power_rows(m, p.n, value, i, count, 3, work)
    for j in range(ZERO, count):
        skew[i + j] = _skew_of(p, work[plane(WIDE) + j], work[plane(POWER) + j])
    return settled(skew, i, count, m.seen, p.n)


@block
def _kurtosis_of(p, wide, moment):
    """Excess kurtosis from a variance and a fourth moment."""
    return p.scale * (moment / (wide * wide)) - p.shift if wide > 0.0 else 0.0


@kernel
def _kurtosis(p, memory, symbol, value, kurtosis):
    i, size, room = ZERO, np.uint64(value.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _kurtosis_rows(p, m, room, symbol, i, value, kurtosis)
            continue
        kurtosis[i] = nan
        if not isnan(value[i]):
            _, wide, away = spread(m, p.n, room, value[i])
            if m.seen >= p.n:
                wide, moment = _powers(m, p.n, value[i], wide, away, 4)
                kurtosis[i] = _kurtosis_of(p, wide, moment)
        i += ONE


@kernel
def _kurtosis_rows(p, m, room, symbol, i, value, kurtosis):
    work = scratch()
    count = steady(symbol, i, vacant(m, p.n), value, value)
    spreads(m, p.n, room, value, i, count, work)
    _power_rows(m, p.n, value, i, count, 4, work)
    for j in range(ZERO, count):
        kurtosis[i + j] = _kurtosis_of(p, work[plane(WIDE) + j], work[plane(POWER) + j])
    return settled(kurtosis, i, count, m.seen, p.n)


def skew(n: int = 60, *, value: str = "close", out: str = "skew") -> Feature:
    """Skewness of the last n values: above 0 if the farthest of them lie above the mean.

    sqrt(n (n-1)) / (n-2) · mean((x - mean)^3) / mean((x - mean)^2)^1.5; 0 where the values do not differ.

    Args:
        n: rows in the window, at least 3.
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, a pure number; NaN until the n-th value of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 3.

    Source: the adjusted Fisher-Pearson coefficient G1 of D. N. Joanes, C. A. Gill, Comparing measures of sample
        skewness and kurtosis, J. R. Stat. Soc. D 47, 1998; pandas, `rolling(n).skew()`.
    """
    n = row_count("skew", "n", n, 3)
    params = Shape(n, sqrt(n * (n - 1.0)) / (n - 2.0), 0.0)
    return Feature(_skew, params, spread_blank(n), (value,), (out,), warmup=n - 1, horizon=n - 1)


def kurtosis(n: int = 60, *, value: str = "close", out: str = "kurtosis") -> Feature:
    """Excess kurtosis of the last n values: how far the farthest lie out, 0 for a normal distribution.

    (n-1) / ((n-2) (n-3)) · ((n+1) mean((x - mean)^4) / mean((x - mean)^2)^2 - 3 (n-1)); 0 where the values do not
    differ.

    Args:
        n: rows in the window, at least 4.
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, a pure number; NaN until the n-th value of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 4.

    Source: G2 of D. N. Joanes, C. A. Gill, Comparing measures of sample skewness and kurtosis, J. R. Stat. Soc. D 47,
        1998; pandas, `rolling(n).kurt()`.
    Differs: pandas gives -3 where the values do not differ.
    """
    n = row_count("kurtosis", "n", n, 4)
    scale = (n - 1.0) / ((n - 2.0) * (n - 3.0))
    params = Shape(n, scale * (n + 1.0), scale * 3.0 * (n - 1.0))
    return Feature(_kurtosis, params, spread_blank(n), (value,), (out,), warmup=n - 1, horizon=n - 1)
