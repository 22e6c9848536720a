"""How one column moves with another."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.blocks import ZERO, scratch, settled, steady
from quantlib.kernels.sliding import room_for
from quantlib.kernels.spread import vacant
from quantlib.kernels.together import correlation, together, together_at, together_blank, togethers


@kernel
def _correl(p, memory, symbol, value, other, correl):
    i, size = ZERO, np.uint64(value.size)
    room, work = room_for(p.n), (scratch(), scratch(), scratch())
    while i < size:
        m = memory[symbol[i]]
        count = steady(symbol, i, vacant(m.x, p.n), value, other)
        togethers(m, p.n, room, value, other, i, count, work)
        for j in range(ZERO, count):
            wide_x, wide_y, both = together_at(work, j, float(p.n))
            correl[i + j] = correlation(wide_x, wide_y, both)
        i += settled(correl, i, count, m.x.seen, p.n)


@kernel
def _beta(p, memory, symbol, price, market, beta):
    i = 0
    room = room_for(p.n)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        while i < price.size and symbol[i] == code:
            beta[i] = nan
            if not isnan(price[i] + market[i]):
                if not isnan(m.market):
                    x = market[i] / m.market - 1.0 if m.market != 0.0 else 0.0
                    y = price[i] / m.price - 1.0 if m.price != 0.0 else 0.0
                    wide, _, both = together(m, p.n, room, x, y)
                    if m.x.seen >= p.n:
                        beta[i] = both / wide if wide > 0.0 else 0.0
                m.price, m.market = price[i], market[i]
            i += 1


def correl(n: int = 30, *, value: str = "close", other: str = "other", out: str = "correl") -> Feature:
    """Correlation of two columns over the last n rows.

    Pearson's coefficient: their covariance over the product of their standard deviations; 0 where one stands still.

    Args:
        n: rows in the window, at least 1.
        value, other: columns read. (rows,) float64, any units, or NaN; a row missing either is missing.
        out: column written. (rows,) float64, -1 to 1; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function CORREL.
    Differs: exact to the last digits at any size of the values, where TA-Lib subtracts sums that are nearly equal.
    """
    n = row_count("correl", "n", n)
    return Feature(_correl, Window(n), together_blank(n), (value, other), (out,), warmup=n - 1, horizon=n - 1)


def beta(n: int = 60, *, price: str = "close", market: str = "other", out: str = "beta") -> Feature:
    """Beta: by how much the price moves when the market moves by one, over the last n moves.

    cov(r, r_market) / var(r_market), r[t] = p[t] / p[t-1] - 1; 0 where the market stands still, and a move from a price
    of 0 counts as none.

    Args:
        n: moves in the window, at least 1.
        price, market: columns read. (rows,) float64, any units, or NaN; a row missing either is missing.
        out: column written. (rows,) float64, a pure number; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: W. F. Sharpe, Capital asset prices, J. Finance 19, 1964; TA-Lib, function BETA.
    Differs: TA-Lib takes the market as its first column.
    """
    n = row_count("beta", "n", n)
    blank = together_blank(n, ("price", "f8"), ("market", "f8"))
    return Feature(_beta, Window(n), blank, (price, market), (out,), warmup=n, horizon=n)
