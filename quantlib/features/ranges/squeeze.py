"""The state of volatility: compressed or expanded against its own past, and the squeeze against true ranges."""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.ranges.bands import checked_width
from quantlib.features.rows import number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.ordered import rank
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather, room_for, slide
from quantlib.kernels.spread import UNITS, bandwidth_of, spread, spread_fields
from quantlib.kernels.true_range import true_range


class Squeeze(NamedTuple):
    n: int  # rows in the windows of prices and of true ranges
    width: float  # standard deviations from the middle to a Bollinger band
    channel: float  # mean true ranges from the middle to a Keltner band
    past: int  # bandwidths that one is ranked among
    low: float  # rank up to which volatility is compressed
    high: float  # rank from which it is expanded


@block
def _ranked(p, m, width):
    """The rank of a bandwidth among those before it, which it then joins; right once `past` have come."""
    below, same = rank(m.past, p.past, width)
    m.past[m.at] = width
    m.at = m.at + 1 if m.at + 1 < p.past else 0
    return (below + 0.5 * same) / p.past


@block
def _mean_range(p, m, room, high, low):
    """The plain mean of the last n true ranges, this row's included; right once it is the (n+1)-th row or later."""
    reach = true_range(high, low, m.close)
    m.reach, m.reach_low = slide(m.reach, m.reach_low, m.reach_unit, room, m.ranges, m.seen - 2, p.n, reach)
    if isnan(m.reach_low):
        m.reach, m.reach_low, m.reach_unit = gather(m.ranges, m.parts, m.seen - 1, p.n, room)
    return (m.reach + m.reach_low) / p.n


@kernel
def _volatility_state(p, memory, symbol, high, low, close, state, bandwidth, percentile, squeeze, rows, event):
    room = room_for(p.n)
    for i in range(close.size):
        state[i] = bandwidth[i] = percentile[i] = squeeze[i] = rows[i] = event[i] = nan
        if isnan(high[i] + low[i] + close[i]):
            continue
        m = memory[symbol[i]]
        mean, wide, away = spread(m, p.n, room, close[i])
        reach = _mean_range(p, m, room, high[i], low[i]) if m.seen > 1 else nan
        m.close = close[i]
        if m.seen < p.n:
            continue
        width = bandwidth_of(mean, sqrt(wide), p.width)
        share = _ranked(p, m, width)
        before = m.squeezed
        m.squeezed = before + 1 if m.seen > p.n and p.width * sqrt(wide) < p.channel * reach else 0
        if m.seen >= p.n + p.past:
            bandwidth[i], percentile[i] = width, share
            state[i] = -1.0 if share <= p.low else (1.0 if share >= p.high else 0.0)
            squeeze[i] = 1.0 if m.squeezed > 0 else 0.0
            rows[i] = min(m.squeezed, p.past)
            released = 2.0 if away >= 0.0 else -2.0
            event[i] = (1.0 if before == 0 else 0.0) if m.squeezed > 0 else (released if before > 0 else 0.0)


def volatility_state(
    n: int = 20,
    width: float = 2.0,
    channel: float = 1.5,
    past: int = 120,
    compressed: float = 0.1,
    expanded: float = 0.9,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "volatility_state",
) -> Feature:
    """Whether volatility is compressed or expanded, and when it is squeezed and let go.

    bandwidth  of the Bollinger bands, 2 width σ / mean, of the last n closes
    percentile its rank among the `past` bandwidths before it: the share of them below, equal ones by half
    state      -1 (compression) if the percentile is at most `compressed`, 1 (expansion) if at least `expanded`, else 0
    squeeze    1 while the Bollinger bands lie inside the Keltner channel: width σ < channel · the plain mean of the
               last n true ranges, both around the mean of the last n closes; else 0
    rows       rows of the squeeze so far, this one included, counted up to `past`; 0 outside one
    event      1 where a squeeze begins; where one ended 2 if the close is not below the mean of the last n closes
               (released upward), -2 if it is (released downward); else 0

    Args:
        n: rows in the windows, at least 2.
        width: standard deviations from the middle to a Bollinger band, not negative.
        channel: mean true ranges from the middle to a Keltner band, not negative.
        past: bandwidths that one is ranked among, at least 2.
        compressed, expanded: shares, 0 <= compressed < expanded <= 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out` (the state), `out_bandwidth` and `out_percentile` (fractions), `out_squeeze`,
            `out_rows`, `out_event`. (rows,) float64; NaN for the first n + past - 1 rows of a symbol.

    Raises:
        ValueError: if a count of rows is too small, a width is negative or not finite, or the shares are out of order.

    Source: J. Bollinger, Bollinger on Bollinger Bands, 2001 (the Squeeze: bandwidth against its own past); J. F.
        Carter, Mastering the Trade, 2005 (the squeeze against the Keltner channel).
    Differs: Bollinger looks for the lowest bandwidth of six months, here a percentile; Carter tells the direction of a
        release by a momentum line, here the side of the mean.  The channel's mean is plain, so that nothing older than
        n + past rows matters.
    """
    who = "volatility_state"
    n, past = row_count(who, "n", n, 2), row_count(who, "past", past, 2)
    if not 0.0 <= number(who, "compressed", compressed) < number(who, "expanded", expanded) <= 1.0:
        raise ValueError(f"{who}: wants 0 <= compressed < expanded <= 1, got {compressed} and {expanded}")
    params = Squeeze(n, checked_width(who, width), checked_width(who, channel, "channel"), past, compressed, expanded)
    counts = [(name, "i8") for name in ("at", "squeezed")]
    numbers = [(name, "f8") for name in ("close", "reach", "reach_low", "reach_unit")]
    rings = [*window(n, "ranges")[:-1], *window(past, "past")[:-1]]
    blank = np.zeros((), [*counts, *numbers, *spread_fields(n), *rings])
    for name in ("close", "reach_unit", *UNITS):
        blank[name] = nan
    outputs = (out, *(f"{out}_{name}" for name in ("bandwidth", "percentile", "squeeze", "rows", "event")))
    return Feature(_volatility_state, params, blank, (high, low, close), outputs, n + past - 1, n + past - 1)
