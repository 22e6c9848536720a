"""Volatility of log returns, per row (never annualised here)."""

from math import isnan, log, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, faded, number, row_count
from quantlib.jit import kernel
from quantlib.kernels.ring import NOTHING, window
from quantlib.kernels.sums import window_sum


class EwmaVolatility(NamedTuple):
    decay: float  # weight of the variance before


class Annual(NamedTuple):
    root: float  # of the rows in a year


FADING = np.array((nan, nan), [("price", "f8"), ("variance", "f8")])


@kernel
def _realised_volatility(p, memory, symbol, price, volatility):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, parts = m.ring, m.parts
        last, seen, total, rest, unit = m.price, m.seen, m.total, m.rest, m.unit
        while i < price.size and symbol[i] == code:
            volatility[i] = nan
            if not isnan(price[i]):
                if not isnan(last):
                    r = log(price[i] / last)
                    total, rest, unit, whole = window_sum(total, rest, unit, ring, parts, seen, p.n, r * r)
                    seen += 1
                    volatility[i] = sqrt(whole / p.n) if seen >= p.n else nan
                last = price[i]
            i += 1
        m.price, m.seen, m.total, m.rest, m.unit = last, seen, total, rest, unit


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
    numbers = [(name, "f8") for name in ("price", "total", "rest", "unit")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "ring")])
    blank["price"] = nan
    return Feature(_realised_volatility, Window(n), blank, (price,), (out,), warmup=n, horizon=n)


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
