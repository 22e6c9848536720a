"""The market's loop: every event changes the book, and what it changed is put on tape.

Orders come with no intelligence but three: nobody leaves an order where the efficient price has passed it, takers take
what lies on the wrong side of it, and takers lean with the queues at the best prices.  At a distance where less rests
than the profile asks for an order is the likelier to be placed, where more rests to be cancelled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block, kernel
from quantlib.synthetic.plants import ASK, BEGIN, BID, BOTH, ICEBERG, LURE, ORDINARY, SPOOF, VACUUM
from quantlib.synthetic.resting import place, take, withdraw


class Flow(NamedTuple):
    """How orders behave."""

    takers: float  # share of orders that take
    informed: float  # of takers who know when a price is wrong
    lean: float  # share of takers, times imbalance, who follow the heavier queue
    stale: float  # ticks that the efficient price may pass an order before it is withdrawn
    reach: int  # ticks that a taker will pay beyond the best price
    near: int  # ticks behind the best price from which a vacuum withdraws
    drawn: float  # share that it withdraws
    every: int  # microseconds between snapshots of the book; 0: one after every event


class Arriving(NamedTuple):
    """What comes, in order of time: (n,) each, but `chance` (n, 4)."""

    at: NDArray[np.int64]  # microseconds
    what: NDArray[np.int64]  # ORDINARY or what a plan does
    plan: NDArray[np.int64]
    efficient: NDArray[np.float64]  # the price the informed know, in ticks
    chance: NDArray[np.float64]  # uniform numbers
    distance: NDArray[np.int64]  # ticks from the best price across
    maker_lots: NDArray[np.int64]
    taker_lots: NDArray[np.int64]
    run: NDArray[np.int64]  # takers' orders that one parent is split into


class Told(NamedTuple):
    """What is told: trades, quotes (states of the best prices), books (levels, then rows)."""

    at: NDArray[np.int64]
    tick: NDArray[np.int64]
    lots: NDArray[np.int64]
    aggressor: NDArray[np.int64]
    quote_at: NDArray[np.int64]
    quote: NDArray[np.int64]  # (rows, 4): bid, ask, lots at each
    book_at: NDArray[np.int64]  # when it was taken
    book_last: NDArray[np.int64]  # its last event
    book: NDArray[np.float64]  # (4 levels, rows): bids, bid sizes, asks, ask sizes, each from the best


PARENTS = 8  # large orders that are being split at any time
STATE = [
    *((name, "i8") for name in ("trades", "quotes", "books", "now", "iceberg", "iceberg_side", "iceberg_tick")),
    *((name, "i8") for name in ("tip", "reserve", "refills", "melted")),
    ("fade", "f8", 2),  # share of each side's profile near the best price that is away
    ("parent", "i8", PARENTS),
    ("left", "i8", PARENTS),
]


def blank() -> NDArray[Any]:
    """The loop's state before the first event: (1,) record."""
    state = np.zeros(1, STATE)
    state["iceberg"] = state["melted"] = -1
    return state


@kernel
def trade_on(p, e, plans, profile, prices, lot, depth, planted, touch, state, tape):
    """All events, each told on tape."""
    m = state[0]
    for i in range(e.at.size):
        now = e.at[i]
        if p.every > 0:
            while tape.book_at[0] + m.books * p.every <= now and m.books < tape.book_at.size:
                _snapshot(tape, m, tape.book_at[0] + m.books * p.every, prices, lot, depth, touch)
        if e.what[i] == ORDINARY:
            _order(p, e, i, profile, depth, planted, touch, m, tape)
        else:
            _act(p, plans[e.plan[i]], e.plan[i], e.what[i], now, depth, planted, touch, m, tape)
        m.now = now
        _quote(tape, m, now, depth, touch)
        if p.every == 0:
            _snapshot(tape, m, now, prices, lot, depth, touch)


@kernel
def _order(p, e, i, profile, depth, planted, touch, m, tape):
    kind, which, how = e.chance[i, 0], e.chance[i, 1], e.chance[i, 2]
    if kind < p.takers:
        side = _taken(p, e, i, which, how, depth, touch, m)
        take(depth, planted, touch, side, e.taker_lots[i], p.reach, e.at[i], m, tape)
        return
    side = BID if which < 0.5 else ASK
    d = e.distance[i]
    tick = touch[ASK] - d if side == BID else touch[BID] + d
    past = tick - e.efficient[i] if side == BID else e.efficient[i] - tick
    ease = min(max(p.stale - past, 0.0), 1.0)  # the nearer the efficient price, the less is dared
    fade = m.fade[side] if d <= p.near else 0.0
    wanted = ease * profile[d] * (1.0 - fade)
    own = depth[side, tick] - planted[side, tick]
    if how * (wanted + own) < wanted:
        place(depth, touch, side, tick, e.maker_lots[i])
    elif own > 0:
        flight = own - int(wanted) if ease == 0.0 or fade > 0.0 else 0  # who fears to be taken goes at once
        withdraw(depth, touch, side, tick, min(own, max(flight, e.maker_lots[i])))


