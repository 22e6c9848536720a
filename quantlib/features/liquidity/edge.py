"""The effective spread from open, high, low and close, as efficiently as the four of them allow."""

from math import isnan, log, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import block, kernel
from quantlib.kernels.many import slide_all, table

SUMS = 24  # of a row, the last two of them spare: a multiple of the numbers that a machine adds at once
ROUNDING = 2.0**-40  # of a mean square: a variance below that is the rounding of its parts


class Edge(NamedTuple):
    n: int  # pairs of rows in the window


@kernel
def _edge(p, memory, symbol, opening, high, low, closing, spread, signed):
    i = 0
    while i < closing.size:
        code = symbol[i]
        m = memory[code]
        last_high, last_low, last, seen = m.high, m.low, m.close, m.seen
        while i < closing.size and symbol[i] == code:
            spread[i] = signed[i] = nan
            if not isnan(opening[i] + high[i] + low[i] + closing[i]):
                o, top, bottom, c = log(opening[i]), log(high[i]), log(low[i]), log(closing[i])
                if not isnan(last):
                    _products(m.new, o, top, bottom, last_high, last_low, last)
                    slide_all(m.terms, m.new, m.total, m.rest, m.sums, m.ring, m.parts, seen, p.n)
                    seen += 1
                    if seen >= p.n:
                        square = _squared_spread(m.sums, float(p.n))
                        spread[i] = sqrt(abs(square))
                        signed[i] = spread[i] if square >= 0.0 else -spread[i]
                last_high, last_low, last = top, bottom, c
            i += 1
        m.high, m.low, m.close, m.seen = last_high, last_low, last, seen


@block
def _products(new, o, top, bottom, top1, bottom1, c1):
    """All that a pair of rows adds to the sums, from log prices: counts, and products of the moves x, y and z."""
    moved = top != bottom or bottom != c1
    x = 0.5 * (top + bottom) - o  # from the open to the middle
    y = o - c1  # from the close before to the open
    z = c1 - 0.5 * (top1 + bottom1) if moved else 0.0  # from the middle before to its close
    xy, xz, yz, yy, zz = x * y, x * z, y * z, y * y, z * z
    new[0] = 1.0 if moved else 0.0
    new[1] = (1.0 if moved and o != top else 0.0) + (1.0 if moved and o != bottom else 0.0)
    new[2] = (1.0 if moved and c1 != top1 else 0.0) + (1.0 if moved and c1 != bottom1 else 0.0)
    new[3], new[4], new[5] = x, y, z
    new[6], new[7], new[8], new[9], new[10] = xy, xz, yz, yy, zz
    new[11], new[12], new[13], new[14], new[15] = x * yy, x * yz, x * zz, y * yz, y * zz
    new[16], new[17], new[18], new[19], new[20], new[21] = xy * xy, xy * xz, xz * xz, xz * yz, yz * yz, xy * yz


@block
def _squared_spread(s, n):
    """The square of the spread, negative where noise outweighs it, from the sums over n pairs of rows."""
    moved, at_open, at_close = s[0], s[1], s[2]
    if moved < 2.0 or at_open == 0.0 or at_close == 0.0:
        return 0.0
    x, y, z, xy, xz, yz, yy, zz = s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10]
    xyy, xyz, xzz, yyz, yzz = s[11], s[12], s[13], s[14], s[15]
    xxyy, xxyz, xxzz, xyzz, yyzz, xyyz = s[16], s[17], s[18], s[19], s[20], s[21]
    a, b, c = x / moved, (x + y) / moved, y / moved  # mean moves of rows that moved at all
    u, v = -4.0 * n / at_open, -4.0 * n / at_close
    first = (u * (xy + xz - a * (y + z)) + v * (xz + yz - b * z)) / n
    second = (u * (xy - a * y) + v * (yz - c * z)) / n
    open_1 = (xxyy + 2.0 * xxyz + xxzz) - 2.0 * a * (xyy + 2.0 * xyz + xzz) + a * a * (yy + 2.0 * yz + zz)
    close_1 = (xxzz + 2.0 * xyzz + yyzz) - 2.0 * b * (xzz + yzz) + b * b * zz
    both_1 = (xxyz + xxzz + xyyz + xyzz) - (a + b) * (xyz + xzz) - a * (yyz + yzz) + a * b * (yz + zz)
    open_2 = xxyy - 2.0 * a * xyy + a * a * yy
    close_2 = yyzz - 2.0 * c * yzz + c * c * zz
    both_2 = xyyz - c * xyz - a * yyz + a * c * yz
    noise_1 = _noise((u * u * open_1 + v * v * close_1 + 2.0 * u * v * both_1) / n, first)
    noise_2 = _noise((u * u * open_2 + v * v * close_2 + 2.0 * u * v * both_2) / n, second)
    if noise_1 + noise_2 > 0.0:
        return (noise_2 * first + noise_1 * second) / (noise_1 + noise_2)
    return 0.5 * (first + second)


@block
def _noise(square, mean):
    """The variance of an estimate, from its mean square and its mean."""
    spread = square - mean * mean
    return spread if spread > ROUNDING * square else 0.0


def edge(
    n: int = 21, *, open: str = "open", high: str = "high", low: str = "low", close: str = "close", out: str = "edge"
) -> Feature:
    """EDGE: Ardia, Guidotti and Kroencke's efficient estimate of the effective spread, over the last n rows.

    With log prices, m the middle of the range, and ' marking the row before: r1 = m - o, r2 = o - m', r3 = m - c',
    r4 = c' - m', r5 = o - c'. τ is 1 where h ≠ l or l ≠ c'; d1, d3, d5 are r1, r3, r5 less τ E[r] / E[τ].
    u = -4 / (P[o ≠ h, τ] + P[o ≠ l, τ]),  v = -4 / (P[c' ≠ h', τ] + P[c' ≠ l', τ]),
    x1 = u d1 r2 + v d3 r4,  x2 = u d1 r5 + v d5 r4,  s^2 = (V2 E[x1] + V1 E[x2]) / (V1 + V2), V the variances of x.
    Means are over the n - 1 pairs of the window. 0 where fewer than two pairs moved, or opens or closes (of the rows
    before) always lie on both ends of their range; the plain mean of E[x1] and E[x2] where neither varies.

    Args:
        n: rows in the window, at least 3. The estimate wants many: with few it is mostly noise.
        open, high, low, close: columns read. (rows,) float64, positive or NaN; a row missing one of them is missing.
        out: columns written: `out`, sqrt(|s^2|), and `out_signed`, negative where s^2 is. (rows,) float64, fractions of
            the price; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 3.

    Source: D. Ardia, E. Guidotti, T. A. Kroencke, Efficient estimation of bid-ask spreads from open, high, low, and
        close prices, J. Financ. Econ. 161, 2024; and their package bidask.
    """
    n = row_count("edge", "n", n, least=3)
    blank = np.zeros((), [("high", "f8"), ("low", "f8"), ("close", "f8"), ("seen", "i8"), *table(n - 1, SUMS)])
    blank["close"] = nan
    outputs = (out, f"{out}_signed")
    return Feature(_edge, Edge(n - 1), blank, (open, high, low, close), outputs, warmup=n - 1, horizon=n - 1)
