"""How far the price is below its high."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, Nothing, Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.extremes import extremes, highest

PEAK = np.array((nan, 0), [("peak", "f8"), ("age", "i8")])


@kernel
def _drawdown(p, memory, symbol, price, depth, age):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        peak, rows = m.peak, m.age
        while i < price.size and symbol[i] == code:
            x = price[i]
            depth[i] = age[i] = nan
            if not isnan(x):
                if x < peak:
                    rows += 1
                    depth[i], age[i] = (peak - x) / peak, rows
                else:
                    peak, rows = x, 0
                    depth[i] = age[i] = 0.0
            i += 1
        m.peak, m.age = peak, rows


@kernel
def _rolling_drawdown(p, memory, symbol, price, depth):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        highs, at, top, seen = m.highs, m.at, m.top, m.seen
        while i < price.size and symbol[i] == code:
            x = price[i]
            depth[i] = nan
            if not isnan(x):
                top, high = highest(highs, at, p.n, top, x)
                at = at + 1 if at + 1 < p.n else 0
                seen += 1
                if seen >= p.n:
                    depth[i] = (high - x) / high
            i += 1
        m.at, m.top, m.seen = at, top, seen


def drawdown(*, price: str = "close", out: str = "drawdown") -> Feature:
    """How far the price is below the highest it has ever been.

    d[t] = (P[t] - p[t]) / P[t],  P[t] = max(p[0], …, p[t])

    Args:
        price: column read. (rows,) float64, positive or NaN.
        out: columns written: `out`, a fraction from 0 (at the high) to 1, and `out_age`, rows since the high was last
            reached. (rows,) float64.

    Source: M. Magdon-Ismail, A. F. Atiya, Maximum drawdown, Risk 17, 2004.
    """
    return Feature(_drawdown, Nothing(), PEAK, (price,), (out, f"{out}_age"), warmup=0, horizon=FOREVER)


def rolling_drawdown(n: int = 60, *, price: str = "close", out: str = "rolling_drawdown") -> Feature:
    """How far the price is below the highest of its last n rows.

    d[t] = (P[t] - p[t]) / P[t],  P[t] = max(p[t-n+1], …, p[t])

    Args:
        n: rows in the window, at least 1.
        price: column read. (rows,) float64, positive or NaN.
        out: column written. (rows,) float64, a fraction, 0 at the high; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: P. G. Martin, B. B. McCann, The Investor's Guide to Fidelity Funds, 1989, for the percentage drawdown from
        the highest of n periods that the Ulcer Index is made of; as a fraction here.
    """
    n = row_count("rolling_drawdown", "n", n)
    blank = np.zeros((), [("seen", "i8"), ("at", "i8"), ("top", "f8"), *extremes(n, "highs")])
    return Feature(_rolling_drawdown, Window(n), blank, (price,), (out,), warmup=n - 1, horizon=n - 1)
