"""Volatility of log returns, per row (never annualised here)."""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, faded, number, row_count
from quantlib.features.volatility.root_mean import root_mean, root_mean_blank, root_means
from quantlib.jit import block, kernel
from quantlib.kernels.blocks import BLOCK, ONE, ZERO, alone, steady
from quantlib.kernels.log import log
from quantlib.kernels.ring import NOTHING


class EwmaVolatility(NamedTuple):
    decay: float  # weight of the variance before


class Annual(NamedTuple):
    root: float  # of the rows in a year


FADING = np.array((nan, nan), [("price", "f8"), ("variance", "f8")])


@kernel
def _realised_volatility(p, memory, symbol, price, volatility):
    i, size = np.uint64(0), np.uint64(price.size)
    while i < size:
        m = memory[symbol[i]]
        if alone(symbol, i) or isnan(m.price):
            volatility[i] = root_mean(m, p.n, _square(price[i], m.price))
            m.price = m.price if isnan(price[i]) else price[i]
            i += ONE
        else:
            i += _realised_volatility_rows(m, p.n, symbol, price, volatility, i)


@kernel
def _realised_volatility_rows(m, n, symbol, price, volatility, i):
    count = steady(symbol, i, BLOCK, price, price)
    volatility[i] = m.price
    for j in range(i + ONE, i + count):
        volatility[j] = price[j - ONE]
    if count > ZERO:
        m.price = price[i + count - ONE]
    for j in range(i, i + count):
        volatility[j] = _square(price[j], volatility[j])
    return root_means(m, n, volatility, i, count)


@block
def _square(price, last):
    """The square of the log return."""
    r = log(price / last)
    return r * r


@kernel
def _ewma_volatility(p, memory, symbol, price, volatility):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        last, variance = m.price, m.variance
        while i < price.size and symbol[i] == code:
            volatility[i] = nan
            if not isnan(price[i]):
                if not isnan(last):
                    r = log(price[i] / last)
                    variance = r * r if isnan(variance) else p.decay * variance + (1.0 - p.decay) * (r * r)
                    volatility[i] = sqrt(variance)
                last = price[i]
            i += 1
        m.price, m.variance = last, variance


@kernel
def _annual_volatility(p, memory, symbol, volatility, annual):
    for i in range(volatility.size):
        annual[i] = volatility[i] * p.root


def realised_volatility(n: int = 20, *, price: str = "close", out: str = "realised_volatility") -> Feature:
    """Realised volatility: root mean square of the last n log returns.

    v[t] = sqrt((r[t]^2 + … + r[t-n+1]^2) / n),  r[t] = log(p[t] / p[t-1])

    Args:
        n: returns in the window, at least 1.
        price: column read. (rows,) float64, quote currency, positive or NaN.
        out: column written. (rows,) float64, a fraction per row, not annualised; NaN until the (n+1)-th price of a
            symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: T. G. Andersen, T. Bollerslev, F. X. Diebold, P. Labys, The distribution of realized exchange rate
        volatility, J. Am. Stat. Assoc. 96, 2001.
    Differs: the mean in place of the sum, so that it stays a volatility per row; times sqrt(n) it is theirs.
    """
    n = row_count("realised_volatility", "n", n)
    return Feature(_realised_volatility, Window(n), root_mean_blank(n), (price,), (out,), warmup=n, horizon=n)


def ewma_volatility(decay: float = 0.94, *, price: str = "close", out: str = "ewma_volatility") -> Feature:
    """Exponentially weighted volatility.

    v[t]^2 = decay v[t-1]^2 + (1 - decay) r[t]^2,  r[t] = log(p[t] / p[t-1]),  v[1]^2 = r[1]^2

    Args:
        decay: weight of the variance before, in (0, 1). 0.94 suits daily rows, 0.97 monthly ones.
        price: column read. (rows,) float64, quote currency, positive or NaN.
        out: column written. (rows,) float64, a fraction per row, not annualised; NaN until the second price of a
            symbol.

    Raises:
        ValueError: if decay is not inside (0, 1).

    Source: J.P. Morgan/Reuters, RiskMetrics Technical Document, 4th ed., 1996, sec. 5.2.
    Differs: v[t] is what they call the forecast for t+1 made at t; it starts from the first squared return.
    """
    if not 0.0 < number("ewma_volatility", "decay", decay) < 1.0:
        raise ValueError(f"ewma_volatility: decay must be inside (0, 1), got {decay}")
    horizon = 1 + faded(1.0 - decay)
    return Feature(_ewma_volatility, EwmaVolatility(decay), FADING, (price,), (out,), 1, horizon, recursive=True)


def annual_volatility(
    rows: float = 252.0, *, volatility: str = "realised_volatility", out: str = "volatility_annual"
) -> Feature:
    """A volatility per row, scaled to a year.

    V[t] = v[t] sqrt(rows)

    Args:
        rows: rows in a year, positive: 252 of daily bars, 252 * 390 of minutes of a New York session.
        volatility: column read, written by a feature before this one. (rows,) float64, a fraction per row, or NaN.
        out: column written. (rows,) float64, a fraction per year.

    Raises:
        ValueError: if rows is not positive and finite.

    Source: J. C. Hull, Options, Futures, and Other Derivatives, 9th ed., 2015, sec. 15.4; it holds for returns that do
        not depend on each other.
    """
    if not 0.0 < number("annual_volatility", "rows", rows) < float("inf"):
        raise ValueError(f"annual_volatility: rows must be positive and finite, got {rows}")
    return Feature(_annual_volatility, Annual(sqrt(rows)), NOTHING, (volatility,), (out,), warmup=0, horizon=0)
