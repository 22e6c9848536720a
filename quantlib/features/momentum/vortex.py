"""How far highs and lows reach from the extremes before them."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather, room_for, slide
from quantlib.kernels.true_range import true_range

SUMS = ("up", "down", "reach")
LIFT = 2.0**600  # what sums are multiplied by where their reciprocal might overflow


@kernel
def _vortex(p, memory, symbol, high, low, close, plus, minus):
    i = 0
    room = room_for(p.n)
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        ups, downs, reaches, seen = m.ups, m.downs, m.reaches, m.seen
        last_high, last_low, last = m.high, m.low, m.close
        u, u_low, u_unit, d, d_low, d_unit = m.up, m.up_low, m.up_unit, m.down, m.down_low, m.down_unit
        r, r_low, r_unit = m.reach, m.reach_low, m.reach_unit
        while i < close.size and symbol[i] == code:
            plus[i] = minus[i] = nan
            if not isnan(high[i] + low[i] + close[i]):
                if not isnan(last):
                    u, u_low = slide(u, u_low, u_unit, room, ups, seen, p.n, abs(high[i] - last_low))
                    d, d_low = slide(d, d_low, d_unit, room, downs, seen, p.n, abs(low[i] - last_high))
                    r, r_low = slide(r, r_low, r_unit, room, reaches, seen, p.n, true_range(high[i], low[i], last))
                    seen += 1
                    if isnan(u_low + d_low + r_low):
                        u, u_low, u_unit = gather(ups, m.parts, seen, p.n, room)
                        d, d_low, d_unit = gather(downs, m.parts, seen, p.n, room)
                        r, r_low, r_unit = gather(reaches, m.parts, seen, p.n, room)
                    if seen >= p.n:
                        scale = LIFT if r + r_low < 1.0 / LIFT else 1.0
                        inverse = 1.0 / ((r + r_low) * scale) if r + r_low > 0.0 else 0.0
                        plus[i], minus[i] = (u + u_low) * scale * inverse, (d + d_low) * scale * inverse
                last_high, last_low, last = high[i], low[i], close[i]
            i += 1
        m.seen, m.high, m.low, m.close = seen, last_high, last_low, last
        m.up, m.up_low, m.up_unit, m.down, m.down_low, m.down_unit = u, u_low, u_unit, d, d_low, d_unit
        m.reach, m.reach_low, m.reach_unit = r, r_low, r_unit


def vortex(n: int = 14, *, high: str = "high", low: str = "low", close: str = "close", out: str = "vortex") -> Feature:
    """Vortex indicator.

    plus = sum |h[t] - l[t-1]| / R,  minus = sum |l[t] - h[t-1]| / R,  R the sum of true ranges (see `true_range`), sums
    over the last n rows; 0 where R is 0

    Args:
        n: rows in the window, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out_plus`, `out_minus`. (rows,) float64, a ratio, not negative; NaN until the (n+1)-th
            row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: E. Botes, D. Siepman, The vortex indicator, Technical Analysis of Stocks & Commodities 28, 2010.
    """
    n = row_count("vortex", "n", n)
    numbers = [(name + end, "f8") for name in SUMS for end in ("", "_low", "_unit")]
    last = [(name, "f8") for name in ("high", "low", "close")]
    blank = np.zeros((), [("seen", "i8"), *last, *numbers, *window(n, "ups", "downs", "reaches")])
    for name in ("high", "low", "close", *(f"{name}_unit" for name in SUMS)):
        blank[name] = nan
    outputs = (f"{out}_plus", f"{out}_minus")
    return Feature(_vortex, Window(n), blank, (high, low, close), outputs, warmup=n, horizon=n)
