"""How one-sided the moves of the price have been."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import faded, row_count
from quantlib.jit import kernel
from quantlib.kernels.ewm import ewm


class Rsi(NamedTuple):
    n: int  # moves in the first mean
    weight: float  # of the newest move, 1 / n


BLANK = np.array((nan, 0.0, 0.0, 0), [("price", "f8"), ("up", "f8"), ("down", "f8"), ("seen", "i8")])


@kernel
def _rsi(p, memory, symbol, price, index):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        last, up, down, seen = m.price, m.up, m.down, m.seen
        while i < price.size and symbol[i] == code:
            index[i] = nan
            if not isnan(price[i]):
                move = price[i] - last
                last = price[i]
                if not isnan(move):  # the first price makes no move
                    up = ewm(up, max(move, 0.0), seen, p.n, p.weight)
                    down = ewm(down, max(-move, 0.0), seen, p.n, p.weight)
                    seen += 1
                    if seen >= p.n:
                        index[i] = 100.0 * (up / (up + down)) if up + down > 0.0 else 0.0
            i += 1
        m.price, m.up, m.down, m.seen = last, up, down, seen


def rsi(n: int = 14, *, price: str = "close", out: str = "rsi") -> Feature:
    """Relative strength index.

    rsi = 100 U / (U + D), where U and D are Wilder means (weight 1 / n) of max(p[t] - p[t-1], 0) and of
    max(p[t-1] - p[t], 0), started as the plain means of the first n moves.  0 if the price never moved.

    Args:
        n: rows of the Wilder means, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, 0 to 100; NaN until the (n+1)-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978; TA-Lib, function RSI.
    Differs: TA-Lib gives 0 where U + D < 1e-14, we where it is 0, so that the unit of price does not matter.
        A price that stands still keeps its RSI, so the past fades only with rows that move.
    """
    n = row_count("rsi", "n", n)
    params = Rsi(n, 1.0 / n)
    return Feature(_rsi, params, BLANK, (price,), (out,), n, n + faded(params.weight), recursive=True)
