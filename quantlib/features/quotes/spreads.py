"""What crossing the spread costs: as quoted, and as paid."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.score import FINE, on_grid, score, scores


@kernel
def _spread_zscore(p, memory, symbol, bid, ask, zscore, fraction):
    i = 0
    while i < bid.size:
        code = symbol[i]
        m = memory[code]
        seen = m.seen
        while i < bid.size and symbol[i] == code:
            fraction[i] = zscore[i] = nan
            wide = 2.0 * (ask[i] - bid[i]) / (ask[i] + bid[i])
            if not isnan(wide):
                z = score(m.z, seen, p.n, on_grid(wide, FINE))
                seen += 1
                if seen >= p.n:
                    fraction[i], zscore[i] = wide, z
            i += 1
        m.seen = seen


@kernel
def _effective_spread(p, memory, symbol, price, side, bid, ask, paid, fraction, zscore):
    i = 0
    while i < bid.size:
        code = symbol[i]
        m = memory[code]
        seen = m.seen
        while i < bid.size and symbol[i] == code:
            paid[i] = fraction[i] = zscore[i] = nan
            mid = 0.5 * (bid[i] + ask[i])
            cost = 2.0 * side[i] * (price[i] - mid)
            if not isnan(cost):
                share = cost / mid
                z = score(m.z, seen, p.n, on_grid(share, FINE))
                seen += 1
                if seen >= p.n:
                    paid[i], fraction[i], zscore[i] = cost, share, z
            i += 1
        m.seen = seen


def spread_zscore(n: int = 500, *, bid: str = "bid", ask: str = "ask", out: str = "spread_zscore") -> Feature:
    """How unusual the quoted spread is.

    s = (ask - bid) / mid,  z = (s - mean) / σ, mean and σ those of the last n quotes, this one included

    Args:
        n: quotes in the window, at least 2.
        bid, ask: columns read. (rows,) float64, one unit, positive or NaN; a row missing either is missing.
        out: columns written, (rows,) float64, NaN until the n-th quote of a symbol: `out` z, 0 where the spread stood
            still, and `out_fraction` s, a fraction of mid.  For z, s counts in steps of 2^-40.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: J. Hasbrouck, Empirical Market Microstructure, 2007 (quoted spread); its z-score is the plain one.
    """
    n = row_count("spread_zscore", "n", n, 2)
    blank = np.zeros((), [("seen", "i8"), ("z", scores(n))])
    return Feature(_spread_zscore, Window(n), blank, (bid, ask), (out, f"{out}_fraction"), n - 1, n - 1, clock="quote")


def effective_spread(
    n: int = 500,
    *,
    price: str = "price",
    side: str = "side",
    bid: str = "bid",
    ask: str = "ask",
    out: str = "effective_spread",
) -> Feature:
    """What a trade paid for crossing: twice its distance from the mid, positive where the aggressor paid more.

    e = 2 side (price - mid),  mid = (bid + ask) / 2, the quote known before the trade

    Args:
        n: trades in the window of the z-score, at least 2.
        price: column read. (rows,) float64, in the unit of the quote, positive or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN.
        bid, ask: columns read, of the quotes held at each trade (`quantlib.held`). (rows,) float64, positive or NaN; a
            row missing any of these is missing.
        out: columns written, (rows,) float64, NaN until the n-th trade of a symbol: `out` e in the unit of price,
            `out_fraction` e / mid, `out_zscore` the z-score of that fraction among the last n trades, 0 where it stood
            still (there it counts in steps of 2^-40).

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: R. D. Huang, H. R. Stoll, Dealer versus auction markets, J. Financ. Econ. 41, 1996; 17 CFR 242.600(b) of the
        SEC (average effective spread).
    """
    n = row_count("effective_spread", "n", n, 2)
    blank = np.zeros((), [("seen", "i8"), ("z", scores(n))])
    outputs = (out, f"{out}_fraction", f"{out}_zscore")
    inputs = (price, side, bid, ask)
    return Feature(_effective_spread, Window(n), blank, inputs, outputs, n - 1, n - 1, clock="trade")
