"""How one column moves with another."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.blocks import ONE, ZERO, alone, scratch, settled, steady
from quantlib.kernels.sliding import room_for
from quantlib.kernels.spread import vacant
from quantlib.kernels.together import correlation, together, together_at, together_blank, togethers


@kernel
def _correl(p, memory, symbol, value, other, correl):
    i, size, room = ZERO, np.uint64(value.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _correl_rows(p, m, room, symbol, i, value, other, correl)
            continue
        correl[i] = nan
        if not isnan(value[i] + other[i]):
            wide_x, wide_y, both = together(m, p.n, room, value[i], other[i])
            if m.x.seen >= p.n:
                correl[i] = correlation(wide_x, wide_y, both)
        i += ONE


@kernel
def _correl_rows(p, m, room, symbol, i, value, other, correl):
    work = scratch(), scratch(), scratch()
    count = steady(symbol, i, vacant(m.x, p.n), value, other)
    togethers(m, p.n, room, value, other, i, count, work)
    for j in range(ZERO, count):
        wide_x, wide_y, both = together_at(work, j, float(p.n))
        correl[i + j] = correlation(wide_x, wide_y, both)
    return settled(correl, i, count, m.x.seen, p.n)


@block
def _move(price, before):
    """By what fraction a price moved; from 0 it counts as no move."""
    return price / before - 1.0 if before != 0.0 else 0.0


@block
def _slope(wide, both):
    """By how much one moves when the other moves by one; 0 where that stands still."""
    return both / wide if wide > 0.0 else 0.0


@kernel
def _beta(p, memory, symbol, price, market, beta):
    i, size, room = ZERO, np.uint64(price.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not isnan(m.market) and not alone(symbol, i):
            i += _beta_rows(p, m, room, symbol, i, price, market, beta)
            continue
        beta[i] = nan
        if not isnan(price[i] + market[i]):
            if not isnan(m.market):
                x, y = _move(market[i], m.market), _move(price[i], m.price)
                wide, _, both = together(m, p.n, room, x, y)
                if m.x.seen >= p.n:
                    beta[i] = _slope(wide, both)
            m.price, m.market = price[i], market[i]
        i += ONE


@kernel
def _beta_rows(p, m, room, symbol, i, price, market, beta):
    x, y, work = scratch(), scratch(), (scratch(), scratch(), scratch())
    count = steady(symbol, i, vacant(m.x, p.n), price, market)
    if count > ZERO:
        x[ZERO], y[ZERO] = _move(market[i], m.market), _move(price[i], m.price)
        for j in range(ONE, count):
            x[j], y[j] = _move(market[i + j], market[i + j - ONE]), _move(price[i + j], price[i + j - ONE])
        m.price, m.market = price[i + count - ONE], market[i + count - ONE]
        togethers(m, p.n, room, x, y, ZERO, count, work)
    for j in range(ZERO, count):
        wide, _, both = together_at(work, j, float(p.n))
        beta[i + j] = _slope(wide, both)
    return settled(beta, i, count, m.x.seen, p.n)


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
