"""Returns, ratios and logarithms of prices."""

from math import frexp, isnan, ldexp, log, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Feature
from quantlib.features.rows import Nothing, Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.ring import NOTHING, window
from quantlib.kernels.sums import window_sum


@kernel
def _simple_return(p, memory, symbol, price, change):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, seen = m.ring, m.seen
        mask = ring.size - 1
        while i < price.size and symbol[i] == code:
            x = price[i]
            change[i] = nan
            if not isnan(x):
                if seen >= p.n:
                    before = ring[(seen - p.n) & mask]
                    change[i] = (x - before) / before
                ring[seen & mask] = x
                seen += 1
            i += 1
        m.seen = seen


@kernel
def _log_return(p, memory, symbol, price, change):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, seen = m.ring, m.seen
        mask = ring.size - 1
        while i < price.size and symbol[i] == code:
            x = price[i]
            change[i] = nan
            if not isnan(x):
                if seen >= p.n:
                    change[i] = log(x / ring[(seen - p.n) & mask])
                ring[seen & mask] = x
                seen += 1
            i += 1
        m.seen = seen


@kernel
def _log_price(p, memory, symbol, price, logarithm):
    for i in range(price.size):
        logarithm[i] = log(price[i])


@kernel
def _price_ratio(p, memory, symbol, price, other, ratio):
    for i in range(price.size):
        ratio[i] = nan
        if not isnan(price[i] + other[i]):
            ratio[i] = price[i] / other[i] if other[i] != 0.0 else 0.0


@kernel
def _price_to_mean(p, memory, symbol, price, ratio):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, parts = m.ring, m.parts
        seen, total, rest, unit = m.seen, m.total, m.rest, m.unit
        while i < price.size and symbol[i] == code:
            ratio[i] = nan
            if not isnan(price[i]):
                total, rest, unit, whole = window_sum(total, rest, unit, ring, parts, seen, p.n, price[i])
                seen += 1
                if seen >= p.n:
                    ratio[i] = price[i] * p.n / whole if whole != 0.0 else 0.0
            i += 1
        m.seen, m.total, m.rest, m.unit = seen, total, rest, unit


@kernel
def _relative_strength(p, memory, symbol, price, benchmark, strength):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        prices, benchmarks, seen = m.prices, m.benchmarks, m.seen
        mask = prices.size - 1
        while i < price.size and symbol[i] == code:
            x, y = price[i], benchmark[i]
            strength[i] = nan
            if not isnan(x + y):
                if seen >= p.n:
                    j = (seen - p.n) & mask
                    share, bits = frexp(y)  # in units of 2^bits products stay in range and have the same digits
                    alike = prices[j] * share  # what price times the old benchmark is if both grew alike
                    strength[i] = (x * ldexp(benchmarks[j], -bits) - alike) / alike if alike != 0.0 else 0.0
                prices[seen & mask] = x
                benchmarks[seen & mask] = y
                seen += 1
            i += 1
        m.seen = seen


def simple_return(n: int = 1, *, price: str = "close", out: str = "simple_return") -> Feature:
    """Simple return over n rows.

    r[t] = (p[t] - p[t-n]) / p[t-n]

    Args:
        n: rows back, at least 1.
        price: column read. (rows,) float64, positive or NaN.
        out: column written. (rows,) float64, a fraction over n rows; NaN until the (n+1)-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: J. Y. Campbell, A. W. Lo, A. C. MacKinlay, The Econometrics of Financial Markets, 1997, eq. 1.4.1.
    """
    n = row_count("simple_return", "n", n)
    return Feature(_simple_return, Window(n), _past(n, "ring"), (price,), (out,), warmup=n, horizon=n)


