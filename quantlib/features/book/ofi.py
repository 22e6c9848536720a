"""Order flow imbalance: what came to the bid and left the ask, less what came to the ask and left the bid."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature, ladder
from quantlib.features.rows import Window, level_count, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.levels import PIECE, check
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum


@block
def flow(bid, bid_size, ask, ask_size, bid0, bid_size0, ask0, ask_size0):
    """e of one level, from its prices and sizes now and (0) at the row before."""
    came = (bid_size if bid >= bid0 else 0.0) - (bid_size0 if bid <= bid0 else 0.0)
    return came - (ask_size if ask <= ask0 else 0.0) + (ask_size0 if ask >= ask0 else 0.0)


@kernel
def _ofi(p, memory, symbol, bid, ask, bid_size, ask_size, total, step):
    i = 0
    while i < bid.size:
        code = symbol[i]
        m = memory[code]
        seen, high, low, unit = m.seen, m.total, m.rest, m.unit
        b0, a0, bs0, as0 = m.bid, m.ask, m.bid_size, m.ask_size
        while i < bid.size and symbol[i] == code:
            total[i] = step[i] = nan
            b, a, bs, az = bid[i], ask[i], bid_size[i], ask_size[i]
            if not isnan(b + a + bs + az):
                if seen >= 0:
                    e = flow(b, bs, a, az, b0, bs0, a0, as0)
                    high, low, unit, now = window_sum(high, low, unit, m.steps, m.parts, seen, p.n, e)
                    if seen + 1 >= p.n:
                        total[i], step[i] = now, e
                seen += 1
                b0, a0, bs0, as0 = b, a, bs, az
            i += 1
        m.seen, m.total, m.rest, m.unit = seen, high, low, unit
        m.bid, m.ask, m.bid_size, m.ask_size = b0, a0, bs0, as0


@block
def change(m, bids, asks, bid_sizes, ask_sizes, i):
    """(e of the best level, e of all, what rests) in row i, which becomes the row before."""
    best = flows = resting = 0.0
    for k in range(bids.shape[0]):
        b, a, bs, az = bids[k, i], asks[k, i], bid_sizes[k, i], ask_sizes[k, i]
        e = flow(b, bs, a, az, m.bids[k], m.bid_sizes[k], m.asks[k], m.ask_sizes[k])
        best = e if k == 0 else best
        flows += e
        resting += bs + az
        m.bids[k], m.asks[k], m.bid_sizes[k], m.ask_sizes[k] = b, a, bs, az
    return best, flows, resting


@kernel
def _ofi_levels(p, memory, symbol, bids, asks, bid_sizes, ask_sizes, best, deep, scaled):
    for first in range(0, best.size, PIECE):
        end = min(first + PIECE, best.size)
        check(best, bids, asks, bid_sizes, ask_sizes, first, end)
        for i in range(first, end):
            known = best[i]
            best[i] = deep[i] = scaled[i] = nan
            if isnan(known):
                continue
            m = memory[symbol[i]]
            top, flows, resting = change(m, bids, asks, bid_sizes, ask_sizes, i)
            if m.seen >= 0:
                m.top, m.top_low, m.top_unit, top_flow = window_sum(
                    m.top, m.top_low, m.top_unit, m.tops, m.parts, m.seen, p.n, top
                )
                m.all, m.all_low, m.all_unit, every = window_sum(
                    m.all, m.all_low, m.all_unit, m.alls, m.parts, m.seen, p.n, flows
                )
                m.depth, m.depth_low, m.depth_unit, depth = window_sum(
                    m.depth, m.depth_low, m.depth_unit, m.depths, m.parts, m.seen, p.n, resting
                )
                if m.seen + 1 >= p.n:
                    best[i], deep[i] = top_flow, every
                    scaled[i] = 2.0 * p.n * (every / depth) if depth > 0.0 else 0.0
            m.seen += 1


def ofi(
    n: int = 20,
    *,
    bid: str = "bid",
    ask: str = "ask",
    bid_size: str = "bid_size",
    ask_size: str = "ask_size",
    out: str = "ofi",
) -> Feature:
    """Order flow imbalance at the best prices, over the last n quotes.

    e[t] = (b[t] if B[t] >= B[t-1]) - (b[t-1] if B[t] <= B[t-1])
         - (a[t] if A[t] <= A[t-1]) + (a[t-1] if A[t] >= A[t-1]),
    B and A the best bid and ask, b and a what rests there;  OFI[t] = e[t] + … + e[t-n+1], the sum exact

    Args:
        n: changes summed, at least 1.
        bid, ask: columns read. (rows,) float64, one unit, positive or NaN.
        bid_size, ask_size: columns read. (rows,) float64, not negative, or NaN; a row missing any of these is missing.
        out: columns written, (rows,) float64, in the unit of size, NaN for the first n quotes of a symbol: `out` OFI,
            `out_step` e of this quote.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: R. Cont, A. Kukanov, S. Stoikov, The price impact of order book events, J. Financ. Econom. 12, 2014, eq. 4
        and 5.
    Differs: they sum over an interval of time; here over quotes.
    """
    n = row_count("ofi", "n", n)
    numbers = [(name, "f8") for name in ("total", "rest", "unit", "bid", "ask", "bid_size", "ask_size")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "steps")])
    blank["seen"] = -1
    inputs = (bid, ask, bid_size, ask_size)
    return Feature(_ofi, Window(n), blank, inputs, (out, f"{out}_step"), n, n, clock="quote")


def ofi_levels(
    levels: int = 5,
    n: int = 20,
    *,
    bid: str = "bid",
    ask: str = "ask",
    bid_size: str = "bid_size",
    ask_size: str = "ask_size",
    out: str = "ofi_levels",
) -> Feature:
    """Order flow imbalance of several levels, over the last n books.

    e_k of level k as `ofi` has it for the best;  best = sum of e_0,  deep = sum of e_0 + … + e_(levels-1),
    scaled = (deep / levels) / D,  D = mean over n books and levels of (bid_size_k + ask_size_k) / 2; sums over n books

    Args:
        levels: levels of each side, 1 to 1000.
        n: changes summed, at least 1.
        bid, ask, bid_size, ask_size: stems of the columns read, `bid_0` (the best) to `bid_<levels-1>` and so on.
            (rows,) float64; prices positive, sizes not negative, or NaN; a row missing any of them is missing.
        out: columns written, (rows,) float64, NaN for the first n books of a symbol: `out` best and `out_deep` deep, in
            the unit of size; `out_scaled` a number, 0 where nothing rests.

    Raises:
        ValueError: if levels or n is not a whole number of at least 1, or levels is above 1000.

    Source: K. Xu, M. D. Gould, S. D. Howison, Multi-level order-flow imbalance in a limit order book, Mark.
        Microstruct. Liq. 4, 2018; R. Cont, M. Cucuringu, C. Zhang, Cross-impact of order flow imbalance in equity
        markets, Quant. Finance 23, 2023, sec. 2 (scaling by mean depth).
    Differs: all levels weigh the same in `deep`; the latter take the first principal component.
    """
    levels, n = level_count("ofi_levels", "levels", levels), row_count("ofi_levels", "n", n)
    numbers = [(name + end, "f8") for name in ("top", "all", "depth") for end in ("", "_low", "_unit")]
    ladders = window(levels, "bids", "asks", "bid_sizes", "ask_sizes")[:-1]
    blank = np.zeros((), [("seen", "i8"), *numbers, *ladders, *window(n, "tops", "alls", "depths")])
    blank["seen"] = -1
    inputs = tuple(ladder(stem, levels) for stem in (bid, ask, bid_size, ask_size))
    outputs = (out, f"{out}_deep", f"{out}_scaled")
    return Feature(_ofi_levels, Window(n), blank, inputs, outputs, n, n, clock="book")
