"""Liquidity that is withdrawn, and the void that it leaves until something rests there again."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature, ladder
from quantlib.features.rows import level_count, number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.levels import PIECE, check, total
from quantlib.kernels.median import median, median_fields


class Withdrawn(NamedTuple):
    near: int  # levels whose sizes are depth
    n: int  # rows of the median
    drop: float  # share of the median below which depth is withdrawn
    back: float  # share of the median that fills a void
    rows: int  # that a void may stay open


NUMBERS = [("last", "f8"), ("low", "f8"), ("high", "f8"), ("wanted", "f8"), ("since", "i8")]


@block
def resting(prices, sizes, i, low, high):
    """What a side shows in row i at prices from low to high."""
    total = 0.0
    for k in range(prices.shape[0]):
        total += sizes[k, i] if low <= prices[k, i] <= high else 0.0
    return total


@kernel
def _void(p, m, seen, depth, prices, sizes, others, other_sizes, i):
    """(begins, reclaimed, depth over its median) of a side in row i; its void is remembered as low, high and wanted."""
    middle = median(m.x, seen, p.n, depth)
    share = depth / middle if middle > 0.0 else 1.0
    if seen + 1 < p.n:
        return False, False, share
    opened, begins, reclaimed = m.since < p.rows, False, False
    m.since += 1
    if share < p.drop <= m.last:
        begins = not opened or m.since >= p.rows
        first, last = prices[0, i], prices[p.near - 1, i]
        m.low, m.high, m.wanted, m.since = min(first, last), max(first, last), p.back * middle, 0
    elif opened:
        there = resting(prices, sizes, i, m.low, m.high) + resting(others, other_sizes, i, m.low, m.high)
        reclaimed = there >= m.wanted
        m.since = p.rows if reclaimed else m.since
    m.last = share
    return begins, reclaimed, share


@kernel
def _vacuum(
    p, memory, symbol, bids, asks, bid_sizes, ask_sizes,
    event, bid_share, ask_share, bid_low, bid_high, ask_low, ask_high,
):  # fmt: skip
    for first in range(0, event.size, PIECE):
        end = min(first + PIECE, event.size)
        check(event, bids, asks, bid_sizes, ask_sizes, first, end)
        total(bid_share, bid_sizes, 0, p.near, first, end)
        total(ask_share, ask_sizes, 0, p.near, first, end)
        for i in range(first, end):
            known, bid_depth, ask_depth = event[i], bid_share[i], ask_share[i]
            event[i] = bid_share[i] = ask_share[i] = nan
            bid_low[i] = bid_high[i] = ask_low[i] = ask_high[i] = nan
            if isnan(known):
                continue
            m = memory[symbol[i]]
            bid, ask = m.bid, m.ask
            b, bid_back, bid_now = _void(p, bid, m.seen, bid_depth, bids, bid_sizes, asks, ask_sizes, i)
            a, ask_back, ask_now = _void(p, ask, m.seen, ask_depth, asks, ask_sizes, bids, bid_sizes, i)
            m.seen += 1
            if m.seen < p.n:
                continue
            event[i] = 1.0 * b + 2.0 * a if b or a else 0.0 - bid_back - 2.0 * ask_back
            bid_share[i], ask_share[i] = bid_now, ask_now
            best, worst = bids[0, i], asks[0, i]
            bid_low[i], bid_high[i] = (bid.low, bid.high) if bid.since < p.rows else (best, best)
            ask_low[i], ask_high[i] = (ask.low, ask.high) if ask.since < p.rows else (worst, worst)


def vacuum(
    near: int = 10,
    levels: int = 20,
    n: int = 500,
    drop: float = 0.2,
    back: float = 0.8,
    rows: int = 600,
    *,
    bid: str = "bid",
    ask: str = "ask",
    bid_size: str = "bid_size",
    ask_size: str = "ask_size",
    out: str = "vacuum",
) -> Feature:
    """Event: most of what used to rest near the best price is gone; and the void is filled again.

    Depth of a side: what rests on its best `near` levels; share: depth / its median over the last n rows, this one
    included, 1 where the median is 0.  Liquidity is withdrawn at a row where share falls below `drop`, having been at
    least that at the row before.  The void that this leaves is the range of prices of these levels at that row; a
    newer one of the side takes its place.  It is reclaimed at the first later row where bids and asks together show at
    least `back` times the median (that of the row of withdrawal) at prices inside it, among their best `levels`.  If
    `rows` rows have not, it is forgotten.

    Event: liquidity is withdrawn on a side that had no void, or a void is reclaimed.

    Args:
        near: levels of each side that are its depth, at least 1.
        levels: levels of each side that are read, `near` to 1000.
        n: rows of the median, at least 2.
        drop: share of the median below which depth is withdrawn, in (0, 1).
        back: share of the median that fills a void, at least `drop`.
        rows: rows that a void may stay open, at least 1.
        bid, ask, bid_size, ask_size: stems of the columns read, `bid_0` (the best) to `bid_<levels-1>` and so on.
            (rows,) float64; prices positive, sizes not negative, or NaN; a row missing any of them is missing.
        out: columns written, (rows,) float64, NaN until the n-th row of a symbol.
            `out_event`: 1 withdrawn from the bid, 2 from the ask, 3 from both; if none, -1, -2, -3 the void of bid, of
            ask, of both is reclaimed; else 0.
            `out_bid_share`, `out_ask_share`: depth over its median.
            `out_bid_low`, `out_bid_high`, `out_ask_low`, `out_ask_high`: the open void of a side, in the unit of price;
            both its best price where there is none.

    The defaults suit books every 100 ms.

    Raises:
        ValueError: if an argument is out of range.

    Source: A. Kirilenko, A. S. Kyle, M. Samadi, T. Tuzun, The Flash Crash: high-frequency trading in an electronic
        market, J. Finance 72, 2017 (depth leaves before the price does); J. Large, Measuring the resiliency of an
        electronic limit order book, J. Financ. Mark. 10, 2007 (when it comes back).
    Differs: both study fixed events; the rule and its thresholds are this library's.
    """
    who = "vacuum"
    near, levels, n = level_count(who, "near", near), level_count(who, "levels", levels), row_count(who, "n", n, 2)
    rows = row_count(who, "rows", rows)
    if levels < near:
        raise ValueError(f"vacuum: levels must be at least near, got levels={levels} and near={near}")
    if not (0.0 < number(who, "drop", drop) < 1.0 and drop <= number(who, "back", back) < float("inf")):
        raise ValueError(f"vacuum: drop is inside (0, 1) and back at least drop, got drop={drop} and back={back}")
    side = [("x", median_fields(n)), *NUMBERS]
    blank = np.zeros((), [("seen", "i8"), ("bid", side), ("ask", side)])
    for name in ("bid", "ask"):
        blank[name]["since"], blank[name]["last"] = rows, nan
    names = ("event", "bid_share", "ask_share", "bid_low", "bid_high", "ask_low", "ask_high")
    inputs = tuple(ladder(stem, levels) for stem in (bid, ask, bid_size, ask_size))
    outputs = tuple(f"{out}_{name}" for name in names)
    params = Withdrawn(near, n, drop, back, rows)
    return Feature(_vacuum, params, blank, inputs, outputs, n - 1, n + rows, clock="book")
