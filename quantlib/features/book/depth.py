"""What rests in the book, summed over its best levels.

A side comes as one array of levels by rows (`core.ladder`), so one compiled loop serves every number of levels.
"""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature, ladder
from quantlib.features.rows import Nothing, level_count
from quantlib.jit import block, kernel
from quantlib.kernels.ring import NOTHING

DEPTH = np.array((nan, nan), [("bid", "f8"), ("ask", "f8")])


@block
def depth(sizes, i):
    """The sum of a side's sizes in row i, from the best level on."""
    total = sizes[0, i]
    for k in range(1, sizes.shape[0]):
        total += sizes[k, i]
    return total


@kernel
def _imbalance(p, memory, symbol, bid_sizes, ask_sizes, imbalance):
    for i in range(imbalance.size):
        bid, ask = depth(bid_sizes, i), depth(ask_sizes, i)
        imbalance[i] = nan
        if not isnan(bid + ask):
            imbalance[i] = (bid - ask) / (bid + ask) if bid + ask > 0.0 else 0.0


@kernel
def _depth_change(p, memory, symbol, bid_sizes, ask_sizes, on_bid, on_ask):
    for i in range(on_bid.size):
        bid, ask = depth(bid_sizes, i), depth(ask_sizes, i)
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
        levels: levels summed on each side, 1 to 1000.
        bid_size, ask_size: stems of the columns read: `bid_size_0` (the best) to `bid_size_<levels-1>`; so asks.
            (rows,) float64, not negative, or NaN; a row missing any of them is missing (an empty level has size 0).
        out: column written. (rows,) float64, -1 (only asks) to 1 (only bids).

    Raises:
        ValueError: if levels is not a whole number of 1 to 1000.

    Source: M. D. Gould, J. Bonart, Queue imbalance as a one-tick-ahead price predictor in a limit order book, Mark.
        Microstruct. Liq. 2, 2016.
    Differs: theirs is that of one level.
    """
    levels = level_count("imbalance", "levels", levels)
    inputs = ladder(bid_size, levels), ladder(ask_size, levels)
    return Feature(_imbalance, Nothing(), NOTHING, inputs, (out,), warmup=0, horizon=0, clock="book")


def depth_change(
    levels: int = 5, *, bid_size: str = "bid_size", ask_size: str = "ask_size", out: str = "depth_change"
) -> Feature:
    """Change of the resting sizes since the row before.

    on the bid: B[t] - B[t-1], on the ask: A[t] - A[t-1], B and A the sums of sizes over the best levels.

    Args:
        levels: levels summed on each side, 1 to 1000.
        bid_size, ask_size: stems of the columns read: `bid_size_0` (the best) to `bid_size_<levels-1>`; so asks.
            (rows,) float64, not negative, or NaN; a row missing any of them is missing (an empty level has size 0).
        out: columns written: `out_bid` and `out_ask`. (rows,) float64, in the unit of size; NaN until the second row of
            a symbol.

    Raises:
        ValueError: if levels is not a whole number of 1 to 1000.

    Source: R. Cont, A. Kukanov, S. Stoikov, The price impact of order book events, J. Financ. Econom. 12, 2014.
    Differs: theirs counts what comes and goes at the best prices; here levels are counted from the best, so a price
        that moves shifts sizes between levels.
    """
    levels = level_count("depth_change", "levels", levels)
    inputs = ladder(bid_size, levels), ladder(ask_size, levels)
    return Feature(_depth_change, Nothing(), DEPTH, inputs, (f"{out}_bid", f"{out}_ask"), 1, 1, clock="book")
