"""How far the price has come in n rows.

Rows of one symbol that miss nothing and lie side by side are taken together: each needs only the one n rows before it,
which lies in the column itself, but for the first n.
"""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.ring import window

ONE = np.uint64(1)


class Rate(NamedTuple):
    n: int  # rows back
    scale: float  # of the change as a fraction of the old price
    shift: float  # added to it


@block
def run_end(symbol, price, first):
    """Where the rows from `first` on end that belong to one symbol and miss nothing; `first` if that row misses."""
    code, size = symbol[first], np.uint64(price.size)
    i = np.uint64(first)  # unsigned, as all indices into long columns here: so that none is looked at twice
    while i < size and symbol[i] == code and not isnan(price[i]):
        i += ONE
    return np.int64(i)


@block
def remembered(ring, price, first, end, seen):
    """Put rows first to end into a ring that holds `seen`, and how many it holds then."""
    for j in range(max(first, end - ring.size), end):
        ring[(seen + j - first) & (ring.size - 1)] = price[j]
    return seen + end - first


@kernel
def _mom(p, memory, symbol, price, change):
    i = 0
    while i < price.size:
        m = memory[symbol[i]]
        end = run_end(symbol, price, i)
        if end == i:
            change[i] = nan
            i += 1
            continue
        start = m.seen - i  # so that row j is price start + j of its symbol
        for j in range(i, min(i + p.n, end)):  # n rows before these lies what an earlier run brought
            old = m.ring[(start + j - p.n) & (m.ring.size - 1)]
            change[j] = price[j] - old if start + j >= p.n else nan
        n = np.uint64(p.n)
        for j in range(np.uint64(i) + n, np.uint64(end)):
            change[j] = price[j] - price[j - n]
        m.seen = remembered(m.ring, price, i, end, m.seen)
        i = end


@block
def _rate_of(p, x, old):
    return p.scale * ((x - old) / old) + p.shift if old != 0.0 else 0.0


@kernel
def _rate(p, memory, symbol, price, rate):
    i = 0
    while i < price.size:
        m = memory[symbol[i]]
        end = run_end(symbol, price, i)
        if end == i:
            rate[i] = nan
            i += 1
            continue
        start = m.seen - i
        for j in range(i, min(i + p.n, end)):
            old = m.ring[(start + j - p.n) & (m.ring.size - 1)]
            rate[j] = _rate_of(p, price[j], old) if start + j >= p.n else nan
        n = np.uint64(p.n)
        for j in range(np.uint64(i) + n, np.uint64(end)):
            rate[j] = _rate_of(p, price[j], price[j - n])
        m.seen = remembered(m.ring, price, i, end, m.seen)
        i = end


def mom(n: int = 10, *, price: str = "close", out: str = "mom") -> Feature:
    """Momentum: the change of the price over n rows.

    m[t] = p[t] - p[t-n]

    Args:
        n: rows back, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the (n+1)-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function MOM.
    """
    n = row_count("mom", "n", n)
    return Feature(_mom, Window(n), _past(n), (price,), (out,), warmup=n, horizon=n)


def roc(n: int = 10, *, price: str = "close", out: str = "roc") -> Feature:
    """Rate of change over n rows, in percent.

    r[t] = 100 (p[t] - p[t-n]) / p[t-n];  0 where p[t-n] is 0

    Args:
        n: rows back, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, percent; NaN until the (n+1)-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function ROC.
    """
    return _of_rate("roc", n, 100.0, 0.0, price, out)


def rocp(n: int = 10, *, price: str = "close", out: str = "rocp") -> Feature:
    """Rate of change over n rows, as a fraction.

    r[t] = (p[t] - p[t-n]) / p[t-n];  0 where p[t-n] is 0

    Args:
        n: rows back, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, a fraction; NaN until the (n+1)-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function ROCP.
    """
    return _of_rate("rocp", n, 1.0, 0.0, price, out)


def rocr(n: int = 10, *, price: str = "close", out: str = "rocr") -> Feature:
    """Rate of change over n rows, as a ratio.

    r[t] = p[t] / p[t-n];  0 where p[t-n] is 0

    Args:
        n: rows back, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, 1 where nothing changed; NaN until the (n+1)-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function ROCR.
    Differs: it is 1 + `rocp`, which rounds once more; times 100 it is TA-Lib's ROCR100.
    """
    return _of_rate("rocr", n, 1.0, 1.0, price, out)


def _of_rate(who: str, n: int, scale: float, shift: float, price: str, out: str) -> Feature:
    n = row_count(who, "n", n)
    return Feature(_rate, Rate(n, scale, shift), _past(n), (price,), (out,), warmup=n, horizon=n)


def _past(n: int) -> np.ndarray:
    return np.zeros((), [("seen", "i8"), *window(n, "ring")[:-1]])
