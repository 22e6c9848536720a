"""Means whose weights rise, or rise and fall, with time by whole numbers.

The sum of (a j + b) p[j], j = 1 (oldest) to n, is a W + b S: S the plain sum, W the sum weighted 1 to n.  Both slide:
W[t] = W[t-1] + n p[t] - S[t-1].  One loop, `_line`, so serves every line of `quantlib.features.trend.regression`.
"""

from math import atan, degrees, isnan, nan
from typing import Any, NamedTuple

from numpy.typing import NDArray

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.lines import bounds, cut, fits, gather_line, hat_sum, level_sums, line_sum, slid, summed
from quantlib.kernels.sliding import gather, room_for


class Line(NamedTuple):
    n: int  # rows in the window
    a: float  # weights are a j + b, j = 1 (oldest) to n: whole numbers
    b: float
    over: float  # what the weighted sum is divided by


@kernel
def _wma(p, memory, symbol, price, mean):
    """`_line` with a = 1 and b = 0: without their products a row costs a quarter less."""
    i = 0
    n, room = float(p.n), room_for(p.over)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, mask = m.ring, m.ring.size - 1
        seen, unit, s, s_low, w, w_low = m.seen, m.unit, m.s, m.s_low, m.w, m.w_low
        fine, limit = bounds(unit, room)
        while i < price.size and symbol[i] == code:
            x = price[i]
            high, low = cut(x, unit)
            if fits(x, low, fine, limit):
                old, old_low = cut(ring[(seen - p.n) & mask], unit)
                s, s_low, w, w_low = slid(s, s_low, w, w_low, n, high, low, old, old_low)
                ring[seen & mask] = x
                seen += 1
                mean[i] = (w + w_low) / p.over if seen >= p.n else nan
            elif isnan(x):
                mean[i] = nan
            else:
                ring[seen & mask] = x
                seen += 1
                s, s_low, w, w_low, unit = gather_line(ring, m.parts, seen, p.n, room)
                fine, limit = bounds(unit, room)
                total = line_sum(ring, m.products, m.parts, seen, p.n, 1.0, 0.0)
                mean[i] = total / p.over if seen >= p.n else nan
            i += 1
        m.seen, m.unit, m.s, m.s_low, m.w, m.w_low = seen, unit, s, s_low, w, w_low


@kernel
def _line(p, memory, symbol, price, value):
    i = 0
    n, a, b = float(p.n), p.a, p.b
    room = room_for(abs(a) * n * (n + 1.0) / 2.0 + abs(b) * n)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, mask = m.ring, m.ring.size - 1
        seen, unit, s, s_low, w, w_low = m.seen, m.unit, m.s, m.s_low, m.w, m.w_low
        fine, limit = bounds(unit, room)
        while i < price.size and symbol[i] == code:
            x = price[i]
            high, low = cut(x, unit)
            if fits(x, low, fine, limit):
                old, old_low = cut(ring[(seen - p.n) & mask], unit)
                s, s_low, w, w_low = slid(s, s_low, w, w_low, n, high, low, old, old_low)
                ring[seen & mask] = x
                seen += 1
                value[i] = ((a * w + b * s) + (a * w_low + b * s_low)) / p.over if seen >= p.n else nan
            elif isnan(x):
                value[i] = nan
            else:
                ring[seen & mask] = x
                seen += 1
                s, s_low, w, w_low, unit = gather_line(ring, m.parts, seen, p.n, room)
                fine, limit = bounds(unit, room)
                total = line_sum(ring, m.products, m.parts, seen, p.n, a, b)
                value[i] = total / p.over if seen >= p.n else nan
            i += 1
        m.seen, m.unit, m.s, m.s_low, m.w, m.w_low = seen, unit, s, s_low, w, w_low


@kernel
def _angle(p, memory, symbol, price, value):
    _line(p, memory, symbol, price, value)
    for i in range(value.size):
        value[i] = degrees(atan(value[i]))


