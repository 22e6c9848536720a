"""How steadily the price goes one way, whichever: the index of directional movement and its means."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.momentum.directional import GONE, moved, wilder_sum
from quantlib.features.rows import faded, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.ewm import ewm, toward
from quantlib.kernels.ring import window


class Trend(NamedTuple):
    n: int  # rows of the Wilder sums and of the mean
    decay: float  # what a row leaves of the sum before, 1 - 1 / n
    weight: float  # of the newest row in the mean, 1 / n


BOTH = [("high", "f8"), ("low", "f8"), ("plus", "f8"), ("minus", "f8"), ("index", "f8"), ("seen", "i8")]


@block
def _moved_both(p, seen, plus, minus, high, low, last_high, last_low):
    """(plus, minus) after a row."""
    up, down = high - last_high, last_low - low  # NaN at the first row, which moves nothing
    return wilder_sum(plus, moved(up, down), p.decay, seen, p.n), wilder_sum(minus, moved(down, up), p.decay, seen, p.n)


@block
def _share(plus, minus, otherwise):
    """How much of all movement went one way, in percent."""
    total = plus + minus
    return 100.0 * (abs(plus - minus) / total) if total > GONE else otherwise


@block
def _mean_share(p, seen, plus, minus, mean):
    """The Wilder mean of the shares, right once seen >= 2 n - 1; a row before which nothing ever moved leaves it."""
    if seen >= 2 * p.n:
        return toward(mean, _share(plus, minus, mean), p.weight)
    if seen >= p.n:
        return ewm(mean, _share(plus, minus, 0.0), seen - p.n, p.n, p.weight)
    return mean


@kernel
def _dx(p, memory, symbol, high, low, index):
    i = 0
    while i < high.size:
        code = symbol[i]
        m = memory[code]
        last_high, last_low, plus, minus, now, seen = m.high, m.low, m.plus, m.minus, m.index, m.seen
        while i < high.size and symbol[i] == code:
            if isnan(high[i] + low[i]):
                index[i] = nan
            else:
                plus, minus = _moved_both(p, seen, plus, minus, high[i], low[i], last_high, last_low)
                now = _share(plus, minus, now)
                last_high, last_low = high[i], low[i]
                index[i] = now if seen >= p.n else nan
                seen += 1
            i += 1
        m.high, m.low, m.plus, m.minus, m.index, m.seen = last_high, last_low, plus, minus, now, seen


@kernel
def _adx(p, memory, symbol, high, low, index):
    i = 0
    while i < high.size:
        code = symbol[i]
        m = memory[code]
        last_high, last_low, plus, minus, now, seen = m.high, m.low, m.plus, m.minus, m.index, m.seen
        while i < high.size and symbol[i] == code:
            if isnan(high[i] + low[i]):
                index[i] = nan
            else:
                plus, minus = _moved_both(p, seen, plus, minus, high[i], low[i], last_high, last_low)
                now = _mean_share(p, seen, plus, minus, now)
                last_high, last_low = high[i], low[i]
                index[i] = now if seen >= 2 * p.n - 1 else nan
                seen += 1
            i += 1
        m.high, m.low, m.plus, m.minus, m.index, m.seen = last_high, last_low, plus, minus, now, seen


@kernel
def _adxr(p, memory, symbol, high, low, index):
    i = 0
    while i < high.size:
        code = symbol[i]
        m = memory[code]
        ring, mask = m.ring, m.ring.size - 1
        last_high, last_low, plus, minus, now, seen = m.high, m.low, m.plus, m.minus, m.index, m.seen
        while i < high.size and symbol[i] == code:
            if isnan(high[i] + low[i]):
                index[i] = nan
            else:
                plus, minus = _moved_both(p, seen, plus, minus, high[i], low[i], last_high, last_low)
                now = _mean_share(p, seen, plus, minus, now)
                last_high, last_low = high[i], low[i]
                ring[seen & mask] = now
                index[i] = 0.5 * (now + ring[(seen - p.n + 1) & mask]) if seen >= 3 * p.n - 2 else nan
                seen += 1
            i += 1
        m.high, m.low, m.plus, m.minus, m.index, m.seen = last_high, last_low, plus, minus, now, seen


def dx(n: int = 14, *, high: str = "high", low: str = "low", out: str = "dx") -> Feature:
    """Directional movement index: how much of the movement went one way.

    100 |P - M| / (P + M),  P = `plus_dm`, M = `minus_dm`; the last one where both have faded below 1e-290,
    0 if nothing ever moved

    Args:
        n: rows of the Wilder sums, at least 2.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, 0 to 100; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978, sec. 4; TA-Lib, function DX.
    Differs: the true range, by which both indicators are divided, cancels, so no close is read. Prices that stand still
        keep the index, so the past fades only with rows that move.
    """
    return _of_shares("dx", n, high, low, out)


def adx(n: int = 14, *, high: str = "high", low: str = "low", out: str = "adx") -> Feature:
    """Average directional movement index: how steadily the price goes one way, whichever.

    the Wilder mean (weight 1 / n) of `dx`, started as the plain mean of its first n values

    Args:
        n: rows of the Wilder sums and of the mean, at least 2.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, 0 to 100; NaN until the 2n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978, sec. 4; TA-Lib, function ADX.
    """
    return _of_shares("adx", n, high, low, out)


def adxr(n: int = 14, *, high: str = "high", low: str = "low", out: str = "adxr") -> Feature:
    """Average directional movement rating.

    (a[t] + a[t-n+1]) / 2,  a = `adx`

    Args:
        n: rows of the Wilder sums and of the mean, at least 2.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, 0 to 100; NaN until the (3n-1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978, sec. 4; TA-Lib, function ADXR.
    Differs: Wilder looks back n rows, TA-Lib and we n - 1.
    """
    return _of_shares("adxr", n, high, low, out)


def _of_shares(who: str, n: int, high: str, low: str, out: str) -> Feature:
    n = row_count(who, "n", n, least=2)
    loop, warmup, means = {"dx": (_dx, n, 1), "adx": (_adx, 2 * n - 1, 2), "adxr": (_adxr, 3 * n - 2, 2)}[who]
    blank = np.zeros((), [*BOTH, *(window(n, "ring")[:-1] if who == "adxr" else [])])
    blank["high"] = blank["low"] = nan
    params = Trend(n, 1.0 - 1.0 / n, 1.0 / n)
    horizon = warmup + means * faded(params.weight)
    return Feature(loop, params, blank, (high, low), (out,), warmup, horizon, recursive=True)
