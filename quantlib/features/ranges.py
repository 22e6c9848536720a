"""How far the price ranges: inside a row, and around its mean."""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import faded, row_count
from quantlib.jit import kernel
from quantlib.kernels.ewm import ewm
from quantlib.kernels.exact import ring_sum, slide, two_product, two_sum
from quantlib.kernels.moments import variance
from quantlib.kernels.ring import window


class Atr(NamedTuple):
    n: int  # ranges in the first mean
    weight: float  # of the newest range, 1 / n


class Bollinger(NamedTuple):
    n: int  # rows in the window
    width: float  # standard deviations from the middle to a band


RANGE = np.array((nan, 0.0, 0), [("close", "f8"), ("mean", "f8"), ("seen", "i8")])


@kernel
def _atr(p, memory, symbol, high, low, close, atr):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        last, mean, seen = m.close, m.mean, m.seen
        while i < close.size and symbol[i] == code:
            atr[i] = nan
            if not isnan(high[i] + low[i] + close[i]):
                if not isnan(last):
                    reach = max(high[i] - low[i], abs(high[i] - last), abs(low[i] - last))
                    mean = ewm(mean, reach, seen, p.n, p.weight)
                    seen += 1
                    atr[i] = mean if seen >= p.n else nan
                last = close[i]
            i += 1
        m.close, m.mean, m.seen = last, mean, seen


@kernel
def _bollinger(p, memory, symbol, price, upper, middle, lower):
    i = 0
    n = float(p.n)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        prices, squares, errors = m.prices, m.squares, m.errors
        seen, s, s_rest, q, q_rest, e, e_rest = m.seen, m.s, m.s_rest, m.q, m.q_rest, m.e, m.e_rest
        while i < price.size and symbol[i] == code:
            upper[i] = middle[i] = lower[i] = nan
            if not isnan(price[i]):
                square, error = two_product(price[i], price[i])
                s, s_rest = slide(s, s_rest, prices, seen, p.n, price[i])
                q, q_rest = slide(q, q_rest, squares, seen, p.n, square)
                e, e_rest = slide(e, e_rest, errors, seen, p.n, error)
                seen += 1
                a, a_low = two_sum(s, s_rest)
                b, b_low = two_sum(q, q_rest)
                c = e + e_rest
                if isnan(a + b + c):
                    a, a_low, s_rest = ring_sum(prices, m.parts, seen, p.n)
                    b, b_low, q_rest = ring_sum(squares, m.parts, seen, p.n)
                    c, _, e_rest = ring_sum(errors, m.parts, seen, p.n)
                    s, q, e = a, b, c
                if seen >= p.n:
                    half = p.width * sqrt(variance(n, 0.0, a, a_low, b, b_low + c))
                    mean = a / n
                    upper[i], middle[i], lower[i] = mean + half, mean, mean - half
            i += 1
        m.seen, m.s, m.s_rest, m.q, m.q_rest, m.e, m.e_rest = seen, s, s_rest, q, q_rest, e, e_rest


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
    params = Atr(n, 1.0 / n)
    return Feature(_atr, params, RANGE, (high, low, close), (out,), n, n + faded(params.weight), recursive=True)


def bollinger(n: int = 20, width: float = 2.0, *, price: str = "close", out: str = "bollinger") -> Feature:
    """Bollinger bands.

    middle = mean of the last n prices,  upper and lower = middle ± width σ,  σ^2 = sum (p - middle)^2 / n

    Args:
        n: rows in the window, at least 1.
        width: standard deviations from the middle to a band, not negative.
        price: column read. (rows,) float64, any unit, or NaN.
        out: columns written: `out_upper`, `out_middle`, `out_lower`. (rows,) float64, in the unit of price; NaN until
            the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1, or width is negative or not finite.

    Source: J. Bollinger, Bollinger on Bollinger Bands, 2001; TA-Lib, function BBANDS.
    Differs: σ is exact to the last digits at any price; TA-Lib takes it from a running sum of squares and gives 0 where
        σ^2 < 1e-14, we where σ is below 2^-49 of the price.
    """
    n = row_count("bollinger", "n", n)
    if not 0.0 <= width < float("inf"):
        raise ValueError(f"bollinger: width must be finite and not negative, got {width}")
    numbers = [(name, "f8") for name in ("s", "s_rest", "q", "q_rest", "e", "e_rest")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "prices", "squares", "errors")])
    outputs = (f"{out}_upper", f"{out}_middle", f"{out}_lower")
    return Feature(_bollinger, Bollinger(n, width), blank, (price,), outputs, warmup=n - 1, horizon=n - 1)
