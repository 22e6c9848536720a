"""Who trades: buyers or sellers, from the side of each trade's aggressor."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.flow.clockwork import nanoseconds
from quantlib.features.rows import FOREVER, Nothing, Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.exact import two_sum
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum


class TimeCells(NamedTuple):
    width: int  # of a cell, ns
    cells: int  # complete ones that are looked back on


DELTA = np.zeros((), [("total", "f8"), ("rest", "f8")])


@kernel
def _cvd(p, memory, symbol, size, side, delta):
    i = 0
    while i < size.size:
        code = symbol[i]
        m = memory[code]
        total, rest = m.total, m.rest
        while i < size.size and symbol[i] == code:
            delta[i] = nan
            if not isnan(size[i] + side[i]):
                total, error = two_sum(total, size[i] * side[i])
                rest += error
                delta[i] = total + rest
            i += 1
        m.total, m.rest = total, rest


@kernel
def _taker_ratio(p, memory, symbol, size, side, ratio):
    i = 0
    while i < size.size:
        code = symbol[i]
        m = memory[code]
        buys, sells = m.buys, m.sells
        seen, buy, buy_low, sell, sell_low = m.seen, m.buy, m.buy_low, m.sell, m.sell_low
        buy_unit, sell_unit = m.buy_unit, m.sell_unit
        while i < size.size and symbol[i] == code:
            ratio[i] = nan
            if not isnan(size[i] + side[i]):
                bought = size[i] if side[i] > 0.0 else 0.0
                sold = size[i] if side[i] < 0.0 else 0.0
                buy, buy_low, buy_unit, b = window_sum(buy, buy_low, buy_unit, buys, m.parts, seen, p.n, bought)
                sell, sell_low, sell_unit, s = window_sum(sell, sell_low, sell_unit, sells, m.parts, seen, p.n, sold)
                seen += 1
                if seen >= p.n:
                    ratio[i] = b / (b + s) if b + s > 0.0 else 0.5
            i += 1
        m.seen, m.buy, m.buy_low, m.sell, m.sell_low = seen, buy, buy_low, sell, sell_low
        m.buy_unit, m.sell_unit = buy_unit, sell_unit


@kernel
def _taker_ratio_time(p, memory, symbol, ts, size, side, ratio):
    i = 0
    while i < size.size:
        code = symbol[i]
        m = memory[code]
        buys, sells = m.buys, m.sells
        mask = buys.size - 1
        seen, cell, buy, sell, before_buy, before_sell = m.seen, m.cell, m.buy, m.sell, m.before_buy, m.before_sell
        while i < size.size and symbol[i] == code:
            ratio[i] = nan
            if not isnan(size[i] + side[i]):
                now = ts[i] // p.width
                if seen == 0:
                    cell, seen = now, 1
                if now != cell:
                    buys[cell & mask], sells[cell & mask] = buy, sell
                    for k in range(max(cell + 1, now - p.cells), now):
                        buys[k & mask] = sells[k & mask] = 0.0
                    before_buy = before_sell = buy = sell = 0.0
                    for k in range(now - p.cells, now):
                        before_buy += buys[k & mask]
                        before_sell += sells[k & mask]
                    cell = now
                buy += size[i] if side[i] > 0.0 else 0.0
                sell += size[i] if side[i] < 0.0 else 0.0
                b, s = before_buy + buy, before_sell + sell
                ratio[i] = b / (b + s) if b + s > 0.0 else 0.5
            i += 1
        m.seen, m.cell, m.buy, m.sell, m.before_buy, m.before_sell = seen, cell, buy, sell, before_buy, before_sell


def cvd(*, size: str = "size", side: str = "side", out: str = "cvd") -> Feature:
    """Cumulative volume delta: what buyers took less what sellers took, since the first trade.

    d[t] = d[t-1] + side[t] size[t],  d[-1] = 0

    Args:
        size: column read. (rows,) float64, shares, contracts or coins, not negative, or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN;
            a row missing either is missing.
        out: column written. (rows,) float64, in the unit of size; finite from the first trade.

    It forgets nothing: its level depends on where the rows began, and it goes on only from carried memory.

    Source: the running sum of signed trade sizes, as charting platforms draw it.
    """
    return Feature(_cvd, Nothing(), DELTA, (size, side), (out,), warmup=0, horizon=FOREVER, clock="trade")


def taker_ratio(n: int = 100, *, size: str = "size", side: str = "side", out: str = "taker_ratio") -> Feature:
    """Buyers' share in what aggressors traded over the last n trades.

    t = B / (B + S), B and S the sums of size where side > 0 and side < 0; 0.5 where both are 0.
    Buy over sell, as some spell it, is t / (1 - t), which has no value where nobody sold.

    Args:
        n: trades in the window, at least 1.
        size: column read. (rows,) float64, shares, contracts or coins, not negative, or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN;
            a row missing either is missing.
        out: column written. (rows,) float64, 0 to 1; NaN until the n-th trade of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: Binance, taker buy volume of its klines, over the volume of the same trades.
    """
    n = row_count("taker_ratio", "n", n)
    numbers = [(name + end, "f8") for name in ("buy", "sell") for end in ("", "_low", "_unit")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "buys", "sells")])
    return Feature(_taker_ratio, Window(n), blank, (size, side), (out,), n - 1, n - 1, clock="trade")


def taker_ratio_time(
    seconds: float = 1.0, cells: int = 60, *, size: str = "size", side: str = "side", out: str = "taker_ratio_time"
) -> Feature:
    """Buyers' share in what aggressors traded lately, by the clock.

    t = B / (B + S), B and S the sums of size where side > 0 and side < 0; 0.5 where both are 0.

    Time is cut into cells at the multiples of their width since 1970; the sums are those of the cell that the trade
    lies in, as far as it has come, and of the `cells` complete ones before it.  So the grid is that of the clock, and
    where rows begin or are cut moves nothing.

    Args:
        seconds: width of a cell, positive, a whole number of nanoseconds.
        cells: complete cells looked back on, at least 1.
        size: column read. (rows,) float64, shares, contracts or coins, not negative, or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN;
            a row missing either is missing.
        out: column written. (rows,) float64, 0 to 1; finite from the first trade.  It reads `ts` too.

    Any number of trades may lie in a cell, so no number of rows is its horizon.

    Raises:
        ValueError: if seconds or cells is out of range.

    Source: the ratio of taker volumes that Binance publishes per interval, spelled as a share.
    Differs: theirs is buy over sell of one interval, known at its end.
    """
    cells = row_count("taker_ratio_time", "cells", cells)
    params = TimeCells(nanoseconds("taker_ratio_time", "seconds", seconds), cells)
    numbers = [(name, "f8") for name in ("buy", "sell", "before_buy", "before_sell")]
    blank = np.zeros((), [("seen", "i8"), ("cell", "i8"), *numbers, *window(cells, "buys", "sells")])
    return Feature(_taker_ratio_time, params, blank, ("ts", size, side), (out,), 0, FOREVER, clock="trade")
