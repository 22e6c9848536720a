"""Bars from trades: after so much time, so many trades, so much volume or money.

A bar maker is a feature of trades.  On every row it writes the bar as far as it has come, and on the row that completes
it `…_event` is 1; `quantlib.sampling` makes a table of bars of those rows.

A trade belongs to one bar whole: the trade that takes a bar to its threshold or beyond is its last.
"""

from collections.abc import Callable
from math import inf, isnan, nan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Feature
from quantlib.features.flow.clockwork import nanoseconds
from quantlib.features.rows import FOREVER, number, row_count
from quantlib.jit import block, kernel

PRICES = ("open", "high", "low", "close")
SO_FAR = (*PRICES, "volume", "trades")
COLUMNS = (*SO_FAR, "begun", "ended", "event")
FIELDS = [*((name, "f8") for name in SO_FAR), ("first", "i8")]
BAR = np.zeros((), [*FIELDS, ("filled", "f8")])
TIMED = np.zeros((), [*FIELDS, ("cell", "i8")])


class Filling(NamedTuple):
    threshold: float  # at which a bar is full
    trade: float  # what a trade fills
    unit: float  # what a unit of its size fills
    money: float  # what a unit of price times size fills


class Cells(NamedTuple):
    width: int  # ns


@block
def add(m, ts, price, size):
    """A trade joins the bar; the first one begins it."""
    if m.trades == 0.0:
        m.first, m.volume = ts, 0.0
        m.open = m.high = m.low = price
    m.high = max(m.high, price)
    m.low = min(m.low, price)
    m.close = price
    m.volume += size
    m.trades += 1.0


@kernel
def _filled_bars(p, memory, symbol, ts, price, size, open_, high, low, close, volume, trades, begun, ended, event):
    for i in range(price.size):
        open_[i] = high[i] = low[i] = close[i] = volume[i] = trades[i] = begun[i] = ended[i] = event[i] = nan
        if not isnan(price[i] + size[i]):
            m = memory[symbol[i]]
            add(m, ts[i], price[i], size[i])
            m.filled += p.trade + size[i] * (p.unit + p.money * price[i])
            open_[i], high[i], low[i], close[i] = m.open, m.high, m.low, m.close
            volume[i], trades[i] = m.volume, m.trades
            begun[i], ended[i], event[i] = ts[i] - m.first, 0.0, 0.0
            if m.filled >= p.threshold:
                event[i] = 1.0
                m.filled = m.trades = 0.0


@kernel
def _time_bars(p, memory, symbol, ts, price, size, open_, high, low, close, volume, trades, begun, ended, event):
    for i in range(price.size):
        open_[i] = high[i] = low[i] = close[i] = volume[i] = trades[i] = begun[i] = ended[i] = event[i] = nan
        if not isnan(price[i] + size[i]):
            m = memory[symbol[i]]
            now = ts[i] // p.width
            complete = m.trades > 0.0 and now != m.cell
            if not complete:
                add(m, ts[i], price[i], size[i])
                m.cell = now
            open_[i], high[i], low[i], close[i] = m.open, m.high, m.low, m.close
            volume[i], trades[i] = m.volume, m.trades
            begun[i] = ts[i] - m.cell * p.width
            ended[i] = ts[i] - (m.cell + 1) * p.width if complete else 0.0
            event[i] = 1.0 if complete else 0.0
            if complete:
                m.trades = 0.0
                add(m, ts[i], price[i], size[i])
                m.cell = now


def tick_bars(n: int = 1000, *, price: str = "price", size: str = "size", out: str = "tick_bar") -> Feature:
    """Bars of n trades each.

    Args:
        n: trades in a bar, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        size: column read. (rows,) float64, shares, contracts or coins, not negative, or NaN; a row missing either is
            missing.  It reads `ts` too.
        out: columns written, (rows,) float64, finite from the first row, of the bar as far as it has come, this trade
            included: `out_open`, `out_high`, `out_low`, `out_close` in the unit of price, `out_volume` in that of size,
            `out_trades`; `out_begun` and `out_ended`, nanoseconds since the bar began and since it ended (0 here);
            `out_event` 1 on the trade that completes the bar, else 0.

    A bar may span any number of rows and began where the one before ended, so it forgets nothing.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: M. López de Prado, Advances in Financial Machine Learning, 2018, sec. 2.3.1.2.
    """
    params = Filling(float(row_count("tick_bars", "n", n)), 1.0, 0.0, 0.0)
    return _maker(_filled_bars, params, BAR, price, size, out)


def volume_bars(
    volume: float = 1000.0, *, price: str = "price", size: str = "size", out: str = "volume_bar"
) -> Feature:
    """Bars of so much volume each, or a little more: the trade that reaches it is taken whole.

    Args:
        volume: at which a bar is complete, in the unit of size, positive and finite.
        price, size, out: as in `tick_bars`.

    Raises:
        ValueError: if volume is not positive and finite.

    Source: M. López de Prado, Advances in Financial Machine Learning, 2018, sec. 2.3.1.3.
    """
    return _maker(_filled_bars, Filling(_amount("volume_bars", "volume", volume), 0.0, 1.0, 0.0), BAR, price, size, out)


def dollar_bars(money: float = 1e6, *, price: str = "price", size: str = "size", out: str = "dollar_bar") -> Feature:
    """Bars of so much money each, or a little more: the trade that reaches it is taken whole.

    Args:
        money: price times size at which a bar is complete, in quote currency, positive and finite.
        price, size, out: as in `tick_bars`.

    Raises:
        ValueError: if money is not positive and finite.

    Source: M. López de Prado, Advances in Financial Machine Learning, 2018, sec. 2.3.1.4.
    """
    return _maker(_filled_bars, Filling(_amount("dollar_bars", "money", money), 0.0, 0.0, 1.0), BAR, price, size, out)


def time_bars(seconds: float = 60.0, *, price: str = "price", size: str = "size", out: str = "time_bar") -> Feature:
    """Bars of so many seconds each, cut at the multiples of that span since 1970; where nothing traded there is none.

    A bar is known to be complete at the first trade of a later span: that row writes it as it ended, without this
    trade, which begins the next bar.

    Args:
        seconds: span of a bar.
        price, size: as in `tick_bars`.
        out: columns written as by `tick_bars`, but on a row that tells a complete bar they are those of that bar;
            `out_begun` and `out_ended` count from the borders of its span.

    Raises:
        ValueError: if seconds is not positive or not whole nanoseconds.

    Source: M. López de Prado, Advances in Financial Machine Learning, 2018, sec. 2.3.1.1.
    """
    return _maker(_time_bars, Cells(nanoseconds("time_bars", "seconds", seconds)), TIMED, price, size, out)


def _maker(
    loop: Callable[..., None], params: Filling | Cells, blank: NDArray[Any], price: str, size: str, out: str
) -> Feature:
    outputs = tuple(f"{out}_{name}" for name in COLUMNS)
    return Feature(loop, params, blank, ("ts", price, size), outputs, 0, FOREVER, clock="trade")


def _amount(who: str, name: str, value: float) -> float:
    if not 0.0 < number(who, name, value) < inf:
        raise ValueError(f"{who}: {name} must be positive and finite, got {value}")
    return float(value)
