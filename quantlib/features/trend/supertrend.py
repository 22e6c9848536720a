"""A band of true ranges around the price that only ever tightens, until the price breaks out of it."""

from math import isnan, nan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.ewm import ewm
from quantlib.kernels.true_range import true_range


class Supertrend(NamedTuple):
    n: int  # ranges in the first mean
    weight: float  # of the newest range, 1 / n
    width: float  # mean ranges from the middle to a band


@block
def _side(side, upper, lower, last, high, low, close, away):
    """(side, upper, lower) after a row whose bands lie `away` from its middle; side is 0 before the first of them."""
    middle = (high + low) / 2.0
    top, bottom = middle + away, middle - away
    if side == 0.0:
        return 1.0, top, bottom
    upper = top if top < upper or last > upper else upper
    lower = bottom if bottom > lower or last < lower else lower
    if side > 0.0:
        return (1.0 if close >= lower else -1.0), upper, lower
    return (-1.0 if close <= upper else 1.0), upper, lower


@kernel
def _supertrend(p, memory, symbol, high, low, close, line, sides, event):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        seen, mean, last, side, upper, lower = m.seen, m.mean, m.close, m.side, m.upper, m.lower
        while i < close.size and symbol[i] == code:
            line[i] = sides[i] = event[i] = nan
            if not isnan(high[i] + low[i] + close[i]):
                if not isnan(last):
                    mean = ewm(mean, true_range(high[i], low[i], last), seen, p.n, p.weight)
                    seen += 1
                    if seen >= p.n:
                        before = side
                        away = p.width * mean
                        side, upper, lower = _side(side, upper, lower, last, high[i], low[i], close[i], away)
                        line[i] = lower if side > 0.0 else upper
                        sides[i] = side
                        event[i] = side if side == -before else 0.0
                last = close[i]
            i += 1
        m.seen, m.mean, m.close, m.side, m.upper, m.lower = seen, mean, last, side, upper, lower


@kernel
def _supertrend_side(p, memory, symbol, high, low, close, sides):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        seen, mean, last, side, upper, lower = m.seen, m.mean, m.close, m.side, m.upper, m.lower
        while i < close.size and symbol[i] == code:
            sides[i] = nan
            if not isnan(high[i] + low[i] + close[i]):
                if not isnan(last):
                    mean = ewm(mean, true_range(high[i], low[i], last), seen, p.n, p.weight)
                    seen += 1
                    if seen >= p.n:
                        away = p.width * mean
                        side, upper, lower = _side(side, upper, lower, last, high[i], low[i], close[i], away)
                last = close[i]
                sides[i] = side
            i += 1
        m.seen, m.mean, m.close, m.side, m.upper, m.lower = seen, mean, last, side, upper, lower


def supertrend(
    n: int = 10,
    width: float = 3.0,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "supertrend",
) -> Feature:
    """Supertrend: a stop below a rising price, above a falling one.

    upper and lower = (h + l) / 2 ± width atr(n). The upper one is held at its lowest so far until a close lies above
    it, the lower one at its highest until a close lies below it. In a long trend the stop is the lower one, and a close
    below it turns the trend; in a short one the upper one, and a close above it turns it. It begins long.

    Args:
        n: rows of the mean true range, at least 1.
        width: mean true ranges from the middle of a row to a band, not negative.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out`, the stop; `out_side`, 1 in a long trend and -1 in a short one; `out_event`, the
            side where it has changed with this row, else 0. (rows,) float64; NaN until the (n+1)-th row of a symbol.

    A stop that is held remembers the row it came from, so there is no number of rows after which its past is sure to be
    forgotten: it goes on only from carried memory. Two runs begun apart mostly agree after a turn or two.

    Raises:
        ValueError: if n is not a whole number of at least 1, or width is negative or not finite.

    Source: O. Seban, Tout le monde mérite d'être riche, 2008, as charting platforms draw it; the mean true range is
        that of TA-Lib, function ATR.
    """
    params, blank = _checked("supertrend", n, width)
    outputs = (out, f"{out}_side", f"{out}_event")
    return Feature(_supertrend, params, blank, (high, low, close), outputs, params.n, FOREVER)


def supertrend_side(
    n: int = 10,
    width: float = 3.0,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "supertrend_side",
) -> Feature:
    """The side of `supertrend` alone, from the first row on: 1 long, -1 short, 0 while it is not known yet.

    Args:
        n: rows of the mean true range, at least 1.
        width: mean true ranges from the middle of a row to a band, not negative.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64; 0 until the (n+1)-th row of a symbol. It goes on only from carried memory.

    Raises:
        ValueError: if n is not a whole number of at least 1, or width is negative or not finite.

    Source: as `supertrend`.
    """
    params, blank = _checked("supertrend_side", n, width)
    return Feature(_supertrend_side, params, blank, (high, low, close), (out,), warmup=0, horizon=FOREVER)


def _checked(who: str, n: int, width: float) -> tuple[Supertrend, NDArray[Any]]:
    n = row_count(who, "n", n)
    if not 0.0 <= number(who, "width", width) < float("inf"):
        raise ValueError(f"{who}: width must be finite and not negative, got {width}")
    names = ("mean", "close", "side", "upper", "lower")
    blank = np.zeros((), [("seen", "i8"), *((name, "f8") for name in names)])
    blank["close"] = nan
    return Supertrend(n, 1.0 / n, width), blank
