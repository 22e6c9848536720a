"""The micro-price: where the mid is expected to settle, given how the touch looks now.

Fitting is apart from filtering: `fit_stoikov` learns a table of adjustments from quotes, the feature looks them up.
"""

from collections.abc import Mapping
from math import floor, inf, isnan, nan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.core import Feature
from quantlib.features.rows import number, row_count
from quantlib.jit import kernel
from quantlib.kernels.ring import window

LARGEST = 4000  # states that a table may have
UNFIT = 1e-12  # of a row of probabilities that is held back, so that states which never end have an answer: 0


class Touch(NamedTuple):
    tick: float
    spreads: int  # classes of spread: 1 tick, 2 ticks, …, and all wider ones with the last
    imbalances: int  # classes of imbalance, equally wide


@kernel
def _stoikov_microprice(p, memory, symbol, bid, ask, bid_size, ask_size, price, adjustment):
    for i in range(bid.size):
        price[i] = adjustment[i] = nan
        size = bid_size[i] + ask_size[i]
        if not isnan(bid[i] + ask[i] + size):
            lean = bid_size[i] / size if size > 0.0 else 0.5
            ticks = floor(max(1.0, min((ask[i] - bid[i]) / p.tick + 0.5, float(p.spreads))))
            place = (int(ticks) - 1) * p.imbalances + min(int(lean * p.imbalances), p.imbalances - 1)
            adjustment[i] = memory[symbol[i]].table[place]
            price[i] = 0.5 * (bid[i] + ask[i]) + adjustment[i]


def stoikov_microprice(
    table: ArrayLike | None = None,
    tick: float = 0.01,
    *,
    bid: str = "bid",
    ask: str = "ask",
    bid_size: str = "bid_size",
    ask_size: str = "ask_size",
    out: str = "stoikov_microprice",
) -> Feature:
    """Micro-price of Stoikov: the mid, and what it is expected to move, by spread and imbalance.

    price = mid + G(I, S),  I = bid_size / (bid_size + ask_size) (0.5 where both are 0),  S the spread in ticks

    Args:
        table: G, (spreads, imbalances) float64 in the unit of price: row k for spreads of k + 1 ticks (the first for
            narrower, the last for wider ones too), columns for I cut into equal parts of 0 to 1. From `fit_stoikov`; if
            None, 3 by 10 with G = (I - 0.5) S tick at the middle of each part: the mid weighted by size, in steps.
        tick: step of price, positive.
        bid, ask: columns read. (rows,) float64, in the unit of price, positive or NaN.
        bid_size, ask_size: columns read. (rows,) float64, not negative, or NaN; a row missing any of these is missing.
        out: columns written, (rows,) float64, in the unit of price: `out`, and `out_adjustment`, G.

    Raises:
        ValueError: if tick is not positive, or the table is no finite matrix of 1 to 4,000 numbers.

    Source: S. Stoikov, The micro-price: a high-frequency estimator of future prices, Quant. Finance 18, 2018, sec. 4.
    Differs: he leaves quotes with wider spreads out; here they share the last class.
    """
    if not 0.0 < number("stoikov_microprice", "tick", tick) < inf:
        raise ValueError(f"stoikov_microprice: tick must be positive and finite, got {tick}")
    if table is None:
        middles = (np.arange(10) + 0.5) / 10
        table = np.outer(np.arange(1, 4), middles - 0.5) * tick
    known = np.asarray(table, np.float64)
    if known.ndim != 2 or not 1 <= known.size <= LARGEST or not np.isfinite(known).all():
        raise ValueError(f"stoikov_microprice: table must be a finite matrix of 1 to {LARGEST} numbers, got {table!r}")
    blank = np.zeros((), window(known.size, "table")[:1])
    blank["table"][: known.size] = known.ravel()
    params = Touch(float(tick), *known.shape)
    inputs = (bid, ask, bid_size, ask_size)
    return Feature(_stoikov_microprice, params, blank, inputs, (out, f"{out}_adjustment"), 0, 0, clock="quote")


