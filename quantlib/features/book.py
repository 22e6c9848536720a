"""What rests in the book, summed over its best levels.

One compiled loop serves every number of levels: it always takes ten columns a side.  A feature of fewer levels names
its deepest column again for the levels beyond, and the loop does not look at those.
"""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import kernel
from quantlib.kernels.ring import NOTHING

DEEPEST = 10  # levels a side that the loops take


class Levels(NamedTuple):
    levels: int  # of each side that are summed


DEPTH = np.array((nan, nan), [("bid", "f8"), ("ask", "f8")])


@kernel
def _depth(levels, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9):
    depth = s0
    for k, size in enumerate((s1, s2, s3, s4, s5, s6, s7, s8, s9)):
        depth += size if k + 1 < levels else 0.0
    return depth


@kernel
def _imbalance(
    p, memory, symbol, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, imbalance
):
    for i in range(imbalance.size):
        bid = _depth(p.levels, b0[i], b1[i], b2[i], b3[i], b4[i], b5[i], b6[i], b7[i], b8[i], b9[i])
        ask = _depth(p.levels, a0[i], a1[i], a2[i], a3[i], a4[i], a5[i], a6[i], a7[i], a8[i], a9[i])
        imbalance[i] = nan
        if not isnan(bid + ask):
            imbalance[i] = (bid - ask) / (bid + ask) if bid + ask > 0.0 else 0.0


@kernel
def _depth_change(
    p, memory, symbol, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, on_bid, on_ask
):
    for i in range(on_bid.size):
        bid = _depth(p.levels, b0[i], b1[i], b2[i], b3[i], b4[i], b5[i], b6[i], b7[i], b8[i], b9[i])
        ask = _depth(p.levels, a0[i], a1[i], a2[i], a3[i], a4[i], a5[i], a6[i], a7[i], a8[i], a9[i])
        on_bid[i] = on_ask[i] = nan
        if not isnan(bid + ask):
            m = memory[symbol[i]]
            if not isnan(m.bid):
                on_bid[i] = bid - m.bid
                on_ask[i] = ask - m.ask
            m.bid, m.ask = bid, ask


def imbalance(
    levels: int = 5, *, bid_size: str = "bid_size", ask_size: str = "ask_size", out: str = "imbalance"
) -> Feature:
    """Imbalance of the resting sizes.

    i = (B - A) / (B + A), B and A the sums of bid and ask sizes over the best levels; 0 where nothing rests.

    Args:
        levels: levels summed on each side, 1 to 10.
        bid_size, ask_size: stems of the columns read: `bid_size_0` (the best) to `bid_size_<levels-1>`; so asks.
            (rows,) float64, not negative, or NaN; a row missing any of them is missing (an empty level has size 0).
        out: column written. (rows,) float64, -1 (only asks) to 1 (only bids).

    Raises:
        ValueError: if levels is not a whole number from 1 to 10.

    Source: M. D. Gould, J. Bonart, Queue imbalance as a one-tick-ahead price predictor in a limit order book, Mark.
        Microstruct. Liq. 2, 2016.
    Differs: theirs is that of one level.
    """
    levels = _checked("imbalance", levels)
    inputs = _columns(levels, bid_size, ask_size)
    return Feature(_imbalance, Levels(levels), NOTHING, inputs, (out,), warmup=0, horizon=0, clock="book")


def depth_change(
    levels: int = 5, *, bid_size: str = "bid_size", ask_size: str = "ask_size", out: str = "depth_change"
) -> Feature:
    """Change of the resting sizes since the row before.

    on the bid: B[t] - B[t-1], on the ask: A[t] - A[t-1], B and A the sums of sizes over the best levels.

    Args:
        levels: levels summed on each side, 1 to 10.
        bid_size, ask_size: stems of the columns read: `bid_size_0` (the best) to `bid_size_<levels-1>`; so asks.
            (rows,) float64, not negative, or NaN; a row missing any of them is missing (an empty level has size 0).
        out: columns written: `out_bid` and `out_ask`. (rows,) float64, in the unit of size; NaN until the second row of
            a symbol.

    Raises:
        ValueError: if levels is not a whole number from 1 to 10.

    Source: R. Cont, A. Kukanov, S. Stoikov, The price impact of order book events, J. Financ. Econom. 12, 2014.
    Differs: theirs counts what comes and goes at the best prices; here levels are counted from the best, so a price
        that moves shifts sizes between levels.
    """
    levels = _checked("depth_change", levels)
    inputs = _columns(levels, bid_size, ask_size)
    return Feature(_depth_change, Levels(levels), DEPTH, inputs, (f"{out}_bid", f"{out}_ask"), 1, 1, clock="book")


def _checked(who: str, levels: int) -> int:
    levels = row_count(who, "levels", levels)
    if levels > DEEPEST:
        raise ValueError(f"{who}: levels must be at most {DEEPEST}, got {levels}")
    return levels


def _columns(levels: int, *stems: str) -> tuple[str, ...]:
    return tuple(f"{stem}_{min(k, levels - 1)}" for stem in stems for k in range(DEEPEST))
