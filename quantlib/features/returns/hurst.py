"""Whether moves go on or turn back: how the size of moves grows with the time they take."""

from math import isnan, log, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import block, kernel
from quantlib.kernels.many import slide_all, table

LAGS = 8  # at most: 1, 2, 4, … 128 rows
PAST = 256  # log prices remembered, more than the longest lag


class Hurst(NamedTuple):
    n: int  # moves of each lag in the window
    lags: int  # 1, 2, 4, … rows
    reach: int  # rows of the longest lag
    scale: float  # what turns the weighted logarithms into a slope


@kernel
def _hurst(p, memory, symbol, price, exponent):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        past, seen = m.past, m.seen
        while i < price.size and symbol[i] == code:
            exponent[i] = nan
            if not isnan(price[i]):
                x = log(price[i])
                past[seen & (PAST - 1)] = x
                moves = seen - p.reach  # rows before this one whose longest move was known
                if moves >= 0:
                    for k in range(p.lags):
                        move = x - past[(seen - (1 << k)) & (PAST - 1)]
                        m.new[k] = move * move
                    slide_all(m.terms, m.new, m.total, m.rest, m.sums, m.ring, m.parts, moves, p.n)
                    if moves + 1 >= p.n:
                        exponent[i] = _exponent(m.sums, p.lags, p.scale)
                seen += 1
            i += 1
        m.seen = seen


@block
def _exponent(sums, lags, scale):
    """Half the slope of log(sums[k]) over k log(2), lags taken in pairs from both ends."""
    if not sums[0] > 0.0:
        return 0.5
    slope = 0.0
    for k in range(lags // 2):
        short, long = sums[k], sums[lags - 1 - k]
        if not (short > 0.0 and long > 0.0):
            return 0.0
        slope += (lags - 1 - 2 * k) * log(long / short)
    return slope * scale


def hurst(n: int = 200, lags: int = 5, *, price: str = "close", out: str = "hurst") -> Feature:
    """Rolling Hurst exponent, from the mean squares of moves over 1, 2, 4, … rows.

    V(q) = sum over the last n rows of (x[t] - x[t-q])^2,  x = log(p); V(q) grows like q^(2H), so H is half the slope of
    a straight line through log V(q) over log q, fitted by least squares.
    0.5 where the price stood still, 0 where it came back exactly after every move.

    Args:
        n: moves of each lag in the window, at least 2. Of 200 independent moves H is 0.5 ± 0.09 or so at 5 lags.
        lags: how many lags, 2 to 8; the longest is 2^(lags - 1) rows.
        price: column read. (rows,) float64, positive or NaN.
        out: column written. (rows,) float64: 0.5 if moves do not depend on each other, above if they go on, below if
            they turn back; noise can take it beyond 0 and 1. NaN until the (n + 2^(lags-1))-th price of a symbol.

    Raises:
        ValueError: if n or lags is out of range or not whole.

    Source: T. Di Matteo, Multi-scaling in finance, Quant. Finance 7, 2007, sec. 2: the generalised exponent H(q) of
        order q = 2.
    Differs: lags are powers of two in place of 1, 2, … 19, which costs a few sums in place of many; the mean move is
        not taken out, as there in eq. 4.
    """
    n = row_count("hurst", "n", n, least=2)
    lags = row_count("hurst", "lags", lags, least=2)
    if lags > LAGS:
        raise ValueError(f"hurst: lags must be at most {LAGS}, got {lags}")
    reach = 2 ** (lags - 1)
    params = Hurst(n, lags, reach, 3.0 / (log(2.0) * lags * (lags * lags - 1.0)))
    blank = np.zeros((), [("seen", "i8"), ("past", "f8", PAST), *table(n, LAGS)])
    rows = reach + n - 1
    return Feature(_hurst, params, blank, (price,), (out,), warmup=rows, horizon=rows)