def fit_stoikov(
    columns: Mapping[str, NDArray[Any]], tick: float, *, spreads: int = 3, imbalances: int = 10, steps: int = 200
) -> NDArray[np.float64]:
    """The table of adjustments G that quotes of the past suggest.

    G = G1 + B G1 + B^2 G1 + …,  G1 = (1 - Q)^-1 r,  B = (1 - Q)^-1 T

    States are pairs of spread and imbalance.  Q[x, y] is how often y follows x while the mid stands still, T[x, y] how
    often while it moves, r[x] the mean move of the mid from x to the next quote.  Every quote counts twice, once in the
    mirror (bid for ask), so that G of a balanced touch is 0 and the sum converges.

    Args:
        columns: `bid`, `ask`, `bid_size`, `ask_size`, (rows,) float64 in the order of time, rows missing one are left
            out; `symbol` if there are several, which are pooled.
        tick: step of price, positive.
        spreads, imbalances: classes, at least 1.
        steps: terms of the sum at most; it ends before where they fall below 1e-9 ticks.

    Returns:
        (spreads, imbalances) float64, in the unit of price; 0 for states that never occurred.

    Raises:
        ValueError: if tick or a count is out of range.

    Source: S. Stoikov, The micro-price: a high-frequency estimator of future prices, Quant. Finance 18, 2018, sec. 4.2.
    Differs: quotes follow each other as they come, not on a grid of time; moves of the mid enter by their mean, which
        gives the same G as his classes of moves.
    """
    if not 0.0 < number("fit_stoikov", "tick", tick) < inf:
        raise ValueError(f"fit_stoikov: tick must be positive and finite, got {tick}")
    shape = row_count("fit_stoikov", "spreads", spreads), row_count("fit_stoikov", "imbalances", imbalances)
    states = shape[0] * shape[1]
    stay, move, drift = np.zeros((states, states)), np.zeros((states, states)), np.zeros(states)
    for before, after, moved in _transitions(columns, tick, *shape):
        still = moved == 0.0
        np.add.at(stay, (before[still], after[still]), 1.0)
        np.add.at(move, (before[~still], after[~still]), 1.0)
        np.add.at(drift, before, moved)
    seen = np.maximum(stay.sum(axis=1) + move.sum(axis=1), 1.0)[:, None]
    ending = np.eye(states) * (1.0 + UNFIT) - stay / seen
    first = np.linalg.solve(ending, drift / seen[:, 0])
    onward = np.linalg.solve(ending, move / seen)
    total, term = first.copy(), first
    for _ in range(steps - 1):
        term = onward @ term
        total += term
        if np.abs(term).max() < 1e-9 * tick:
            break
    return total.reshape(shape)


def _transitions(
    columns: Mapping[str, NDArray[Any]], tick: float, spreads: int, imbalances: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """(state, next state, move of the mid) of quotes that follow each other, as they are and in the mirror."""
    bid, ask, bid_size, ask_size = (columns[name] for name in ("bid", "ask", "bid_size", "ask_size"))
    symbol = columns.get("symbol", np.zeros(len(bid), np.int32))
    there = np.flatnonzero(~np.isnan(bid + ask + bid_size + ask_size))
    there = there[np.argsort(symbol[there], kind="stable")]
    bid, ask, size = bid[there], ask[there], (bid_size + ask_size)[there]
    lean = np.divide(bid_size[there], size, out=np.full(len(there), 0.5), where=size > 0.0)
    ticks = np.floor(np.clip((ask - bid) / tick + 0.5, 1.0, spreads)).astype(np.int64) - 1
    part = np.minimum((lean * imbalances).astype(np.int64), imbalances - 1)
    moved = np.diff(0.5 * (bid + ask))
    moved[np.abs(moved) < 0.25 * tick] = 0.0
    same = np.diff(symbol[there]) == 0
    found = []
    for place, sign in ((part, 1.0), (imbalances - 1 - part, -1.0)):
        state = ticks * imbalances + place
        found.append((state[:-1][same], state[1:][same], sign * moved[same]))
    return found
