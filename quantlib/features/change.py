"""How far the price has come in n rows."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.ring import window


class Rate(NamedTuple):
    n: int  # rows back
    scale: float  # of the change as a fraction of the old price
    shift: float  # added to it


@kernel
def _mom(p, memory, symbol, price, change):
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
                    change[i] = x - ring[(seen - p.n) & mask]
                ring[seen & mask] = x
                seen += 1
            i += 1
        m.seen = seen


@kernel
def _rate(p, memory, symbol, price, rate):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, seen = m.ring, m.seen
        mask = ring.size - 1
        while i < price.size and symbol[i] == code:
            x = price[i]
            rate[i] = nan
            if not isnan(x):
                if seen >= p.n:
                    old = ring[(seen - p.n) & mask]
                    rate[i] = p.scale * ((x - old) / old) + p.shift if old != 0.0 else 0.0
                ring[seen & mask] = x
                seen += 1
            i += 1
        m.seen = seen


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
