"""Channels: the highest and the lowest of the last rows, and bands a few true ranges away from a mean."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Feature
from quantlib.features.ranges.bands import checked_width
from quantlib.features.rows import Window, faded, row_count
from quantlib.jit import kernel
from quantlib.kernels.ewm import ewm, toward
from quantlib.kernels.extremes import extremes, highest, lowest
from quantlib.kernels.true_range import true_range


class Keltner(NamedTuple):
    n: int  # prices in the first mean
    weight: float  # of the newest price
    ranges: int  # true ranges in the first mean of them
    range_weight: float  # of the newest true range
    width: float  # mean true ranges from the middle to a band
    skip: int  # prices before the mean starts
    range_skip: int  # rows before the mean of true ranges starts, the first one, which has none, included


KELTNER = np.array((0, nan, 0.0, 0.0), [("seen", "i8"), ("close", "f8"), ("mean", "f8"), ("reach", "f8")])


@kernel
def _rolling_max(p, memory, symbol, value, most):
    i = 0
    while i < value.size:
        code = symbol[i]
        m = memory[code]
        highs, seen, at, top = m.highs, m.seen, m.at, m.top
        while i < value.size and symbol[i] == code:
            most[i] = nan
            if not isnan(value[i]):
                top, high = highest(highs, at, p.n, top, value[i])
                at = at + 1 if at + 1 < p.n else 0
                seen += 1
                most[i] = high if seen >= p.n else nan
            i += 1
        m.seen, m.at, m.top = seen, at, top


@kernel
def _rolling_min(p, memory, symbol, value, least):
    i = 0
    while i < value.size:
        code = symbol[i]
        m = memory[code]
        lows, seen, at, bottom = m.lows, m.seen, m.at, m.bottom
        while i < value.size and symbol[i] == code:
            least[i] = nan
            if not isnan(value[i]):
                bottom, low = lowest(lows, at, p.n, bottom, value[i])
                at = at + 1 if at + 1 < p.n else 0
                seen += 1
                least[i] = low if seen >= p.n else nan
            i += 1
        m.seen, m.at, m.bottom = seen, at, bottom


@kernel
def _donchian(p, memory, symbol, high, low, upper, middle, lower):
    i = 0
    while i < high.size:
        code = symbol[i]
        m = memory[code]
        highs, lows, seen, at, top, bottom = m.highs, m.lows, m.seen, m.at, m.top, m.bottom
        while i < high.size and symbol[i] == code:
            upper[i] = middle[i] = lower[i] = nan
            if not isnan(high[i] + low[i]):
                top, most = highest(highs, at, p.n, top, high[i])
                bottom, least = lowest(lows, at, p.n, bottom, low[i])
                at = at + 1 if at + 1 < p.n else 0
                seen += 1
                if seen >= p.n:
                    upper[i], middle[i], lower[i] = most, 0.5 * (most + least), least
            i += 1
        m.seen, m.at, m.top, m.bottom = seen, at, top, bottom


@kernel
def _keltner(p, memory, symbol, high, low, close, upper, middle, lower):
    i = 0
    first = p.skip + p.n  # rows until both means have started
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        seen, last, mean, reach = m.seen, m.close, m.mean, m.reach
        while i < close.size and symbol[i] == code:
            upper[i] = middle[i] = lower[i] = nan
            if not isnan(high[i] + low[i] + close[i]):
                price = (high[i] + low[i] + close[i]) / 3.0
                if seen >= first:
                    mean = toward(mean, price, p.weight)
                    reach = toward(reach, true_range(high[i], low[i], last), p.range_weight)
                else:
                    if seen >= p.skip:
                        mean = ewm(mean, price, seen - p.skip, p.n, p.weight)
                    if seen >= p.range_skip:
                        now = true_range(high[i], low[i], last)
                        reach = ewm(reach, now, seen - p.range_skip, p.ranges, p.range_weight)
                    seen += 1
                last = close[i]
                if seen >= first:
                    half = p.width * reach
                    upper[i], middle[i], lower[i] = mean + half, mean, mean - half
            i += 1
        m.seen, m.close, m.mean, m.reach = seen, last, mean, reach


def rolling_max(n: int = 20, *, value: str = "close", out: str = "rolling_max") -> Feature:
    """Highest of the last n values.

    Args:
        n: rows in the window, at least 1.
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of value; NaN until the n-th value of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function MAX.
    """
    n = row_count("rolling_max", "n", n)
    return Feature(_rolling_max, Window(n), _blank(n, highs="top"), (value,), (out,), warmup=n - 1, horizon=n - 1)


def rolling_min(n: int = 20, *, value: str = "close", out: str = "rolling_min") -> Feature:
    """Lowest of the last n values.

    Args:
        n: rows in the window, at least 1.
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of value; NaN until the n-th value of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function MIN.
    """
    n = row_count("rolling_min", "n", n)
    return Feature(_rolling_min, Window(n), _blank(n, lows="bottom"), (value,), (out,), warmup=n - 1, horizon=n - 1)


def donchian(n: int = 20, *, high: str = "high", low: str = "low", out: str = "donchian") -> Feature:
    """Donchian channel.

    upper = highest high, lower = lowest low of the last n rows, this one included; middle = their mean.

    Args:
        n: rows in the window, at least 1.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing either is missing.
        out: columns written: `out_upper`, `out_middle`, `out_lower`. (rows,) float64, in the unit of price; NaN until
            the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: R. Donchian's rule of four weeks; TA-Lib, functions MAX of the high and MIN of the low.
    Differs: a breakout is told against the channel of the row before, since this one holds its own row.
    """
    n = row_count("donchian", "n", n)
    blank = _blank(n, highs="top", lows="bottom")
    return Feature(_donchian, Window(n), blank, (high, low), _bands(out), warmup=n - 1, horizon=n - 1)


def keltner(
    n: int = 20,
    width: float = 2.0,
    *,
    ranges: int = 10,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "keltner",
) -> Feature:
    """Keltner channel.

    middle = ema(n) of (h + l + c) / 3,  upper and lower = middle ± width atr(ranges)

    Args:
        n: rows of the exponential mean, at least 1.
        width: mean true ranges from the middle to a band, not negative.
        ranges: rows of the Wilder mean of true ranges, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out_upper`, `out_middle`, `out_lower`. (rows,) float64, in the unit of price; NaN for the
            first max(n - 1, ranges) rows of a symbol.

    Both means start as plain ones, and at one row: the later of the two that they could start at.

    Raises:
        ValueError: if a count of rows is not a whole number of at least 1, or width is negative or not finite.

    Source: L. B. Raschke's form of C. W. Keltner's ten-day rule (How to Make Money in Commodities, 1960); TA-Lib,
        functions EMA and ATR, asked for the same rows.
    Differs: Keltner's own averaged high - low, both means plain; TradingView averages the close.
    """
    n, ranges = row_count("keltner", "n", n), row_count("keltner", "ranges", ranges)
    start = max(n - 1, ranges)
    weight, range_weight = 2.0 / (n + 1.0), 1.0 / ranges
    skips = (start + 1 - n, start + 1 - ranges)
    params = Keltner(n, weight, ranges, range_weight, checked_width("keltner", width), *skips)
    horizon = start + max(faded(weight), faded(range_weight))
    return Feature(_keltner, params, KELTNER, (high, low, close), _bands(out), start, horizon, recursive=True)


def _blank(n: int, **rings: str) -> NDArray[np.void]:
    counts = [("seen", "i8"), ("at", "i8")]
    return np.zeros((), [*counts, *((number, "f8") for number in rings.values()), *extremes(n, *rings)])


def _bands(out: str) -> tuple[str, str, str]:
    return f"{out}_upper", f"{out}_middle", f"{out}_lower"
