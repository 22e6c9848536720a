"""How far the price ranges: inside a row, and around its mean."""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Nothing, faded, number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.blocks import ONE, ZERO, alone, scratch, settled, steady
from quantlib.kernels.ewm import ewm, toward
from quantlib.kernels.sliding import room_for
from quantlib.kernels.spread import bandwidth_of, spread, spread_at, spread_blank, spreads, vacant
from quantlib.kernels.true_range import true_range as reach_of


class Wilder(NamedTuple):
    n: int  # ranges in the first mean
    weight: float  # of the newest range, 1 / n


class Deviations(NamedTuple):
    n: int  # rows in the window
    width: float  # standard deviations from the middle to a band


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


@block
def _bands(p, mean, wide):
    """(upper, middle, lower) band."""
    half = p.width * sqrt(wide)
    return mean + half, mean, mean - half


@kernel
def _bollinger(p, memory, symbol, price, upper, middle, lower):
    i, size, room = ZERO, np.uint64(price.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _bollinger_rows(p, m, room, symbol, i, price, upper, middle, lower)
            continue
        upper[i] = middle[i] = lower[i] = nan
        if not isnan(price[i]):
            mean, wide, _ = spread(m, p.n, room, price[i])
            if m.seen >= p.n:
                upper[i], middle[i], lower[i] = _bands(p, mean, wide)
        i += ONE


@kernel
def _bollinger_rows(p, m, room, symbol, i, price, upper, middle, lower):
    work = scratch()
    count = steady(symbol, i, vacant(m, p.n), price, price)
    spreads(m, p.n, room, price, i, count, work)
    for j in range(ZERO, count):
        mean, wide, _ = spread_at(work, j, float(p.n), price[i + j])
        upper[i + j], middle[i + j], lower[i + j] = _bands(p, mean, wide)
    settled(upper, i, count, m.seen, p.n)
    settled(middle, i, count, m.seen, p.n)
    return settled(lower, i, count, m.seen, p.n)


@kernel
def _bandwidth(p, memory, symbol, price, width):
    i, size, room = ZERO, np.uint64(price.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _bandwidth_rows(p, m, room, symbol, i, price, width)
            continue
        width[i] = nan
        if not isnan(price[i]):
            mean, wide, _ = spread(m, p.n, room, price[i])
            if m.seen >= p.n:
                width[i] = bandwidth_of(mean, sqrt(wide), p.width)
        i += ONE


@kernel
def _bandwidth_rows(p, m, room, symbol, i, price, width):
    work = scratch()
    count = steady(symbol, i, vacant(m, p.n), price, price)
    spreads(m, p.n, room, price, i, count, work)
    for j in range(ZERO, count):
        mean, wide, _ = spread_at(work, j, float(p.n), price[i + j])
        width[i + j] = bandwidth_of(mean, sqrt(wide), p.width)
    return settled(width, i, count, m.seen, p.n)


@block
def _place(p, wide, away):
    """Where a price lies between the bands, whose middle it is away from."""
    return 0.5 + away / (2.0 * p.width * sqrt(wide)) if wide > 0.0 else 0.5


@kernel
def _percent_b(p, memory, symbol, price, place):
    i, size, room = ZERO, np.uint64(price.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _percent_b_rows(p, m, room, symbol, i, price, place)
            continue
        place[i] = nan
        if not isnan(price[i]):
            _, wide, away = spread(m, p.n, room, price[i])
            if m.seen >= p.n:
                place[i] = _place(p, wide, away)
        i += ONE


@kernel
def _percent_b_rows(p, m, room, symbol, i, price, place):
    work = scratch()
    count = steady(symbol, i, vacant(m, p.n), price, price)
    spreads(m, p.n, room, price, i, count, work)
    for j in range(ZERO, count):
        _, wide, away = spread_at(work, j, float(p.n), price[i + j])
        place[i + j] = _place(p, wide, away)
    return settled(place, i, count, m.seen, p.n)


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
    width = checked_width("bollinger", width)
    outputs = (f"{out}_upper", f"{out}_middle", f"{out}_lower")
    return Feature(_bollinger, Deviations(n, width), spread_blank(n), (price,), outputs, warmup=n - 1, horizon=n - 1)


def bandwidth(n: int = 20, width: float = 2.0, *, price: str = "close", out: str = "bandwidth") -> Feature:
    """Bandwidth of Bollinger bands: how far they are apart, as a fraction of their middle.

    (upper - lower) / middle = 2 width σ / mean, of the last n prices; 0 where the mean is 0.

    Args:
        n: rows in the window, at least 1.
        width: standard deviations from the middle to a band, not negative.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, a fraction; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1, or width is negative or not finite.

    Source: J. Bollinger, Bollinger on Bollinger Bands, 2001, ch. 8.
    Differs: a fraction where charts show percent.
    """
    n = row_count("bandwidth", "n", n)
    params = Deviations(n, checked_width("bandwidth", width))
    return Feature(_bandwidth, params, spread_blank(n), (price,), (out,), warmup=n - 1, horizon=n - 1)


def percent_b(n: int = 20, width: float = 2.0, *, price: str = "close", out: str = "percent_b") -> Feature:
    """%b: where the price lies between its Bollinger bands.

    (p - lower) / (upper - lower): 0 at the lower band, 1 at the upper; 0.5 where prices stand still.

    Args:
        n: rows in the window, at least 1.
        width: standard deviations from the middle to a band, positive.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, a fraction, also below 0 and above 1; NaN until the n-th price of
            a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1, or width is not positive or not finite.

    Source: J. Bollinger, Bollinger on Bollinger Bands, 2001, ch. 8.
    """
    n = row_count("percent_b", "n", n)
    if not 0.0 < number("percent_b", "width", width) < float("inf"):
        raise ValueError(f"percent_b: width must be positive and finite, got {width}")
    return Feature(_percent_b, Deviations(n, width), spread_blank(n), (price,), (out,), warmup=n - 1, horizon=n - 1)


def checked_width(who: str, width: float, name: str = "width") -> float:
    """The width of bands.

    Raises:
        ValueError: if it is negative or not finite; the message names the feature and the argument.
    """
    if not 0.0 <= number(who, name, width) < float("inf"):
        raise ValueError(f"{who}: {name} must be finite and not negative, got {width}")
    return width