@kernel
def _trima(p, memory, symbol, price, mean):
    """t is the sum under the hat; each row adds a, the plain sum of its rising half, and takes b, that of the other."""
    i = 0
    near, far = (p.n + 1) // 2, p.n // 2 + 1
    over = float(near * far)
    room = room_for(2.0 * over)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, mask = m.ring, m.ring.size - 1
        seen, unit, a, a_low, b, b_low, t, t_low = m.seen, m.unit, m.a, m.a_low, m.b, m.b_low, m.t, m.t_low
        fine, limit = bounds(unit, room)
        while i < price.size and symbol[i] == code:
            x = price[i]
            high, low = cut(x, unit)
            if fits(x, low, fine, limit):
                top, top_low = cut(ring[(seen - near) & mask], unit)
                back, back_low = cut(ring[(seen - far) & mask], unit)
                last, last_low = cut(ring[(seen - p.n - 1) & mask], unit)
                a, a_low = a + (high - top), a_low + (low - top_low)
                b, b_low = b + (back - last), b_low + (back_low - last_low)
                t, t_low = t + (a - b), t_low + (a_low - b_low)
                ring[seen & mask] = x
                seen += 1
                mean[i] = (t + t_low) / over if seen >= p.n else nan
            elif isnan(x):
                mean[i] = nan
            else:
                ring[seen & mask] = x
                seen += 1
                a, a_low, b, b_low, t, t_low, unit = _gather_hat(ring, m.parts, seen, p.n, near, far, room)
                fine, limit = bounds(unit, room)
                total = hat_sum(ring, m.products, m.parts, seen, p.n)
                mean[i] = total / over if seen >= p.n else nan
            i += 1
        m.seen, m.unit, m.a, m.a_low, m.b, m.b_low, m.t, m.t_low = seen, unit, a, a_low, b, b_low, t, t_low


@kernel
def _gather_hat(ring, parts, seen, n, near, far, room):
    """The sums of `_trima` anew, and the unit that fits them."""
    _, _, unit = gather(ring, parts, seen, n + 1, room)
    a, a_low, w, w_low = level_sums(ring, seen, near, unit)
    b, b_low, _, _ = level_sums(ring, seen - far, near, unit)
    _, _, rise, rise_low = level_sums(ring, seen - near, far - 1, unit)
    t, t_low = rise + ((near + 1) * a - w), rise_low + ((near + 1) * a_low - w_low)
    return a, a_low, b, b_low, t, t_low, unit


def line(n: int, a: int, b: int, over: int, price: str, out: str) -> Feature:
    """The sum of (a j + b) p[j], j = 1 (oldest) to n, over `over`; the sum exact and rounded once."""
    return Feature(_line, Line(n, a, b, over), _memory(n), (price,), (out,), warmup=n - 1, horizon=n - 1)


def angle(n: int, a: int, b: int, over: int, price: str, out: str) -> Feature:
    """The angle of such a line's slope, in degrees."""
    return Feature(_angle, Line(n, a, b, over), _memory(n), (price,), (out,), warmup=n - 1, horizon=n - 1)


def wma(n: int = 20, *, price: str = "close", out: str = "wma") -> Feature:
    """Weighted moving average: weights rise linearly.

    w[t] = (n p[t] + (n-1) p[t-1] + … + p[t-n+1]) / (n (n+1) / 2), the sum exact and rounded once.

    Args:
        n: rows in the window, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function WMA.
    """
    n = row_count("wma", "n", n)
    params = Line(n, 1, 0, n * (n + 1) // 2)
    return Feature(_wma, params, _memory(n), (price,), (out,), warmup=n - 1, horizon=n - 1)


def trima(n: int = 20, *, price: str = "close", out: str = "trima") -> Feature:
    """Triangular moving average: weights rise to the middle of the window and fall again.

    t[t] = sum min(j, n+1-j) p[t-n+j], j = 1 to n, over the sum of the weights; exact and rounded once.
    It is the simple mean of n // 2 + 1 rows of the simple mean of (n+1) // 2 rows.

    Args:
        n: rows in the window, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function TRIMA.
    """
    n = row_count("trima", "n", n)
    blank = summed(n, "a", "a_low", "b", "b_low", "t", "t_low", products=2 * n)
    return Feature(_trima, Window(n), blank, (price,), (out,), warmup=n - 1, horizon=n - 1)


def _memory(n: int) -> NDArray[Any]:
    return summed(n, "s", "s_low", "w", "w_low", products=2 * n)
