"""Stops that trail the price and change sides with it: which way the trend goes, and where it would be over."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, number
from quantlib.jit import block, kernel


class Sar(NamedTuple):
    step: float  # by which the acceleration grows with each new extreme
    most: float  # where it stops growing


TREND = np.array(
    (nan, nan, 0.0, 0.0, 0.0, 0.0),
    [(name, "f8") for name in ("high", "low", "side", "stop", "extreme", "acceleration")],
)


@block
def _begun(high, low, last_high, last_low):
    """(side, stop, extreme) at the second row: the side of its larger move, the stop at the first row's other end."""
    down = last_low - low
    if down > 0.0 and down > high - last_high:
        return -1.0, last_high, low
    return 1.0, last_low, high


@kernel
def _sar(p, memory, symbol, high, low, sar, sides, event):
    """Of a short trend all prices are turned upside down (times side), so that one spelling serves both."""
    i = 0
    while i < high.size:
        code = symbol[i]
        m = memory[code]
        last_high, last_low, side, stop, extreme, pace = m.high, m.low, m.side, m.stop, m.extreme, m.acceleration
        while i < high.size and symbol[i] == code:
            up, down = high[i], low[i]
            sar[i] = sides[i] = event[i] = nan
            i += 1
            if isnan(up + down):
                continue
            if side == 0.0 and not isnan(last_high):
                side, stop, extreme = _begun(up, down, last_high, last_low)
                stop, extreme, pace = side * stop, side * extreme, p.step
                last_high, last_low = up, down
            if side != 0.0:
                top, bottom = (up, down) if side > 0.0 else (-down, -up)
                last_top, last_bottom = (last_high, last_low) if side > 0.0 else (-last_low, -last_high)
                turned = bottom <= stop
                if turned:
                    at = max(extreme, last_top, top)
                    stop, extreme, pace = -max(at + p.step * (bottom - at), last_top, top), -bottom, p.step
                    sar[i - 1], side = side * at, -side
                else:
                    sar[i - 1] = side * stop
                    pace = min(pace + p.step, p.most) if top > extreme else pace
                    extreme = max(extreme, top)
                    stop = min(stop + pace * (extreme - stop), last_bottom, bottom)
                sides[i - 1] = side
                event[i - 1] = side if turned else 0.0
            last_high, last_low = up, down
        m.high, m.low, m.side, m.stop, m.extreme, m.acceleration = last_high, last_low, side, stop, extreme, pace


def sar(step: float = 0.02, most: float = 0.2, *, high: str = "high", low: str = "low", out: str = "sar") -> Feature:
    """Parabolic stop and reverse.

    In a long trend the stop rises by a (x - stop) a row, x the highest high of the trend, never above the lows of this
    row and the one before; a grows by `step` with each new x, up to `most`. A row whose low touches the stop ends the
    trend: the stop goes to x (or to the highs of this row and the one before, if higher) and falls from there. Short
    trends are the mirror image.

    Args:
        step: a at the start of a trend and its growth, not negative.
        most: largest a, at least step.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out`, the stop that holds for the row (on the row that touches it: the new one);
            `out_side`, 1 in a long trend and -1 in a short one; `out_event`, the side where it has changed with this
            row, else 0. (rows,) float64; NaN for the first row of a symbol.

    A trend remembers the stop it began with, so there is no number of rows after which its past is sure to be
    forgotten: it goes on only from carried memory. Two runs begun apart mostly agree after a reversal or two.

    Raises:
        ValueError: if step is negative, or most is below step or not finite.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978; TA-Lib, function SAR.
    Differs: TA-Lib lowers step to most where it is larger.
    """
    if not 0.0 <= number("sar", "step", step) <= number("sar", "most", most) < float("inf"):
        raise ValueError(f"sar: wants 0 <= step <= most, got step={step} and most={most}")
    outputs = (out, f"{out}_side", f"{out}_event")
    return Feature(_sar, Sar(step, most), TREND, (high, low), outputs, warmup=1, horizon=FOREVER)
