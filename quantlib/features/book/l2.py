"""What comes to the book and leaves it, by bands of levels."""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature, ladder
from quantlib.features.rows import level_count, number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.levels import PIECE, total
from quantlib.kernels.score import FINE, on_grid, score, scores


class Bands(NamedTuple):
    near: int  # levels of the first band
    middle: int  # levels of the first two
    n: int  # rows in the window of the score
    threshold: float  # standard deviations


SIDES = [(side + band, "f8") for side in ("bid", "ask") for band in ("_near", "_middle", "_far")]


@block
def leaning(bid, ask):
    """(bid - ask) / (bid + ask), 0 where both are 0."""
    return (bid - ask) / (bid + ask) if bid + ask > 0.0 else 0.0


@kernel
def _l2_delta(
    p, memory, symbol, bid_sizes, ask_sizes,
    event, zscore, bid_near, bid_middle, bid_far, ask_near, ask_middle, ask_far, lean_near, lean_middle, lean_far,
):  # fmt: skip
    levels = bid_sizes.shape[0]
    for first in range(0, event.size, PIECE):
        end = min(first + PIECE, event.size)
        total(bid_near, bid_sizes, 0, p.near, first, end)
        total(bid_middle, bid_sizes, p.near, p.middle, first, end)
        total(bid_far, bid_sizes, p.middle, levels, first, end)
        total(ask_near, ask_sizes, 0, p.near, first, end)
        total(ask_middle, ask_sizes, p.near, p.middle, first, end)
        total(ask_far, ask_sizes, p.middle, levels, first, end)
        for i in range(first, end):
            b, bb, bbb, a, aa, aaa = bid_near[i], bid_middle[i], bid_far[i], ask_near[i], ask_middle[i], ask_far[i]
            event[i] = zscore[i] = bid_near[i] = bid_middle[i] = bid_far[i] = nan
            ask_near[i] = ask_middle[i] = ask_far[i] = lean_near[i] = lean_middle[i] = lean_far[i] = nan
            if isnan(b + bb + bbb + a + aa + aaa):
                continue
            m = memory[symbol[i]]
            if m.seen >= 0:
                whole = (b + a) + (m.bid_near + m.ask_near)
                net = ((b - m.bid_near) - (a - m.ask_near)) / whole if whole > 0.0 else 0.0
                z = score(m.z, m.seen, p.n, on_grid(net, FINE))
                if m.seen + 1 >= p.n:
                    event[i], zscore[i] = (0.0 if abs(z) < p.threshold else 1.0 if z > 0.0 else -1.0), z
                    bid_near[i], bid_middle[i], bid_far[i] = b - m.bid_near, bb - m.bid_middle, bbb - m.bid_far
                    ask_near[i], ask_middle[i], ask_far[i] = a - m.ask_near, aa - m.ask_middle, aaa - m.ask_far
                    lean_near[i], lean_middle[i], lean_far[i] = leaning(b, a), leaning(bb, aa), leaning(bbb, aaa)
            m.bid_near, m.bid_middle, m.bid_far, m.ask_near, m.ask_middle, m.ask_far = b, bb, bbb, a, aa, aaa
            m.seen += 1


def l2_delta(
    near: int = 5,
    middle: int = 10,
    far: int = 20,
    n: int = 500,
    threshold: float = 4.0,
    *,
    bid_size: str = "bid_size",
    ask_size: str = "ask_size",
    out: str = "l2_delta",
) -> Feature:
    """What came to the book less what left it since the row before, by bands of levels, and where that is rare.

    change of a side and band: its sizes now, summed, less those of the row before;
    imbalance of a band: (B - A) / (B + A), B and A what rests there now, 0 where nothing does;
    d = (change of near bids - change of near asks) / (all that rests near, now and before), 0 where that is 0;
    z = (d - mean) / σ, mean and σ those of the last n d, this one included (d counts in steps of 2^-40)

    Event: |z| is at least `threshold`.

    Args:
        near, middle, far: the bands are levels 1 to near, near + 1 to middle, middle + 1 to far, which is at most 1000.
        n: changes in the window of the score, at least 2.
        threshold: standard deviations, positive and finite, below sqrt(n - 1), which none exceeds.
        bid_size, ask_size: stems of the columns read: `bid_size_0` (the best) to `bid_size_<far-1>`; so asks.
            (rows,) float64, not negative, or NaN; a row missing any of them is missing (an empty level has size 0).
        out: columns written, (rows,) float64, NaN for the first n rows of a symbol.
            `out_event`: 1 bids came or asks left, -1 the reverse, else 0.  `out_zscore`: z.
            `out_bid_near`, `out_bid_middle`, `out_bid_far`, `out_ask_near`, …: changes, in the unit of size.
            `out_imbalance_near`, `out_imbalance_middle`, `out_imbalance_far`: from -1 (only asks) to 1 (only bids).

    Raises:
        ValueError: if the bands do not grow, n is below 2 or threshold is out of range.

    Source: R. Cont, A. Kukanov, S. Stoikov, The price impact of order book events, J. Financ. Econom. 12, 2014 (depth
        changes as order flow); C. Cao, O. Hansch, X. Wang, The information content of an open limit-order book,
        J. Futures Mark. 29, 2009 (levels behind the best say something of their own).
    Differs: levels are counted from the best, so a price that moves shifts sizes between levels; `ofi` follows prices.
    """
    near, middle, far = (
        level_count("l2_delta", name, value) for name, value in (("near", near), ("middle", middle), ("far", far))
    )
    n = row_count("l2_delta", "n", n, 2)
    if not near < middle < far:
        raise ValueError(f"l2_delta: bands must grow, got near={near}, middle={middle}, far={far}")
    if not 0.0 < number("l2_delta", "threshold", threshold) < sqrt(n - 1):
        raise ValueError(f"l2_delta: threshold must be positive and below sqrt(n - 1), got {threshold} with n={n}")
    blank = np.zeros((), [("seen", "i8"), *SIDES, ("z", scores(n))])
    blank["seen"] = -1
    names = ("event", "zscore", *(name for name, _ in SIDES), *(f"imbalance_{b}" for b in ("near", "middle", "far")))
    outputs = tuple(f"{out}_{name}" for name in names)
    params = Bands(near, middle, n, threshold)
    return Feature(
        _l2_delta, params, blank, (ladder(bid_size, far), ladder(ask_size, far)), outputs, n, n, clock="book"
    )
