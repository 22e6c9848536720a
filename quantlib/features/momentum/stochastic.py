"""Where the close stands between the highest and the lowest of the last rows."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.momentum.one_sided import one_sided
from quantlib.features.rows import Window, faded, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.extremes import extremes, highest, lowest
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather, room_for, slide


class Stochastic(NamedTuple):
    n: int  # rows of the range
    slowing: int  # rows of the mean that is k
    signal: int  # rows of the mean of k that is d


class StochasticRsi(NamedTuple):
    n: int  # moves in the first mean of the RSI
    weight: float  # of the newest move, 1 / n
    against: float  # 0, as in the RSI
    k: int  # rows of the range
    d: int  # rows of the mean


RANGE = [("seen", "i8"), ("at", "i8"), ("top", "f8"), ("bottom", "f8")]
MOVES = [("price", "f8"), ("up", "f8"), ("down", "f8"), ("index", "f8")]


@block
def place(x, high, low):
    """How far up x stands from low (0) to high (100); 0 if they are one."""
    return 100.0 * ((x - low) / (high - low)) if high > low else 0.0


@block
def _mean(total, low, unit, room, ring, parts, seen, n, x):
    """(total, low, unit, mean) after x joins a ring that holds `seen`: the mean of the last n, x included."""
    total, low = slide(total, low, unit, room, ring, seen, n, x)
    if isnan(low):
        total, low, unit = gather(ring, parts, seen + 1, n, room)
    return total, low, unit, (total + low) / n


@kernel
def _stochastic(p, memory, symbol, high, low, close, k, d):
    i = 0
    k_room, d_room = room_for(p.slowing), room_for(p.signal)
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        highs, lows, fasts, slows = m.highs, m.lows, m.fasts, m.slows
        seen, at, top, bottom = m.seen, m.at, m.top, m.bottom
        s, s_low, s_unit, t, t_low, t_unit = m.s, m.s_low, m.s_unit, m.t, m.t_low, m.t_unit
        while i < close.size and symbol[i] == code:
            k[i] = d[i] = nan
            if not isnan(high[i] + low[i] + close[i]):
                top, up = highest(highs, at, p.n, top, high[i])
                bottom, down = lowest(lows, at, p.n, bottom, low[i])
                at = at + 1 if at + 1 < p.n else 0
                seen += 1
                known = seen - p.n  # places before this one
                if known >= 0:
                    fast = place(close[i], up, down)
                    s, s_low, s_unit, slow = _mean(s, s_low, s_unit, k_room, fasts, m.parts, known, p.slowing, fast)
                    known -= p.slowing - 1
                    if known >= 0:
                        t, t_low, t_unit, mean = _mean(t, t_low, t_unit, d_room, slows, m.parts, known, p.signal, slow)
                        if known >= p.signal - 1:
                            k[i], d[i] = slow, mean
            i += 1
        m.seen, m.at, m.top, m.bottom = seen, at, top, bottom
        m.s, m.s_low, m.s_unit, m.t, m.t_low, m.t_unit = s, s_low, s_unit, t, t_low, t_unit


@kernel
def _stochastic_rsi(p, memory, symbol, price, k, d):
    i = 0
    room = room_for(p.d)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        highs, lows, fasts = m.highs, m.lows, m.fasts
        seen, at, top, bottom, s, s_low, s_unit = m.seen, m.at, m.top, m.bottom, m.s, m.s_low, m.s_unit
        last, up, down, index = m.price, m.up, m.down, m.index
        while i < price.size and symbol[i] == code:
            k[i] = d[i] = nan
            if not isnan(price[i]):
                up, down, index = one_sided(p, seen, up, down, index, price[i] - last)
                last = price[i]
                if seen >= p.n:
                    top, most = highest(highs, at, p.k, top, index)
                    bottom, least = lowest(lows, at, p.k, bottom, index)
                    at = at + 1 if at + 1 < p.k else 0
                    known = seen - p.n - (p.k - 1)  # places before this one
                    if known >= 0:
                        fast = place(index, most, least)
                        s, s_low, s_unit, mean = _mean(s, s_low, s_unit, room, fasts, m.parts, known, p.d, fast)
                        if known >= p.d - 1:
                            k[i], d[i] = fast, mean
                seen += 1
            i += 1
        m.seen, m.at, m.top, m.bottom, m.s, m.s_low, m.s_unit = seen, at, top, bottom, s, s_low, s_unit
        m.price, m.up, m.down, m.index = last, up, down, index


@kernel
def _williams_r(p, memory, symbol, high, low, close, r):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        highs, lows, seen, at, top, bottom = m.highs, m.lows, m.seen, m.at, m.top, m.bottom
        while i < close.size and symbol[i] == code:
            r[i] = nan
            if not isnan(high[i] + low[i] + close[i]):
                top, up = highest(highs, at, p.n, top, high[i])
                bottom, down = lowest(lows, at, p.n, bottom, low[i])
                at = at + 1 if at + 1 < p.n else 0
                seen += 1
                if seen >= p.n:
                    r[i] = 100.0 * ((close[i] - up) / (up - down)) if up > down else 0.0
            i += 1
        m.seen, m.at, m.top, m.bottom = seen, at, top, bottom


def stochastic(
    n: int = 14,
    slowing: int = 3,
    signal: int = 3,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "stochastic",
) -> Feature:
    """Slow stochastic oscillator.

    f = 100 (c[t] - L) / (H - L), H and L the highest high and the lowest low of the last n rows, 0 where they are one;
    k = mean of the last `slowing` f,  d = mean of the last `signal` k

    Args:
        n: rows of the range, at least 1.
        slowing: rows of the mean that is k, at least 1.
        signal: rows of the mean that is d, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out_k`, `out_d`. (rows,) float64, 0 to 100; NaN for the first n + slowing + signal - 3
            rows of a symbol.

    Raises:
        ValueError: if a count of rows is not a whole number of at least 1.

    Source: G. C. Lane, Lane's stochastics, Technical Analysis of Stocks & Commodities 2, 1984; TA-Lib, function STOCH.
    Differs: TA-Lib's range has 5 rows by default, and its running means leave about 1e-14 where all f are 0.
    """
    return _smoothed("stochastic", n, slowing, signal, (high, low, close), out)


def stochastic_fast(
    n: int = 14,
    signal: int = 3,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "stochastic_fast",
) -> Feature:
    """Fast stochastic oscillator.

    k = 100 (c[t] - L) / (H - L), H and L the highest high and the lowest low of the last n rows, 0 where they are one;
    d = mean of the last `signal` k

    Args:
        n: rows of the range, at least 1.
        signal: rows of the mean that is d, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out_k`, `out_d`. (rows,) float64, 0 to 100; NaN for the first n + signal - 2 rows of a
            symbol.

    Raises:
        ValueError: if a count of rows is not a whole number of at least 1.

    Source: G. C. Lane, Lane's stochastics, Technical Analysis of Stocks & Commodities 2, 1984; TA-Lib, function STOCHF.
    Differs: TA-Lib's range has 5 rows by default.
    """
    return _smoothed("stochastic_fast", n, 1, signal, (high, low, close), out)


def stochastic_rsi(
    n: int = 14, k: int = 5, d: int = 3, *, price: str = "close", out: str = "stochastic_rsi"
) -> Feature:
    """Stochastic oscillator of the relative strength index.

    k[t] = 100 (r[t] - L) / (H - L), r = `rsi` of n rows, H and L its highest and lowest of the last k rows, 0 where
    they are one (so where the price stood still);  d = mean of the last d values of k[t]

    Args:
        n: rows of the RSI, at least 1.
        k: rows of the range, at least 1.
        d: rows of the mean, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: columns written: `out_k`, `out_d`. (rows,) float64, 0 to 100; NaN for the first n + k + d - 2 prices of a
            symbol.

    Raises:
        ValueError: if a count of rows is not a whole number of at least 1.

    Source: T. S. Chande, S. Kroll, The New Technical Trader, 1994; TA-Lib, function STOCHRSI.
    Differs: TradingView's has k = 14 and smooths k over 3 rows first.
    """
    n, k, d = (row_count("stochastic_rsi", name, rows) for name, rows in (("n", n), ("k", k), ("d", d)))
    numbers = [(name, "f8") for name in ("s", "s_low", "s_unit")]
    blank = np.zeros((), [*RANGE, *MOVES, *numbers, *extremes(k, "highs", "lows"), *window(d, "fasts")])
    blank["price"] = blank["s_unit"] = nan
    params = StochasticRsi(n, 1.0 / n, 0.0, k, d)
    warmup = n + k + d - 2
    # A narrow range magnifies what is left of the past: it fades twice over.
    return Feature(
        _stochastic_rsi, params, blank, (price,), (f"{out}_k", f"{out}_d"), warmup,
        warmup + 2 * faded(params.weight), recursive=True,
    )  # fmt: skip


def williams_r(
    n: int = 14, *, high: str = "high", low: str = "low", close: str = "close", out: str = "williams_r"
) -> Feature:
    """Williams %R: how far the close lies below the highest of the last rows.

    r = -100 (H - c[t]) / (H - L), H and L the highest high and the lowest low of the last n rows; 0 where they are one

    Args:
        n: rows of the range, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, -100 to 0; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: L. Williams, How I Made One Million Dollars Last Year Trading Commodities, 1973; TA-Lib, function WILLR.
    """
    n = row_count("williams_r", "n", n)
    blank = np.zeros((), [*RANGE, *extremes(n, "highs", "lows")])
    return Feature(_williams_r, Window(n), blank, (high, low, close), (out,), warmup=n - 1, horizon=n - 1)


def _smoothed(who: str, n: int, slowing: int, signal: int, inputs: tuple[str, ...], out: str) -> Feature:
    named = (("n", n), ("slowing", slowing), ("signal", signal))
    n, slowing, signal = (row_count(who, name, rows) for name, rows in named)
    numbers = [(name, "f8") for name in ("s", "s_low", "s_unit", "t", "t_low", "t_unit")]
    rings = [*extremes(n, "highs", "lows"), *window(max(slowing, signal), "fasts", "slows")]
    blank = np.zeros((), [*RANGE, *numbers, *rings])
    blank["s_unit"] = blank["t_unit"] = nan
    last = n + slowing + signal - 3
    outputs = (f"{out}_k", f"{out}_d")
    return Feature(_stochastic, Stochastic(n, slowing, signal), blank, inputs, outputs, warmup=last, horizon=last)
