"""What happened between one row's close and the next one's open, and when it was made good."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Nothing, number, row_count
from quantlib.jit import kernel


class GapFill(NamedTuple):
    n: int  # rows that a gap may stay open
    least: float  # size of a gap that counts, as a fraction of the close before it


CLOSE = np.array(nan, [("close", "f8")])
OPEN_GAP = np.array((nan, 0.0, 0.0, 0), [("close", "f8"), ("size", "f8"), ("level", "f8"), ("age", "i8")])


@kernel
def _gap(p, memory, symbol, opening, closing, overnight, intraday):
    i = 0
    while i < closing.size:
        code = symbol[i]
        m = memory[code]
        last = m.close
        while i < closing.size and symbol[i] == code:
            overnight[i] = intraday[i] = nan
            if not isnan(opening[i] + closing[i]):
                if not isnan(last):
                    overnight[i] = (opening[i] - last) / last
                    intraday[i] = (closing[i] - opening[i]) / opening[i]
                last = closing[i]
            i += 1
        m.close = last


@kernel
def _gap_fill(p, memory, symbol, opening, high, low, closing, event, size, level, age):
    i = 0
    while i < closing.size:
        code = symbol[i]
        m = memory[code]
        last, gap, target, rows = m.close, m.size, m.level, m.age
        while i < closing.size and symbol[i] == code:
            event[i] = size[i] = level[i] = age[i] = nan
            if not isnan(opening[i] + high[i] + low[i] + closing[i]):
                if not isnan(last):
                    rows += 1
                    jump = (opening[i] - last) / last
                    if abs(jump) >= p.least and jump != 0.0:
                        gap, target, rows = jump, last, 0
                    elif rows >= p.n:
                        gap = 0.0
                    if gap == 0.0:
                        target, rows = last, 0
                    size[i], level[i], age[i] = gap, target, rows
                    filled = (gap > 0.0 and low[i] <= target) or (gap < 0.0 and high[i] >= target)
                    event[i] = (1.0 if gap > 0.0 else -1.0) if filled else 0.0
                    gap = 0.0 if filled else gap
                last = closing[i]
            i += 1
        m.close, m.size, m.level, m.age = last, gap, target, rows


def gap(*, open: str = "open", close: str = "close", out: str = "gap") -> Feature:
    """The return from the close before to the open, and from the open to the close.

    overnight = o[t] / c[t-1] - 1,  intraday = c[t] / o[t] - 1; together (1 + overnight) (1 + intraday) = c[t] / c[t-1].
    On daily rows that is night and day; on finer rows the gap between two neighbours.

    Args:
        open, close: columns read. (rows,) float64, positive or NaN; a row missing either is missing.
        out: columns written: `out_overnight`, `out_intraday`. (rows,) float64, fractions; NaN until the second row of a
            symbol.

    Source: D. Lou, C. Polk, S. Skouras, A tug of war: overnight versus intraday expected returns, J. Financ. Econ. 134,
        2019, sec. 2.
    """
    return Feature(_gap, Nothing(), CLOSE, (open, close), (f"{out}_overnight", f"{out}_intraday"), 1, 1)


def gap_fill(
    n: int = 20,
    least: float = 0.0,
    *,
    open: str = "open",
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "gap_fill",
) -> Feature:
    """Event: the price is back at the close that it gapped away from.

    A gap opens at row t if |o[t] / c[t-1] - 1| is not zero and at least `least`; it takes the place of an older one.
    It is filled, at its own row or later, where the price reaches c[t-1] again: low <= level for a gap up, high >=
    level for a gap down. If n rows, its own counted, have not filled it, it is forgotten.

    Args:
        n: rows that a gap may stay open, at least 1.
        least: size of a gap that counts, a fraction, not negative.
        open, high, low, close: columns read. (rows,) float64, positive or NaN; a row missing one of them is missing.
        out: columns written. (rows,) float64; NaN until the second row of a symbol.
            `out_event`: 1 where a gap up is filled, -1 where a gap down is, else 0.
            `out_size`: o[t] / c[t-1] - 1 of the gap that is open or filled at this row, 0 if none is.
            `out_level`: the close before it; the last close if none is open.
            `out_age`: rows since it opened, 0 at its own row.

    Raises:
        ValueError: if n is not a whole number of at least 1, or least is negative or not finite.

    Source: J. J. Murphy, Technical Analysis of the Financial Markets, 1999, ch. 4, for gaps and their filling.
    Differs: gaps there lie between whole ranges (low above the high before); here between close and open.
    """
    n = row_count("gap_fill", "n", n)
    if not 0.0 <= number("gap_fill", "least", least) < float("inf"):
        raise ValueError(f"gap_fill: least must be finite and not negative, got {least}")
    outputs = (f"{out}_event", f"{out}_size", f"{out}_level", f"{out}_age")
    return Feature(_gap_fill, GapFill(n, least), OPEN_GAP, (open, high, low, close), outputs, warmup=1, horizon=n)
