"""Bars that end when trading has been more one-sided than expected."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.flow.sampled_bars import COLUMNS, FIELDS, add
from quantlib.features.rows import FOREVER, row_count
from quantlib.jit import kernel

SIDED = np.zeros((), [*FIELDS, ("theta", "f8"), ("tilt", "f8"), ("length", "f8"), ("seen", "i8")])


class Sided(NamedTuple):
    length: float  # trades that a bar is expected to have at first
    least: float  # trades that a bar has at least
    most: float  # and at most
    bars: float  # weight of the newest bar in the expected length
    rows: float  # weight of the newest trade in the expected tilt
    trade: float  # what a trade counts
    unit: float  # what a unit of its size counts
    money: float  # what a unit of price times size counts


@kernel
def _imbalance_bars(
    p, memory, symbol, ts, price, size, side,
    open_, high, low, close, volume, trades, begun, ended, event, theta, threshold,
):  # fmt: skip
    for i in range(price.size):
        open_[i] = high[i] = low[i] = close[i] = volume[i] = trades[i] = begun[i] = ended[i] = event[i] = nan
        theta[i] = threshold[i] = nan
        if not isnan(price[i] + size[i] + side[i]):
            m = memory[symbol[i]]
            add(m, ts[i], price[i], size[i])
            signed = side[i] * (p.trade + size[i] * (p.unit + p.money * price[i]))
            m.theta += signed
            m.tilt = m.tilt + p.rows * (signed - m.tilt) if m.seen > 0 else signed
            m.length = m.length if m.seen > 0 else p.length
            m.seen = 1
            open_[i], high[i], low[i], close[i] = m.open, m.high, m.low, m.close
            volume[i], trades[i] = m.volume, m.trades
            begun[i], ended[i], event[i] = ts[i] - m.first, 0.0, 0.0
            theta[i], threshold[i] = m.theta, m.length * abs(m.tilt)
            if m.trades >= p.most or (m.trades >= p.least and abs(m.theta) >= threshold[i]):
                event[i] = 1.0
                m.length += p.bars * (m.trades - m.length)
                m.theta = m.trades = 0.0


def tick_imbalance_bars(
    length: int = 1000,
    *,
    least: int = 100,
    most: int = 10_000,
    bars: int = 20,
    price: str = "price",
    size: str = "size",
    side: str = "side",
    out: str = "tick_imbalance_bar",
) -> Feature:
    """Bars that end when buyers' trades outnumber sellers', or the other way round, by more than expected.

    θ = sum of b over the bar,  b = side;  the bar ends where |θ| >= E[T] |E[b]|

    E[T] is an exponential mean of the lengths of bars, beginning with `length`; E[b] one of b over trades, beginning
    with the first.  Expectations move with what they expect, so bars may shrink to single trades or grow without end:
    `least` and `most` bound them.

    Args:
        length: trades that a bar is expected to have at first, from least to most.
        least, most: trades that a bar has at least and at most.
        bars: bars in the mean of lengths (weight 2 / (bars + 1) on the newest); that of b has bars times length trades.
        price: column read. (rows,) float64, any unit, or NaN.
        size: column read. (rows,) float64, not negative, or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN;
            a row missing any of these is missing.  It reads `ts` too.
        out: columns written as by `tick_bars`, and `out_theta` θ and `out_threshold`, where the bar ends.

    It forgets nothing: where a bar begins depends on all before it.

    Raises:
        ValueError: if a count is too small or they are out of order.

    Source: M. López de Prado, Advances in Financial Machine Learning, 2018, sec. 2.3.2.1.
    Differs: b is the aggressor's side, which he guesses by the tick rule; he says no bounds.
    """
    return _maker("tick_imbalance_bars", (length, least, most, bars), (1.0, 0.0, 0.0), (price, size, side), out)


def volume_imbalance_bars(
    length: int = 1000,
    *,
    least: int = 100,
    most: int = 10_000,
    bars: int = 20,
    price: str = "price",
    size: str = "size",
    side: str = "side",
    out: str = "volume_imbalance_bar",
) -> Feature:
    """Bars that end when more was bought than sold, or the other way round, than expected: by volume.

    As `tick_imbalance_bars`, with b = side size.

    Args:
        length, least, most, bars, price, size, side, out: as in `tick_imbalance_bars`; θ is in the unit of size.

    Raises:
        ValueError: if a count is too small or they are out of order.

    Source: M. López de Prado, Advances in Financial Machine Learning, 2018, sec. 2.3.2.2.
    """
    return _maker("volume_imbalance_bars", (length, least, most, bars), (0.0, 1.0, 0.0), (price, size, side), out)


def dollar_imbalance_bars(
    length: int = 1000,
    *,
    least: int = 100,
    most: int = 10_000,
    bars: int = 20,
    price: str = "price",
    size: str = "size",
    side: str = "side",
    out: str = "dollar_imbalance_bar",
) -> Feature:
    """Bars that end when more was bought than sold, or the other way round, than expected: by money.

    As `tick_imbalance_bars`, with b = side price size.

    Args:
        length, least, most, bars, price, size, side, out: as in `tick_imbalance_bars`; θ is in quote currency.

    Raises:
        ValueError: if a count is too small or they are out of order.

    Source: M. López de Prado, Advances in Financial Machine Learning, 2018, sec. 2.3.2.2.
    """
    return _maker("dollar_imbalance_bars", (length, least, most, bars), (0.0, 0.0, 1.0), (price, size, side), out)


def _maker(
    who: str,
    counts: tuple[int, int, int, int],
    weights: tuple[float, float, float],
    columns: tuple[str, str, str],
    out: str,
) -> Feature:
    names = ("length", "least", "most", "bars")
    length, least, most, bars = (row_count(who, name, n) for name, n in zip(names, counts, strict=True))
    if not least <= length <= most:
        raise ValueError(f"{who}: length must be from least to most, got {length} with {least} and {most}")
    params = Sided(length, least, most, 2.0 / (bars + 1.0), 2.0 / (bars * length + 1.0), *weights)
    outputs = tuple(f"{out}_{name}" for name in (*COLUMNS, "theta", "threshold"))
    return Feature(_imbalance_bars, params, SIDED, ("ts", *columns), outputs, 0, FOREVER, clock="trade")