def log_return(n: int = 1, *, price: str = "close", out: str = "log_return") -> Feature:
    """Logarithmic (continuously compounded) return over n rows.

    r[t] = log(p[t] / p[t-n])

    Args:
        n: rows back, at least 1.
        price: column read. (rows,) float64, positive or NaN.
        out: column written. (rows,) float64, over n rows; NaN until the (n+1)-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: J. Y. Campbell, A. W. Lo, A. C. MacKinlay, The Econometrics of Financial Markets, 1997, eq. 1.4.4.
    """
    n = row_count("log_return", "n", n)
    return Feature(_log_return, Window(n), _past(n, "ring"), (price,), (out,), warmup=n, horizon=n)


def log_price(*, price: str = "close", out: str = "log_price") -> Feature:
    """Natural logarithm of the price.

    Args:
        price: column read. (rows,) float64, positive or NaN.
        out: column written. (rows,) float64.

    Source: J. Y. Campbell, A. W. Lo, A. C. MacKinlay, The Econometrics of Financial Markets, 1997, sec. 1.4.1.
    """
    return Feature(_log_price, Nothing(), NOTHING, (price,), (out,), warmup=0, horizon=0)


def price_ratio(price: str = "close", other: str = "open", *, out: str = "price_ratio") -> Feature:
    """One column over another.

    p[t] / q[t]; 0 where q is 0.

    Args:
        price: column read. (rows,) float64, any unit, or NaN.
        other: column read. (rows,) float64, any unit, or NaN; a row missing either is missing.
        out: column written. (rows,) float64, unit of price per unit of other.

    Source: E. Gatev, W. N. Goetzmann, K. G. Rouwenhorst, Pairs trading, Rev. Financ. Stud. 19, 2006, sec. 2.1, for
        the ratio of two prices.
    """
    return Feature(_price_ratio, Nothing(), NOTHING, (price, other), (out,), warmup=0, horizon=0)


def price_to_mean(n: int = 20, *, price: str = "close", out: str = "price_to_mean") -> Feature:
    """The price over the mean of its last n values.

    p[t] / m[t],  m[t] = (p[t] + … + p[t-n+1]) / n, the sum exact; 0 where it is 0.

    Args:
        n: rows in the mean, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, 1 where the price is at its mean; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: W. Brock, J. Lakonishok, B. LeBaron, Simple technical trading rules and the stochastic properties of stock
        returns, J. Finance 47, 1992, sec. II.A, for the distance of a price from its moving average.
    """
    n = row_count("price_to_mean", "n", n)
    fields = [("seen", "i8"), ("total", "f8"), ("rest", "f8"), ("unit", "f8"), *window(n, "ring")]
    return Feature(_price_to_mean, Window(n), np.zeros((), fields), (price,), (out,), warmup=n - 1, horizon=n - 1)


def relative_strength(
    n: int = 20, *, price: str = "close", benchmark: str = "benchmark", out: str = "relative_strength"
) -> Feature:
    """How much more the price has grown over n rows than a benchmark.

    s[t] = (p[t] / p[t-n]) / (b[t] / b[t-n]) - 1; 0 where p[t-n] b[t] is 0.

    Args:
        n: rows back, at least 1.
        price: column read. (rows,) float64, positive or NaN.
        benchmark: column read: the price of what to compare with, known at the same row. (rows,) float64, positive or
            NaN; a row missing either is missing.
        out: column written. (rows,) float64, a fraction over n rows: 0 where both grew alike; NaN until the (n+1)-th
            row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: R. A. Levy, Relative strength as a criterion for investment selection, J. Finance 22, 1967.
    Differs: Levy ranks the ratio of the price to its own mean; this is the ratio to a benchmark that charts call
        comparative relative strength, as growth over n rows so that its level needs no base.
    """
    n = row_count("relative_strength", "n", n)
    blank = _past(n, "prices", "benchmarks")
    return Feature(_relative_strength, Window(n), blank, (price, benchmark), (out,), warmup=n, horizon=n)


def _past(n: int, *names: str) -> NDArray[Any]:
    """What a symbol remembers: rings of its last n values."""
    return np.zeros((), [("seen", "i8"), *window(n, *names)[:-1]])
