"""What is left of the spread once the price has moved: what the one who was hit earned."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.flow.clockwork import nanoseconds
from quantlib.features.rows import FOREVER, row_count
from quantlib.jit import kernel
from quantlib.kernels.ring import window
from quantlib.kernels.score import FINE, on_grid, score, scores
from quantlib.kernels.sums import window_sum


class TradesLater(NamedTuple):
    lag: int  # trades from a trade to the mid it is measured by
    n: int  # measured trades that one is compared with


class TimeLater(NamedTuple):
    delay: int  # ns from a trade to the mid it is measured by
    n: int  # measured trades in a mean
    room: int  # trades that may wait


@kernel
def _realised_spread(p, memory, symbol, price, side, bid, ask, realised, impact, effective, zscore):
    i = 0
    while i < bid.size:
        code = symbol[i]
        m = memory[code]
        prices, sides, mids = m.prices, m.sides, m.mids
        mask = prices.size - 1
        seen = m.seen
        while i < bid.size and symbol[i] == code:
            realised[i] = impact[i] = effective[i] = zscore[i] = nan
            mid = 0.5 * (bid[i] + ask[i])
            if not isnan(price[i] + side[i] + mid):
                prices[seen & mask], sides[seen & mask], mids[seen & mask] = price[i], side[i], mid
                then = (seen - p.lag) & mask
                if seen >= p.lag:
                    kept = 2.0 * sides[then] * (prices[then] - mid)
                    z = score(m.z, seen - p.lag, p.n, on_grid(kept / mids[then], FINE))
                    if seen >= p.lag + p.n - 1:
                        realised[i], zscore[i] = kept, z
                        impact[i] = 2.0 * sides[then] * (mid - mids[then])
                        effective[i] = 2.0 * sides[then] * (prices[then] - mids[then])
                seen += 1
            i += 1
        m.seen = seen


@kernel
def _realised_spread_time(p, memory, symbol, ts, price, side, bid, ask, realised, impact, effective, count):
    i = 0
    while i < bid.size:
        code = symbol[i]
        m = memory[code]
        times, paid, mids, sides = m.times, m.paid, m.mids, m.sides
        mask = times.size - 1
        first, seen, known = m.first, m.seen, m.known  # trades first to seen - 1 wait, known are measured
        while i < bid.size and symbol[i] == code:
            realised[i] = impact[i] = effective[i] = count[i] = nan
            mid = 0.5 * (bid[i] + ask[i])
            cost = 2.0 * side[i] * (price[i] - mid)
            if not isnan(cost):
                while first < seen and times[first & mask] <= ts[i] - p.delay:
                    k = first & mask
                    moved = 2.0 * sides[k] * (mid - mids[k])
                    m.cost, m.cost_low, m.cost_unit, m.cost_sum = window_sum(
                        m.cost, m.cost_low, m.cost_unit, m.costs, m.parts, known, p.n, paid[k]
                    )
                    m.move, m.move_low, m.move_unit, m.move_sum = window_sum(
                        m.move, m.move_low, m.move_unit, m.moves, m.parts, known, p.n, moved
                    )
                    first += 1
                    known += 1
                if seen - first == p.room:
                    first += 1  # the oldest waits no longer
                times[seen & mask], paid[seen & mask], mids[seen & mask], sides[seen & mask] = ts[i], cost, mid, side[i]
                seen += 1
                few = float(max(1, min(known, p.n)))
                impact[i], effective[i], count[i] = m.move_sum / few, m.cost_sum / few, known
                realised[i] = (m.cost_sum - m.move_sum) / few
            i += 1
        m.first, m.seen, m.known = first, seen, known


def realised_spread(
    lag: int = 100,
    n: int = 500,
    *,
    price: str = "price",
    side: str = "side",
    bid: str = "bid",
    ask: str = "ask",
    out: str = "realised_spread",
) -> Feature:
    """Realised spread of the trade `lag` trades ago, and how far it moved the price.

    realised = 2 side (price - mid'),  impact = 2 side (mid' - mid),  effective = realised + impact

    price, side and mid are those of the trade `lag` trades ago, mid' is the mid of this row: so nothing looks ahead, a
    trade is told about when its end is known.

    Args:
        lag: trades from a trade to the mid it is measured by, at least 1.
        n: measured trades in the window of the z-score, at least 2.
        price: column read. (rows,) float64, in the unit of the quote, positive or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN.
        bid, ask: columns read, of the quotes held at each trade (`quantlib.held`). (rows,) float64, positive or NaN; a
            row missing any of these is missing.
        out: columns written, (rows,) float64, NaN for the first lag + n - 1 trades of a symbol: `out` realised,
            `out_impact` and `out_effective` in the unit of price, `out_zscore` the z-score of realised / mid among the
            last n measured trades, 0 where it stood still (there it counts in steps of 2^-40).

    Raises:
        ValueError: if lag or n is too small or not whole.

    Source: R. D. Huang, H. R. Stoll, Dealer versus auction markets, J. Financ. Econ. 41, 1996.
    Differs: they wait for minutes, as `realised_spread_time` does; here time is counted in trades.
    """
    lag, n = row_count("realised_spread", "lag", lag), row_count("realised_spread", "n", n, 2)
    blank = np.zeros((), [("seen", "i8"), *window(lag, "prices", "sides", "mids")[:-1], ("z", scores(n))])
    outputs = (out, *(f"{out}_{name}" for name in ("impact", "effective", "zscore")))
    rows = lag + n - 1
    inputs = (price, side, bid, ask)
    return Feature(_realised_spread, TradesLater(lag, n), blank, inputs, outputs, rows, rows, clock="trade")


def realised_spread_time(
    seconds: float = 60.0,
    n: int = 500,
    *,
    room: int = 4000,
    price: str = "price",
    side: str = "side",
    bid: str = "bid",
    ask: str = "ask",
    out: str = "realised_spread_time",
) -> Feature:
    """Mean realised spread of the last n trades that are at least so many seconds old.

    realised = 2 side (price - mid'),  impact = 2 side (mid' - mid),  effective = realised + impact

    mid' is the mid at the first trade that comes `seconds` or more after.  A trade enters the means when that one has
    come, never before.

    Args:
        seconds: age at which a trade is measured.
        n: measured trades in the means, at least 1.
        room: trades that may wait to be measured; when more do, the oldest is let go without being measured.
        price: column read. (rows,) float64, in the unit of the quote, positive or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN.
        bid, ask: columns read, of the quotes held at each trade (`quantlib.held`). (rows,) float64, positive or NaN; a
            row missing any of these is missing.  It reads `ts` too.
        out: columns written, (rows,) float64, finite from the first trade: `out`, `out_impact` and `out_effective`, the
            means in the unit of price, of those that are measured while they are fewer than n, and 0 while none is;
            `out_count` how many were measured so far.

    Any number of trades may wait, so no number of rows is its horizon.

    Raises:
        ValueError: if seconds, n or room is out of range.

    Source: R. D. Huang, H. R. Stoll, Dealer versus auction markets, J. Financ. Econ. 41, 1996; 17 CFR 242.600(b) of the
        SEC (average realized spread, measured five minutes later).
    """
    who = "realised_spread_time"
    params = TimeLater(nanoseconds(who, "seconds", seconds), row_count(who, "n", n), row_count(who, "room", room))
    numbers = [(f"{name}{end}", "f8") for name in ("cost", "move") for end in ("", "_low", "_unit", "_sum")]
    counters = [(name, "i8") for name in ("first", "seen", "known")]
    names = ("paid", "mids", "sides")
    waiting = [(name, "i8" if name == "times" else "f8", size) for name, _, size in window(room, "times", *names)]
    blank = np.zeros((), [*counters, *numbers, *waiting[:-1], *window(n, "costs", "moves")])
    outputs = (out, *(f"{out}_{name}" for name in ("impact", "effective", "count")))
    inputs = ("ts", price, side, bid, ask)
    return Feature(_realised_spread_time, params, blank, inputs, outputs, 0, FOREVER, clock="trade")
