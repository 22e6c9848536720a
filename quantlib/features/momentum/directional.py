"""Which way rows reach beyond the one before, and how steadily: Wilder's directional movement.

A row moves up by how much its high exceeds the last one, or down by how much its low falls short of the last one, by
whichever is more.  Downward is upward of the mirrored price, so one loop serves both: it reads the price that leads
(the high upwards, the low downwards) and the one that follows, with the sign of the direction.
"""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import faded, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.fma import fma
from quantlib.kernels.true_range import true_range

GONE = 1e-290  # what has faded below this has lost its digits, and counts as 0


class Movement(NamedTuple):
    n: int  # rows of the Wilder sum
    decay: float  # what a row leaves of the sum before, 1 - 1 / n
    sign: float  # 1 upwards, -1 downwards


SUM = np.array((nan, nan, 0.0, 0), [("ahead", "f8"), ("behind", "f8"), ("movement", "f8"), ("seen", "i8")])
SUMS = np.array(
    (nan, nan, nan, 0.0, 0.0, 0),
    [*((name, "f8") for name in ("ahead", "behind", "close", "movement", "reach")), ("seen", "i8")],
)


@block
def moved(ahead, behind):
    """A movement that counts only if it exceeds the one the other way."""
    return ahead if (ahead > behind) & (ahead > 0.0) else 0.0


@block
def wilder_sum(total, x, decay, seen, n):
    """The sum after x: plain for the first n - 1 values, fading from then on; `seen` rows came before, one more than
    values.
    """
    return fma(total, decay if seen >= n else 1.0, x)


@kernel
def _movement(p, memory, symbol, ahead, behind, movement):
    i = 0
    first = max(p.n - 1, 1)
    while i < ahead.size:
        code = symbol[i]
        m = memory[code]
        last_ahead, last_behind, total, seen = m.ahead, m.behind, m.movement, m.seen
        while i < ahead.size and symbol[i] == code:
            a, b = ahead[i], behind[i]
            if isnan(a + b):
                movement[i] = nan
            else:
                total = wilder_sum(
                    total, moved(p.sign * (a - last_ahead), p.sign * (last_behind - b)), p.decay, seen, p.n
                )
                last_ahead, last_behind = a, b
                movement[i] = total if seen >= first else nan
                seen += 1
            i += 1
        m.ahead, m.behind, m.movement, m.seen = last_ahead, last_behind, total, seen


@kernel
def _indicator(p, memory, symbol, ahead, behind, close, indicator):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        last_ahead, last_behind, last, total, reach, seen = m.ahead, m.behind, m.close, m.movement, m.reach, m.seen
        while i < close.size and symbol[i] == code:
            a, b, c = p.sign * ahead[i], p.sign * behind[i], p.sign * close[i]
            if isnan(a + b + c):
                indicator[i] = nan
            else:
                total = wilder_sum(total, moved(a - last_ahead, last_behind - b), p.decay, seen, p.n)
                if seen > 0:
                    reach = wilder_sum(reach, true_range(a, b, last), p.decay, seen, p.n)
                last_ahead, last_behind, last = a, b, c
                indicator[i] = (100.0 * (total / reach) if reach > GONE else 0.0) if seen >= p.n else nan
                seen += 1
            i += 1
        m.ahead, m.behind, m.close, m.movement, m.reach, m.seen = last_ahead, last_behind, last, total, reach, seen


def plus_dm(n: int = 14, *, high: str = "high", low: str = "low", out: str = "plus_dm") -> Feature:
    """Upward directional movement, summed the way of Wilder.

    s[t] = s[t-1] (1 - 1 / n) + u[t],  u = h[t] - h[t-1] where that exceeds both 0 and l[t-1] - l[t], otherwise 0;
    started as the plain sum of the first n - 1 movements (of one, if n is 1)

    Args:
        n: rows of the Wilder sum, at least 1.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, in the unit of price, not negative; NaN until the n-th row of a symbol
            (the second, if n is 1).

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978, sec. 4; TA-Lib, function PLUS_DM.
    """
    return _one_way("plus_dm", n, 1.0, (high, low), out)


def minus_dm(n: int = 14, *, high: str = "high", low: str = "low", out: str = "minus_dm") -> Feature:
    """Downward directional movement, summed the way of Wilder.

    s[t] = s[t-1] (1 - 1 / n) + d[t],  d = l[t-1] - l[t] where that exceeds both 0 and h[t] - h[t-1], otherwise 0;
    started as the plain sum of the first n - 1 movements (of one, if n is 1)

    Args:
        n: rows of the Wilder sum, at least 1.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, in the unit of price, not negative; NaN until the n-th row of a symbol
            (the second, if n is 1).

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978, sec. 4; TA-Lib, function MINUS_DM.
    """
    return _one_way("minus_dm", n, -1.0, (low, high), out)


def plus_di(
    n: int = 14, *, high: str = "high", low: str = "low", close: str = "close", out: str = "plus_di"
) -> Feature:
    """Upward directional indicator: upward movement as a percentage of the true range.

    100 s / r,  s = `plus_dm`, r the true range summed alike (see `true_range`); 0 where r has faded below 1e-290

    Args:
        n: rows of the Wilder sums, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, 0 to 100; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978, sec. 4; TA-Lib, function PLUS_DI.
    Differs: TA-Lib gives 0 where r < 1e-14.
    """
    return _of_range("plus_di", n, 1.0, (high, low, close), out)


def minus_di(
    n: int = 14, *, high: str = "high", low: str = "low", close: str = "close", out: str = "minus_di"
) -> Feature:
    """Downward directional indicator: downward movement as a percentage of the true range.

    100 s / r,  s = `minus_dm`, r the true range summed alike (see `true_range`); 0 where r has faded below 1e-290

    Args:
        n: rows of the Wilder sums, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, 0 to 100; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978, sec. 4; TA-Lib, function MINUS_DI.
    Differs: TA-Lib gives 0 where r < 1e-14.
    """
    return _of_range("minus_di", n, -1.0, (low, high, close), out)


def _one_way(who: str, n: int, sign: float, inputs: tuple[str, ...], out: str) -> Feature:
    n = row_count(who, "n", n)
    params = Movement(n, 1.0 - 1.0 / n, sign)
    warmup = max(n - 1, 1)
    return Feature(_movement, params, SUM, inputs, (out,), warmup, n + faded(1.0 / n), recursive=True)


def _of_range(who: str, n: int, sign: float, inputs: tuple[str, ...], out: str) -> Feature:
    n = row_count(who, "n", n)
    params = Movement(n, 1.0 - 1.0 / n, sign)
    return Feature(_indicator, params, SUMS, inputs, (out,), n, n + faded(1.0 / n), recursive=True)
