"""What chance decides before the market opens: every order's kind, place and size, and room for what will be told."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.synthetic.arrivals import MICRO
from quantlib.synthetic.engine import Arriving, Flow, Told
from quantlib.synthetic.plants import LURE, Actions

SPAN = 60  # ticks from the best price across at which orders come and go
HUMP = 8.0  # ticks from there at which most rests
FLAT = 0.2  # share of the hump that rests at any distance
DEPTH = 30  # lots at the hump
MAKER = 0.8, 0.8  # mean and deviation of the log of lots placed or cancelled at once
TAIL = 1.5  # exponent of takers' lots, and of the runs in which parents split them
LARGEST, LONGEST = 300, 1000  # lots a taker wants at once; orders of one parent


def profile() -> NDArray[np.float64]:
    """Lots that rest at each distance from the best price across, 0 to SPAN, at rest."""
    x = np.arange(SPAN + 1) / HUMP
    return DEPTH * (FLAT + (1.0 - FLAT) * np.sqrt(x) * np.exp(0.5 * (1.0 - x)))


def events(rng: Any, arrivals: NDArray[np.int64], acts: Actions) -> Arriving:
    """Ordinary orders and what plans do, in order of time; the efficient price is not known yet.

    Distances fall off as 1 / d, makers' lots are log-normal, takers' lots and parents' lengths have tails of
    exponent TAIL.
    """
    n = len(arrivals)
    weight = np.cumsum(1.0 / np.arange(1, SPAN + 1))
    order = np.argsort(np.concatenate([arrivals, acts.at]), kind="stable")

    def merged(ordinary: NDArray[Any], planned: NDArray[Any] | None = None) -> NDArray[Any]:
        other = np.zeros((len(acts.at), *ordinary.shape[1:]), ordinary.dtype) if planned is None else planned
        return np.concatenate([ordinary, other])[order]

    def tailed(most: int) -> NDArray[np.int64]:
        return np.minimum((1.0 - rng.random(n)) ** (-1.0 / TAIL), most).astype(np.int64)

    nothing = np.zeros(n, np.int64)
    return Arriving(
        at=merged(arrivals, acts.at),
        what=merged(nothing, acts.what),
        plan=merged(nothing, acts.plan),
        efficient=np.empty(0),
        chance=merged(rng.random((n, 4))),
        distance=merged(1 + np.searchsorted(weight, rng.random(n) * weight[-1])),
        maker_lots=merged(np.ceil(rng.lognormal(*MAKER, n)).astype(np.int64)),
        taker_lots=merged(tailed(LARGEST)),
        run=merged(tailed(LONGEST)),
    )


def room(given: Arriving, flow: Flow, levels: int, seconds: float) -> Told:
    """An empty tape, long enough for whatever these events can tell."""
    n = len(given.at)
    takers = int((given.chance[:, 0] < flow.takers).sum() + (given.what == LURE).sum())
    trades = takers * (flow.reach + 1)
    books = n if flow.every == 0 else max(0, ceil(seconds * MICRO) // flow.every)
    return Told(
        at=np.empty(trades, np.int64),
        tick=np.empty(trades, np.int64),
        lots=np.empty(trades, np.int64),
        aggressor=np.empty(trades, np.int64),
        quote_at=np.empty(n, np.int64),
        quote=np.empty((n, 4), np.int64),
        book_at=np.full(books, flow.every, np.int64),
        book_last=np.empty(books, np.int64),
        book=np.empty((4 * levels, books)),
    )
