"""How one-sided the moves of the price have been."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.momentum.directional import GONE
from quantlib.features.rows import faded, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.ewm import ewm, toward


class OneSided(NamedTuple):
    n: int  # moves in the first mean
    weight: float  # of the newest move, 1 / n
    against: float  # how much falls count against rises: 0 in the RSI, 1 in the CMO


class TrueStrength(NamedTuple):
    slow: float  # weight of the newest move in the first mean
    fast: float  # weight of the newest mean in the second
    slow_seed: int  # moves in the plain mean that the first one starts from
    fast_seed: int


BLANK = np.array(
    (nan, 0.0, 0.0, 0.0, 0), [("price", "f8"), ("up", "f8"), ("down", "f8"), ("index", "f8"), ("seen", "i8")]
)
MOVES = np.array(
    (nan, 0.0, 0.0, 0.0, 0.0, 0),
    [("price", "f8"), *((name, "f8") for name in ("move", "moves", "reach", "reaches")), ("seen", "i8")],
)


@block
def one_sided(p, seen, up, down, index, move):
    """(up, down, index) after a move that `seen` prices came before; index is right once seen >= n.

    A price that stands still keeps the index to the last bit.
    """
    rise = move if move > 0.0 else 0.0
    fall = -move if move < 0.0 else 0.0
    if seen > p.n:
        up, down = toward(up, rise, p.weight), toward(down, fall, p.weight)
    elif seen > 0:  # the first price makes no move
        up, down = ewm(up, rise, seen - 1, p.n, p.weight), ewm(down, fall, seen - 1, p.n, p.weight)
    if move != 0.0 or seen <= p.n:
        index = 100.0 * (up - p.against * down) / (up + down) if up + down > 0.0 else 0.0
    return up, down, index


@kernel
def _one_sided(p, memory, symbol, price, index):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        last, up, down, now, seen = m.price, m.up, m.down, m.index, m.seen
        while i < price.size and symbol[i] == code:
            x = price[i]
            if isnan(x):
                index[i] = nan
            else:
                up, down, now = one_sided(p, seen, up, down, now, x - last)
                last = x
                index[i] = now if seen >= p.n else nan
                seen += 1
            i += 1
        m.price, m.up, m.down, m.index, m.seen = last, up, down, now, seen


@kernel
def _tsi(p, memory, symbol, price, index):
    i = 0
    first = p.slow_seed + p.fast_seed - 1
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        last, seen = m.price, m.seen
        move, moves, reach, reaches = m.move, m.moves, m.reach, m.reaches
        while i < price.size and symbol[i] == code:
            x = price[i]
            if isnan(x):
                index[i] = nan
            else:
                if seen > 0:
                    move = ewm(move, x - last, seen - 1, p.slow_seed, p.slow)
                    reach = ewm(reach, abs(x - last), seen - 1, p.slow_seed, p.slow)
                known = seen - p.slow_seed  # means before this one
                if known >= 0:
                    moves = ewm(moves, move, known, p.fast_seed, p.fast)
                    reaches = ewm(reaches, reach, known, p.fast_seed, p.fast)
                last = x
                index[i] = (100.0 * moves / reaches if reaches > GONE else 0.0) if seen >= first else nan
                seen += 1
            i += 1
        m.price, m.seen = last, seen
        m.move, m.moves, m.reach, m.reaches = move, moves, reach, reaches


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
    return _of_moves("rsi", n, 0.0, price, out)


def cmo(n: int = 14, *, price: str = "close", out: str = "cmo") -> Feature:
    """Chande's momentum oscillator.

    cmo = 100 (U - D) / (U + D), U and D as in `rsi`.  0 if the price never moved.

    Args:
        n: rows of the Wilder means, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, -100 to 100; NaN until the (n+1)-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: T. S. Chande, S. Kroll, The New Technical Trader, 1994, ch. 5; TA-Lib, function CMO.
    Differs: Chande (and TradingView) take plain sums of the last n moves; TA-Lib and we take Wilder means, which makes
        it 2 rsi - 100.
    """
    return _of_moves("cmo", n, 1.0, price, out)


def tsi(slow: int = 25, fast: int = 13, *, price: str = "close", out: str = "tsi") -> Feature:
    """True strength index.

    tsi = 100 E(E(d, slow), fast) / E(E(|d|, slow), fast),  d[t] = p[t] - p[t-1], E(x, n) the exponential mean of weight
    2 / (n + 1), started as the plain mean of the first n values.  0 if the price never moved, or so
    long ago that less than 1e-290 is left of it.

    Args:
        slow: rows of the first mean, at least 1.
        fast: rows of the second mean, that of the first, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, -100 to 100; NaN for the first slow + fast - 1 prices of a symbol.

    Raises:
        ValueError: if a count of rows is too small.

    Source: W. Blau, Momentum, Direction, and Divergence, 1995, ch. 1.
    Differs: TradingView's ta.tsi is this over 100.
    """
    slow, fast = row_count("tsi", "slow", slow), row_count("tsi", "fast", fast)
    params = TrueStrength(2.0 / (slow + 1.0), 2.0 / (fast + 1.0), slow, fast)
    warmup = slow + fast - 1
    horizon = warmup + faded(params.slow) + faded(params.fast)
    return Feature(_tsi, params, MOVES, (price,), (out,), warmup, horizon, recursive=True)


def _of_moves(who: str, n: int, against: float, price: str, out: str) -> Feature:
    n = row_count(who, "n", n)
    params = OneSided(n, 1.0 / n, against)
    return Feature(_one_sided, params, BLANK, (price,), (out,), n, n + faded(params.weight), recursive=True)
