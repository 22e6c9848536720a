"""How long ago the price was at its highest and at its lowest."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.extremes import extremes, highest_row, lowest_row


@kernel
def _aroon(p, memory, symbol, high, low, down, up):
    i = 0
    n, scale = p.n + 1, 100.0 / p.n
    while i < high.size:
        code = symbol[i]
        m = memory[code]
        highs, lows, high_rows, low_rows, seen, at = m.highs, m.lows, m.high_rows, m.low_rows, m.seen, m.at
        top, bottom, top_row, bottom_row = m.top, m.bottom, m.top_row, m.bottom_row
        while i < high.size and symbol[i] == code:
            down[i] = up[i] = nan
            if not isnan(high[i] + low[i]):
                top, top_row, up_row = highest_row(highs, high_rows, at, n, top, top_row, high[i], seen)
                bottom, bottom_row, down_row = lowest_row(lows, low_rows, at, n, bottom, bottom_row, low[i], seen)
                at = at + 1 if at + 1 < n else 0
                if seen >= p.n:
                    down[i], up[i] = scale * (p.n - (seen - down_row)), scale * (p.n - (seen - up_row))
                seen += 1
            i += 1
        m.seen, m.at, m.top, m.bottom, m.top_row, m.bottom_row = seen, at, top, bottom, top_row, bottom_row


@kernel
def _aroon_oscillator(p, memory, symbol, high, low, oscillator):
    i = 0
    n, scale = p.n + 1, 100.0 / p.n
    while i < high.size:
        code = symbol[i]
        m = memory[code]
        highs, lows, high_rows, low_rows, seen, at = m.highs, m.lows, m.high_rows, m.low_rows, m.seen, m.at
        top, bottom, top_row, bottom_row = m.top, m.bottom, m.top_row, m.bottom_row
        while i < high.size and symbol[i] == code:
            oscillator[i] = nan
            if not isnan(high[i] + low[i]):
                top, top_row, up_row = highest_row(highs, high_rows, at, n, top, top_row, high[i], seen)
                bottom, bottom_row, down_row = lowest_row(lows, low_rows, at, n, bottom, bottom_row, low[i], seen)
                at = at + 1 if at + 1 < n else 0
                if seen >= p.n:
                    oscillator[i] = scale * (up_row - down_row)
                seen += 1
            i += 1
        m.seen, m.at, m.top, m.bottom, m.top_row, m.bottom_row = seen, at, top, bottom, top_row, bottom_row


def aroon(n: int = 14, *, high: str = "high", low: str = "low", out: str = "aroon") -> Feature:
    """Aroon: how recent the highest high and the lowest low are.

    up = 100 (n - a) / n, a the rows since the highest high of the last n + 1 rows, the latest one if there are several;
    down alike, of the lowest low

    Args:
        n: rows back, at least 1.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out_down`, `out_up`. (rows,) float64, 0 (n rows ago) to 100 (now); NaN until the
            (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: T. S. Chande, A time price oscillator, Technical Analysis of Stocks & Commodities 13, 1995; TA-Lib, function
        AROON.
    """
    n = row_count("aroon", "n", n)
    return Feature(_aroon, Window(n), _blank(n), (high, low), (f"{out}_down", f"{out}_up"), warmup=n, horizon=n)


def aroon_oscillator(n: int = 14, *, high: str = "high", low: str = "low", out: str = "aroon_oscillator") -> Feature:
    """Aroon oscillator: whether the highest high or the lowest low is more recent.

    up - down of `aroon`

    Args:
        n: rows back, at least 1.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, -100 to 100; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: T. S. Chande, A time price oscillator, Technical Analysis of Stocks & Commodities 13, 1995; TA-Lib, function
        AROONOSC.
    """
    n = row_count("aroon_oscillator", "n", n)
    return Feature(_aroon_oscillator, Window(n), _blank(n), (high, low), (out,), warmup=n, horizon=n)


def _blank(n: int) -> np.ndarray:
    whole = [(name, "i8") for name in ("seen", "at", "top_row", "bottom_row")]
    rings = [*extremes(n + 1, "highs", "lows"), *extremes(n + 1, "high_rows", "low_rows", kind="i8")]
    return np.zeros((), [*whole, ("top", "f8"), ("bottom", "f8"), *rings])
