"""How far the price ranges around its mean."""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.blocks import ONE, ZERO, alone, scratch, settled, steady
from quantlib.kernels.sliding import room_for
from quantlib.kernels.spread import bandwidth_of, spread, spread_at, spread_blank, spreads, vacant


class Deviations(NamedTuple):
    n: int  # rows in the window
    width: float  # standard deviations from the middle to a band


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
