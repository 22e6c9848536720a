"""How far the price ranges inside a row, the gap from the row before included."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Nothing, faded, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.ewm import ewm, toward
from quantlib.kernels.true_range import true_range as reach_of


class Wilder(NamedTuple):
    n: int  # ranges in the first mean
    weight: float  # of the newest range, 1 / n


LAST = np.array(nan, [("close", "f8")])
RANGE = np.array((nan, 0.0, 0), [("close", "f8"), ("mean", "f8"), ("seen", "i8")])


@kernel
def _true_range(p, memory, symbol, high, low, close, reach):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        last = m.close
        while i < close.size and symbol[i] == code:
            reach[i] = nan
            if not isnan(high[i] + low[i] + close[i]):
                reach[i] = reach_of(high[i], low[i], last) if not isnan(last) else nan
                last = close[i]
            i += 1
        m.close = last


@block
def _wilder(p, m, seen, mean, last, high, low, close):
    """(seen, mean) after a row: the Wilder mean of true ranges; right once seen > n."""
    if seen > p.n:
        return seen, toward(mean, reach_of(high, low, last), p.weight)
    if seen > 0:
        mean = ewm(mean, reach_of(high, low, last), seen - 1, p.n, p.weight)
    return seen + 1, mean


@kernel
def _atr(p, memory, symbol, high, low, close, atr):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        last, mean, seen = m.close, m.mean, m.seen
        while i < close.size and symbol[i] == code:
            if isnan(high[i] + low[i] + close[i]):
                atr[i] = nan
            else:
                seen, mean = _wilder(p, m, seen, mean, last, high[i], low[i], close[i])
                last = close[i]
                atr[i] = mean if seen > p.n else nan
            i += 1
        m.close, m.mean, m.seen = last, mean, seen


@kernel
def _natr(p, memory, symbol, high, low, close, atr):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        last, mean, seen = m.close, m.mean, m.seen
        while i < close.size and symbol[i] == code:
            if isnan(high[i] + low[i] + close[i]):
                atr[i] = nan
            else:
                seen, mean = _wilder(p, m, seen, mean, last, high[i], low[i], close[i])
                last = close[i]
                atr[i] = (100.0 * mean / last if last != 0.0 else 0.0) if seen > p.n else nan
            i += 1
        m.close, m.mean, m.seen = last, mean, seen


def true_range(*, high: str = "high", low: str = "low", close: str = "close", out: str = "true_range") -> Feature:
    """True range: how far a row reaches, the gap from the row before included.

    r[t] = max(h[t] - l[t], |h[t] - c[t-1]|, |l[t] - c[t-1]|)

    Args:
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, in the unit of price, not negative; NaN until the second row of a symbol.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978; TA-Lib, function TRANGE.
    """
    return Feature(_true_range, Nothing(), LAST, (high, low, close), (out,), warmup=1, horizon=1)


def atr(n: int = 14, *, high: str = "high", low: str = "low", close: str = "close", out: str = "atr") -> Feature:
    """Average true range.

    r[t] = max(h[t] - l[t], |h[t] - c[t-1]|, |l[t] - c[t-1]|); its Wilder mean (weight 1 / n), started as the plain mean
    of the first n ranges.

    Args:
        n: rows of the Wilder mean, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, in the unit of price; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978; TA-Lib, function ATR.
    """
    n = row_count("atr", "n", n)
    params = Wilder(n, 1.0 / n)
    return Feature(_atr, params, RANGE, (high, low, close), (out,), n, n + faded(params.weight), recursive=True)


def natr(n: int = 14, *, high: str = "high", low: str = "low", close: str = "close", out: str = "natr") -> Feature:
    """Normalised average true range: `atr` in percent of the close.

    100 atr[t] / c[t]; 0 where the close is 0.

    Args:
        n: rows of the Wilder mean, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, percent; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: J. Forman, Cross-market evaluations with normalized average true range, Tech. Anal. Stocks Commod., May
        2006; TA-Lib, function NATR.
    """
    n = row_count("natr", "n", n)
    params = Wilder(n, 1.0 / n)
    return Feature(_natr, params, RANGE, (high, low, close), (out,), n, n + faded(params.weight), recursive=True)
