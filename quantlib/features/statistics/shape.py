"""The shape of the last n values: to which side they reach, and how far the farthest do.

The mean slides and is exact; higher moments are summed around it anew for each row, from the oldest value to the
newest, so the answer depends on the window alone.  The cost of a row grows with n; rows of a block (`kernels.blocks`)
are summed side by side.

Squares must be float64 numbers: that holds for distances from the mean of 1e-135 to 1e135; beyond, both are too
rough to use, or 0.
"""

from math import frexp, ldexp, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import block, kernel
from quantlib.kernels.blocks import ONE, ZERO, plane, scratch, settled, steady
from quantlib.kernels.fma import fma
from quantlib.kernels.sliding import room_for
from quantlib.kernels.spread import spread_at, spread_blank, spreads, vacant

TWO, THREE, FOUR = np.uint64(2), np.uint64(3), np.uint64(4)
WIDE, TOTAL, AWAY, SCALE = 4, 5, 6, 7  # planes of a block
PLAIN = 2.0**-200  # variances from this to its inverse need no scale


class Shape(NamedTuple):
    n: int  # rows in the window
    scale: float  # of the standardised moment
    shift: float  # taken from it then


@block
def _powers(m, n, x, first, count, work, power):
    """Scaled variance (plane 4) and sum of powers, 3 or 4, of the scaled distances from the mean (plane 5), row by row.

    The scale is a power of two, so it changes no digit: 1 unless powers might over- or underflow.
    """
    wild = 0
    for j in range(ZERO, count):
        _, wide, away = spread_at(work, j, float(n), x[first + j])
        work[plane(WIDE) + j], work[plane(TOTAL) + j] = wide, 0.0
        work[plane(AWAY) + j], work[plane(SCALE) + j] = away, 1.0
        wild += (wide > 0.0) & ((wide < PLAIN) | (wide > 1.0 / PLAIN))
    if wild > 0:
        for j in range(ZERO, count):
            _rescale(work, j)
    begin = np.uint64(m.place) - count + ONE
    if count == ONE:
        _add_row(m.values, begin, np.uint64(n), power, work)
    elif count > ZERO:
        _add_rows(m.values, begin, np.uint64(n), count, power, work)


@kernel
def _rescale(work, j):
    """Scale a row so that its variance is about 1, if it is far from it."""
    wide = work[plane(WIDE) + j]
    if wide > 0.0 and (wide < PLAIN or wide > 1.0 / PLAIN):
        scale = ldexp(1.0, -(frexp(wide)[1] // 2))
        work[plane(WIDE) + j] = wide * scale * scale
        work[plane(AWAY) + j] *= scale
        work[plane(SCALE) + j] = scale


@block
def _added(total, value, x, scale, away, power):
    """A sum with one more power of a value's distance from the mean, which is that from x, the newest, and x's own."""
    d = fma(value - x, scale, away)
    square = d * d
    return fma(square, square if power == 4 else d, total)


@kernel
def _add_row(values, begin, n, power, work):
    """Add up one window, from the oldest value to the newest."""
    x, scale, away = values[begin + n - ONE], work[plane(SCALE)], work[plane(AWAY)]
    total = 0.0
    for j in range(begin, begin + n):
        total = _added(total, values[j], x, scale, away, power)
    work[plane(TOTAL)] = total


@kernel
def _add_rows(values, begin, n, count, power, work):
    """Add up `count` windows side by side, each from the oldest value to the newest, four values at a time."""
    whole = n // FOUR * FOUR
    for j in range(begin, begin + whole, FOUR):
        for r in range(ZERO, count):
            x, scale, away = values[begin + n - ONE + r], work[plane(SCALE) + r], work[plane(AWAY) + r]
            total = _added(work[plane(TOTAL) + r], values[j + r], x, scale, away, power)
            total = _added(total, values[j + r + ONE], x, scale, away, power)
            total = _added(total, values[j + r + TWO], x, scale, away, power)
            work[plane(TOTAL) + r] = _added(total, values[j + r + THREE], x, scale, away, power)
    for j in range(begin + whole, begin + n):
        for r in range(ZERO, count):
            x, scale, away = values[begin + n - ONE + r], work[plane(SCALE) + r], work[plane(AWAY) + r]
            work[plane(TOTAL) + r] = _added(work[plane(TOTAL) + r], values[j + r], x, scale, away, power)


@kernel
def _skew(p, memory, symbol, value, skew):
    i, size = ZERO, np.uint64(value.size)
    room, work = room_for(p.n), scratch()
    while i < size:
        m = memory[symbol[i]]
        count = steady(symbol, i, vacant(m, p.n), value, value)
        spreads(m, p.n, room, value, i, count, work)
        _powers(m, p.n, value, i, count, work, 3)
        for j in range(ZERO, count):
            wide, third = work[plane(WIDE) + j], work[plane(TOTAL) + j] / p.n
            skew[i + j] = p.scale * (third / (wide * sqrt(wide))) if wide > 0.0 else 0.0
        i += settled(skew, i, count, m.seen, p.n)


@kernel
def _kurtosis(p, memory, symbol, value, kurtosis):
    i, size = ZERO, np.uint64(value.size)
    room, work = room_for(p.n), scratch()
    while i < size:
        m = memory[symbol[i]]
        count = steady(symbol, i, vacant(m, p.n), value, value)
        spreads(m, p.n, room, value, i, count, work)
        _powers(m, p.n, value, i, count, work, 4)
        for j in range(ZERO, count):
            wide, fourth = work[plane(WIDE) + j], work[plane(TOTAL) + j] / p.n
            kurtosis[i + j] = p.scale * (fourth / (wide * wide)) - p.shift if wide > 0.0 else 0.0
        i += settled(kurtosis, i, count, m.seen, p.n)


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