@kernel
def _taken(p, e, i, which, how, depth, touch, m):
    """The side that a taker takes from: that of a parent order being split, unless it knows better."""
    k = int(which * PARENTS)
    if m.left[k] <= 0:
        m.left[k] = e.run[i]
        m.parent[k] = BID if e.chance[i, 3] < 0.5 else ASK
    m.left[k] -= 1
    if how < p.informed:
        if e.efficient[i] > touch[ASK]:
            return ASK
        if e.efficient[i] < touch[BID]:
            return BID
    bid, ask = depth[BID, touch[BID]], depth[ASK, touch[ASK]]
    lean = p.lean * (bid - ask) / (bid + ask)
    if how < abs(lean):
        return ASK if lean > 0.0 else BID
    return m.parent[k]


@kernel
def _act(p, plan, k, what, now, depth, planted, touch, m, tape):
    """What a plan does: an iceberg, spoof, vacuum or wall begins or ends, or takers are lured."""
    if plan.kind == VACUUM:
        for side in (BID, ASK):
            if plan.side == side or plan.side == BOTH:
                m.fade[side] = p.drawn if what == BEGIN else 0.0
                if what == BEGIN:
                    plan.lots += _drained(p, depth, planted, touch, side)
        plan.tick = touch[ASK if plan.side == ASK else BID] if what == BEGIN else plan.tick
    elif what == BEGIN:
        _begin(plan, k, depth, planted, touch, m)
    elif what == LURE:
        plan.executed += take(depth, planted, touch, 1 - plan.side, plan.bait // 3, p.reach, now, m, tape)
    else:
        left = min(plan.lots, planted[plan.side, plan.tick])
        if plan.kind == ICEBERG:
            left = planted[plan.side, plan.tick] if m.melted < 0 else 0
            plan.executed = plan.lots + plan.reserve - left - m.reserve
            plan.refills = m.refills
            plan.end = m.melted if m.melted >= 0 else now
            m.iceberg = -1
        planted[plan.side, plan.tick] -= left
        withdraw(depth, touch, plan.side, plan.tick, left)


@kernel
def _begin(plan, k, depth, planted, touch, m):
    """An order comes to rest behind the best price, at a tick where nothing planted stands."""
    step = -1 if plan.side == BID else 1
    plan.tick = touch[plan.side] + step * plan.away
    while planted[plan.side, plan.tick] > 0:
        plan.tick += step
    place(depth, touch, plan.side, plan.tick, plan.lots)
    planted[plan.side, plan.tick] += plan.lots
    if plan.kind == SPOOF:
        place(depth, touch, 1 - plan.side, touch[1 - plan.side], plan.bait)
    if plan.kind == ICEBERG:
        m.iceberg, m.iceberg_side, m.iceberg_tick = k, plan.side, plan.tick
        m.tip, m.reserve, m.refills, m.melted = plan.lots, plan.reserve, 0, -1


@kernel
def _drained(p, depth, planted, touch, side):
    """A vacuum withdraws its share near the best price; the lots that went."""
    step, first, gone = -1 if side == BID else 1, touch[side], 0
    for k in range(p.near):
        tick = first + step * k
        part = int(p.drawn * (depth[side, tick] - planted[side, tick]))
        withdraw(depth, touch, side, tick, part)
        gone += part
    return gone


@block
def _quote(tape, m, now, depth, touch):
    """A quote, if the best prices or what rests there changed."""
    bid, ask = touch[BID], touch[ASK]
    bids, asks = depth[BID, bid], depth[ASK, ask]
    k = m.quotes
    q = tape.quote[max(k - 1, 0)]
    if k == 0 or q[0] != bid or q[1] != ask or q[2] != bids or q[3] != asks:
        tape.quote_at[k] = now
        tape.quote[k, 0], tape.quote[k, 1], tape.quote[k, 2], tape.quote[k, 3] = bid, ask, bids, asks
        m.quotes += 1


@kernel
def _snapshot(tape, m, now, prices, lot, depth, touch):
    """The best levels of both sides that hold anything."""
    i, levels = m.books, tape.book.shape[0] // 4
    for side in (BID, ASK):
        tick, step = touch[side], -1 if side == BID else 1
        for k in range(levels):
            while depth[side, tick] == 0 and 0 < tick < depth.shape[1] - 1:
                tick += step
            tape.book[2 * levels * side + k, i] = prices[tick]
            tape.book[2 * levels * side + levels + k, i] = lot * depth[side, tick]
            tick += step
    tape.book_at[i], tape.book_last[i] = now, m.now
    m.books += 1
