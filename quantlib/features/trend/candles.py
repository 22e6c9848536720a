"""Candles drawn anew, so that a trend shows one colour."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Nothing, faded
from quantlib.jit import kernel

BODY = np.array((nan, nan), [("open", "f8"), ("close", "f8")])


@kernel
def _heikin_ashi(p, memory, symbol, open, high, low, close, ha_open, ha_high, ha_low, ha_close):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        first, last = m.open, m.close
        while i < close.size and symbol[i] == code:
            ha_open[i] = ha_high[i] = ha_low[i] = ha_close[i] = nan
            mean = (open[i] + high[i] + low[i] + close[i]) / 4.0
            if not isnan(mean):
                first = (open[i] + close[i]) / 2.0 if isnan(first) else (first + last) / 2.0
                last = mean
                ha_open[i], ha_close[i] = first, last
                ha_high[i], ha_low[i] = max(high[i], first, last), min(low[i], first, last)
            i += 1
        m.open, m.close = first, last


def heikin_ashi(
    *, open: str = "open", high: str = "high", low: str = "low", close: str = "close", out: str = "ha"
) -> Feature:
    """Heikin-Ashi candles, "average bars".

    close' = (o + h + l + c) / 4,  open'[t] = (open'[t-1] + close'[t-1]) / 2,  high' = max(h, open', close'),
    low' = min(l, open', close'); open' starts as (o + c) / 2.

    Args:
        open, high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out_open`, `out_high`, `out_low`, `out_close`. (rows,) float64, in the unit of price;
            finite from the first row. They are no prices at which anybody traded: never fill or stop an order at them.

    Source: D. Valcu, Using the Heikin-Ashi technique, Stocks & Commodities 22, 2004.
    """
    outputs = tuple(f"{out}_{name}" for name in ("open", "high", "low", "close"))
    inputs = (open, high, low, close)
    return Feature(_heikin_ashi, Nothing(), BODY, inputs, outputs, 0, 1 + faded(0.5), recursive=True)
