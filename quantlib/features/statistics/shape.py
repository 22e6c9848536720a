"""The shape of the last n values: to which side they reach, and how far the farthest do.

The mean slides and is exact; higher moments are summed around it anew for each row, from the oldest value to the
newest, so the answer depends on the window alone.  The cost of a row grows with n.

Squares must be float64 numbers: that holds for distances from the mean of 1e-135 to 1e135; beyond, both are too
rough to use, or 0.
"""

from math import frexp, isnan, ldexp, nan, sqrt
from typing import NamedTuple

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import block, kernel
from quantlib.kernels.sliding import room_for
from quantlib.kernels.spread import spread, spread_blank


class Shape(NamedTuple):
    n: int  # rows in the window
    scale: float  # of the standardised moment
    shift: float  # taken from it then


@block
def _moments(m, n, x, away, wide):
    """(variance, third, fourth) mean powers of the distance from the mean, all scaled so that the variance is about 1.

    x is the newest value, `away` its distance, `wide` the variance.  The scale is a power of two: it changes no digit.
    """
    third = fourth = 0.0
    scale = ldexp(1.0, -(frexp(wide)[1] // 2))
    for j in range(m.seen - n, m.seen):
        d = ((m.values[j & (m.values.size - 1)] - x) + away) * scale
        third += d * d * d
        fourth += d * d * (d * d)
    return wide * scale * scale, third / n, fourth / n


@kernel
def _skew(p, memory, symbol, value, skew):
    i = 0
    room = room_for(p.n)
    while i < value.size:
        code = symbol[i]
        m = memory[code]
        while i < value.size and symbol[i] == code:
            skew[i] = nan
            if not isnan(value[i]):
                _, wide, away = spread(m, p.n, room, value[i])
                if m.seen >= p.n:
                    unit, third, _ = _moments(m, p.n, value[i], away, wide)
                    skew[i] = p.scale * (third / (unit * sqrt(unit))) if wide > 0.0 else 0.0
            i += 1


@kernel
def _kurtosis(p, memory, symbol, value, kurtosis):
    i = 0
    room = room_for(p.n)
    while i < value.size:
        code = symbol[i]
        m = memory[code]
        while i < value.size and symbol[i] == code:
            kurtosis[i] = nan
            if not isnan(value[i]):
                _, wide, away = spread(m, p.n, room, value[i])
                if m.seen >= p.n:
                    unit, _, fourth = _moments(m, p.n, value[i], away, wide)
                    kurtosis[i] = p.scale * (fourth / (unit * unit)) - p.shift if wide > 0.0 else 0.0
            i += 1


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
