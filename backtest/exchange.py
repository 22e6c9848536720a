"""The simulated exchange at bar fidelity: commands in, bars in, reports out; a resumable loop on fixed records.

What a bar does to working orders, pessimistic where the bar is silent about its path:

1. An order takes part in a bar only if it had reached the exchange when the bar began (`Costs.latency`).
2. At the open: market orders fill; stops that the open has passed fill there (a gap fills at the open, not at the
   stop); limits that the open has passed fill at the open, which is better than their price.
3. Inside the bar, stops first: a stop fills at its price once high or low reach it.
4. Then limits: a limit fills at its price once low or high reach it (or trade `through_ticks` beyond it).
   So a bar that holds both the stop and the target of a position fills the stop.
5. Bracket legs come to life with the fill of their entry and see the rest of that bar.  After an entry at the open that
   is the whole bar.  After an entry inside the bar the stop is taken as hit if the bar reaches it at all, the target
   only if the close lies beyond it.
6. One leg filled cancels the other and what is left of the entry.  Orders that only reduce are cut to the position, and
   end with it.
7. DAY orders die after the UTC day in which they first took part.
8. With `Costs.through_ticks` "the open has passed" and "reach" ask for so many ticks beyond the limit, at the open too.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest.costs import Costs, cost_record
from quantlib.desk.memory import COMMANDS_PER_SYMBOL, NOT_REDUCING, TABLE_FULL, UNKNOWN_ORDER, table
from quantlib.desk.messages import (
    ACCEPTED,
    CANCEL,
    CANCELED,
    CANCELLED,
    CANCELLING,
    CARRY,
    DAY,
    ENTRY,
    EXPIRE,
    EXPIRED,
    FILL,
    FILLED,
    GTC,
    LIMIT,
    MARKET,
    PARTIAL,
    REJECTED,
    REPLACED,
    REPLACING,
    REPORT,
    RESTING,
    STEADY,
    STOP,
    STOP_LEG,
    STOP_LIMIT,
    SUBMIT,
    TARGET_LEG,
    WORKING,
)
from quantlib.desk.orders import adverse_tick, find, insert, nearest_tick, sweep
from quantlib.desk.policy import DAY_NS
from quantlib.jit import block, kernel

STATE = np.dtype([("free", "i4"), ("reports", "i4"), ("lost", "i8")], align=True)
BOOK = np.dtype(
    [
        ("head", "i4"), ("settled", "i4"), ("lots", "i8"), ("ended", "i8"), ("charged", "i8"), ("expires", "i8"),
        ("up", "f8"), ("down", "f8"), ("depth", "f8"),
    ],
    align=True,
)  # fmt: skip
FIRST = np.iinfo(np.int64).min
NEVER = np.iinfo(np.int64).max


class Exchange(NamedTuple):
    """The exchange's memory and parameters."""

    costs: NDArray[Any]  # (1,)
    state: NDArray[Any]  # (1,)
    instruments: NDArray[Any]  # (symbols,)
    books: NDArray[Any]  # (symbols,)
    orders: NDArray[Any]  # (capacity,) slots
    reports: NDArray[Any]  # (capacity,), state.reports of them waiting to be taken


def opened(symbols: Sequence[str], instruments: NDArray[Any], costs: Costs | None = None) -> Exchange:
    """An exchange without orders, that knows these instruments."""
    state, books = np.zeros(1, STATE), np.zeros(len(symbols), BOOK)
    books["ended"] = books["charged"] = FIRST
    capacity = 256 + 4 * COMMANDS_PER_SYMBOL * len(symbols)
    orders = table(64 + 16 * len(symbols), state, RESTING)
    return Exchange(
        cost_record(costs or Costs()), state, instruments, books, orders, np.zeros(capacity, REPORT)
    )  # fmt: skip


def to_bytes(exchange: Exchange) -> bytes:
    """All memory of the exchange."""
    return b"".join(p.tobytes() for p in (exchange.state, exchange.books, exchange.orders, exchange.reports))


def restored(exchange: Exchange, data: bytes) -> Exchange:
    """An exchange like this one whose memory is `data`."""
    parts = (exchange.state, exchange.books, exchange.orders, exchange.reports)
    if len(data) != sum(p.nbytes for p in parts):
        raise ValueError(f"exchange: memory must be {sum(p.nbytes for p in parts)} bytes, got {len(data)}")
    filled, offset = [], 0
    for part in parts:
        filled.append(np.frombuffer(data[offset : offset + part.nbytes], part.dtype).copy())
        offset += part.nbytes
    return exchange._replace(state=filled[0], books=filled[1], orders=filled[2], reports=filled[3])


@block
def accept(x, commands, count, ts):
    """Take commands sent at `ts`; they act when they have arrived, their answers wait for the next step."""
    costs, state = x.costs[0], x.state[0]
    for i in range(count):
        c = commands[i]
        book = x.books[c.symbol]
        book.settled = 0
        if c.kind == SUBMIT:
            k = insert(x.orders, state, book, c, ts)
            if k == 0:
                answer(x, c, ts, REJECTED, TABLE_FULL)
                continue
            o = x.orders[k]
            rest(o, ts + costs.latency, costs.latency_bars + 1, x.instruments[c.symbol].per_tick)
            answer(x, o, ts, ACCEPTED, 0)
            continue
        k = find(x.orders, book, c.id)
        if k == 0 or x.orders[k].change == CANCELLING or (c.kind != CANCEL and x.orders[k].change != STEADY):
            answer(x, c, ts, REJECTED, UNKNOWN_ORDER)
            continue
        o = x.orders[k]  # a cancel overtakes a replacement that has not arrived
        o.change = CANCELLING if c.kind == CANCEL else REPLACING
        o.change_active = ts + costs.latency
        o.new_lots, o.new_limit, o.new_stop = c.lots, c.limit, c.stop


@block
def rest(o, active, wait, per_tick):
    """A new order takes its place in the book; it takes part from its `wait`-th bar on, or in this one already if 0."""
    o.status = WORKING
    o.active = active
    o.wait = wait
    o.expires = 0
    o.triggered = 0
    o.inside = 0
    o.limit_price = o.limit / per_tick
    o.stop_price = o.stop / per_tick


@block
def awake(book, costs, ts, high, low):
    """False where every order rests and this bar reaches none (a missing bar reaches none): nothing can happen."""
    if book.lots < 0 and costs.borrow > 0.0:
        return True
    if book.head == 0:
        return False
    return book.settled == 0 or high >= book.up or low <= book.down or ts > book.expires


@block
def answer(x, o, ts, kind, reason):
    """Queue a report about an order."""
    state = x.state[0]
    if state.reports >= x.reports.size:
        state.lost += 1
        return
    r = x.reports[state.reports]
    state.reports += 1
    r.ts = ts
    r.id = o.id
    r.group = o.group
    r.lots = o.lots
    r.limit = o.limit
    r.stop = o.stop
    r.price = 0.0
    r.fee = 0.0
    r.slippage = 0.0
    r.symbol = o.symbol
    r.kind = kind
    r.side = o.side
    r.order = o.order
    r.leg = o.leg
    r.reason = reason


@kernel
def charge_borrow(x, s, ts, close):
    """Interest on a short position for the days since it was last charged."""
    book = x.books[s]
    if book.charged != FIRST and ts - book.charged >= DAY_NS:
        days = (ts - book.charged) // DAY_NS
        book.charged += days * DAY_NS
        o = x.orders[0]  # slot 0 is no order: it lends its words to a report that is about none
        o.id, o.group, o.lots, o.limit, o.stop, o.symbol, o.side, o.leg = 0, 0, -book.lots, 0, 0, s, 0, 0
        answer(x, o, ts, CARRY, 0)
        r = x.reports[x.state[0].reports - 1]
        r.fee = -book.lots * x.instruments[s].unit * close * x.costs[0].borrow * days / 365.0


@block
def match_bar(x, s, ts, begins, open, high, low, close, volume):
    """One bar against the orders of one symbol, by the rules above."""
    costs, book, orders = x.costs[0], x.books[s], x.orders
    if book.lots < 0 and costs.borrow > 0.0:
        charge_borrow(x, s, ts, close)
    unit, per_tick = x.instruments[s].unit, x.instruments[s].per_tick
    book.depth = inf
    if costs.participation > 0.0 and volume == volume:
        book.depth = floor(costs.participation * volume / x.instruments[s].lot)
    slip = costs.spread / 2.0 * open + costs.range_share * (high - low)
    through = costs.through_ticks
    k = book.head
    while k != 0:  # answers to changes, then the open
        o = orders[k]
        if arrive(x, o, ts, begins):
            at_open = o.order == MARKET
            if o.order == STOP or o.order == STOP_LIMIT:
                if o.triggered == 0 and (open - o.stop_price) * o.side >= 0.0:
                    o.triggered = 1
                at_open = o.triggered != 0 and o.order == STOP
            if at_open:
                trade(x, s, k, ts, open, slip, unit, per_tick, 0)
            elif (o.order == LIMIT or o.triggered != 0) and (edge(o, through, per_tick) - open) * o.side >= 0.0:
                trade(x, s, k, ts, open, 0.0, unit, per_tick, 0)
        k = o.next
    k = book.head
    while k != 0:  # stops inside the bar
        o = orders[k]
        if takes_part(o, begins) and o.triggered == 0 and (o.order == STOP or o.order == STOP_LIMIT):
            reach = high if o.side > 0 else low
            if (reach - o.stop_price) * o.side >= 0.0:
                o.triggered = 1
                if o.order == STOP:
                    trade(x, s, k, ts, o.stop_price, slip, unit, per_tick, 1)
                elif (o.limit_price - o.stop_price) * o.side >= 0.0:
                    trade(x, s, k, ts, o.stop_price, 0.0, unit, per_tick, 1)
                elif (edge(o, through, per_tick) - close) * o.side >= 0.0:
                    trade(x, s, k, ts, o.limit_price, 0.0, unit, per_tick, 1)
                else:
                    o.triggered = 2  # rests as a limit from the next bar on
        k = o.next
    k = book.head
    while k != 0:  # limits inside the bar
        o = orders[k]
        if takes_part(o, begins) and (o.order == LIMIT or o.triggered == 1):
            reach = low if o.side > 0 else high
            if (edge(o, through, per_tick) - reach) * o.side >= 0.0:
                trade(x, s, k, ts, o.limit_price, 0.0, unit, per_tick, 1)
        k = o.next
    born_inside(x, s, ts, low, high, close, slip, unit, per_tick)
    sweep(orders, x.state[0], book)
    settle(x, s, through, per_tick)


@block
def edge(o, through, per_tick):
    """The price that the market must reach for a limit to fill: its own, or so many ticks beyond it."""
    return o.limit_price if through == 0 else (o.limit - o.side * through) / per_tick


@block
def arrive(x, o, ts, begins):
    """Apply what has reached the exchange when the bar began; True if the order takes part in the bar."""
    if o.status > PARTIAL or o.active > begins:
        return False
    if o.expires != 0 and ts > o.expires:
        end_order(x, o, ts, EXPIRED, EXPIRE, 0)
        return False
    if o.change != STEADY and o.change_active <= begins:
        if o.change == CANCELLING:
            end_order(x, o, ts, CANCELLED, CANCELED, 0)
            return False
        per_tick = x.instruments[o.symbol].per_tick
        o.change = STEADY
        if o.new_lots <= o.filled:
            answer(x, o, ts, REJECTED, NOT_REDUCING)
        else:
            o.lots, o.limit, o.stop = o.new_lots, o.new_limit, o.new_stop
            o.limit_price, o.stop_price = o.limit / per_tick, o.stop / per_tick
            answer(x, o, ts, REPLACED, 0)
    if o.wait > 0:
        o.wait -= 1
        if o.wait > 0:
            return False
    if o.tif == DAY and o.expires == 0:
        o.expires = ((ts - 1) // DAY_NS + 1) * DAY_NS
    if o.triggered == 2:
        o.triggered = 1
    return True


@block
def takes_part(o, begins):
    return o.status <= PARTIAL and o.active <= begins and o.wait == 0 and o.inside == 0


@block
def end_order(x, o, ts, kind, status, reason):
    o.status = status
    answer(x, o, ts, kind, reason)


@kernel
def trade(x, s, k, ts, price, slip, unit, per_tick, inside):
    """Fill what the position and the bar's volume allow; legs come to life, siblings end."""
    book, costs, o = x.books[s], x.costs[0], x.orders[k]
    lots = o.lots - o.filled
    if o.reduce != 0:
        held = -book.lots * o.side
        if held <= 0:
            end_order(x, o, ts, CANCELLED, CANCELED, NOT_REDUCING)
            return
        lots = min(lots, held)
    if lots > book.depth:
        lots = int(book.depth)
        if lots == 0:
            return
    book.depth -= lots
    paid = price
    if slip > 0.0:
        paid = adverse_tick(price + o.side * slip, per_tick, o.side) / per_tick
        if o.side < 0 and paid <= 0.0:
            paid = 1.0 / per_tick
    notional = lots * unit * paid
    shares = lots * x.instruments[s].lot
    fee = max(costs.minimum, costs.per_share * shares + notional * costs.rate)
    if o.filled == 0:
        fee += costs.per_order
    answer(x, o, ts, FILL, 0)
    r = x.reports[x.state[0].reports - 1]
    r.lots, r.price, r.fee, r.slippage = lots, paid, fee, abs(paid - price) * lots * unit
    was = book.lots
    book.lots += o.side * lots
    if was >= 0 and book.lots < 0:
        book.charged = ts
    o.filled += lots
    o.status = PARTIAL if o.filled < o.lots else FILLED
    if o.leg == ENTRY and (o.stop_fraction > 0.0 or o.target_fraction > 0.0):
        attach(x, s, k, ts, lots, paid, per_tick, inside)
    elif o.group != 0:
        end_siblings(x, s, o, ts, lots)
    if o.reduce != 0 and book.lots == 0:
        end_reducing(x, s, ts)


@kernel
def end_reducing(x, s, ts):
    """The position is closed: orders that could only reduce it end, so that none waits for the next one."""
    j = x.books[s].head
    while j != 0:
        o = x.orders[j]
        if o.reduce != 0 and o.status <= PARTIAL and o.active <= ts:
            end_order(x, o, ts, CANCELLED, CANCELED, NOT_REDUCING)
        j = o.next


@kernel
def end_siblings(x, s, o, ts, lots):
    """One of a group filled: its siblings shrink by as much or end, and the rest of the entry is taken back."""
    j = x.books[s].head
    while j != 0:
        other = x.orders[j]
        if other.id != o.id and other.status <= PARTIAL:
            if other.id == o.group:
                end_order(x, other, ts, CANCELLED, CANCELED, 0)
            elif other.group == o.group:
                if o.status == PARTIAL and other.lots - other.filled > lots:
                    other.lots -= lots
                    answer(x, other, ts, REPLACED, 0)
                else:
                    end_order(x, other, ts, CANCELLED, CANCELED, 0)
        j = other.next


@kernel
def attach(x, s, k, ts, lots, paid, per_tick, inside):
    """Bracket legs for what an entry filled: new ones at fractions of the fill price, or the first fill's, grown."""
    book, orders, entry = x.books[s], x.orders, x.orders[k]
    grown = False
    j = book.head
    while j != 0:
        leg = orders[j]
        if leg.group == entry.id and leg.status <= PARTIAL:
            leg.lots += lots
            answer(x, leg, ts, REPLACED, 0)
            grown = True
        j = leg.next
    if grown:
        return
    for which in (STOP_LEG, TARGET_LEG):
        fraction = entry.stop_fraction if which == STOP_LEG else entry.target_fraction
        if fraction > 0.0:
            away = -entry.side if which == STOP_LEG else entry.side
            ticks = max(1, nearest_tick(paid * (1.0 + away * fraction), per_tick))
            j = insert(orders, x.state[0], book, entry, ts)
            if j == 0:
                x.state[0].lost += 1
                continue
            leg = orders[j]
            leg.id = entry.id + (1 if which == STOP_LEG else 2)
            leg.group = entry.id
            leg.lots = lots
            leg.side = -entry.side
            leg.leg = which
            leg.reduce = 1
            leg.tif = GTC
            leg.stop_fraction = 0.0
            leg.target_fraction = 0.0
            leg.order = STOP if which == STOP_LEG else LIMIT
            leg.stop = ticks if which == STOP_LEG else 0
            leg.limit = 0 if which == STOP_LEG else ticks
            rest(leg, FIRST, 0, per_tick)
            leg.inside = inside  # see `born_inside`
            answer(x, leg, ts, ACCEPTED, 0)


@block
def born_inside(x, s, ts, low, high, close, slip, unit, per_tick):
    """Legs of entries filled inside this bar: the stop if the bar reaches it, the target if the close is beyond."""
    k = x.books[s].head
    while k != 0:
        o = x.orders[k]
        reached = low <= o.stop_price if o.side < 0 else high >= o.stop_price
        if reached and o.inside != 0 and o.status <= PARTIAL and o.leg == STOP_LEG:
            o.triggered = 1
            trade(x, s, k, ts, o.stop_price, slip, unit, per_tick, 1)
        k = o.next
    k = x.books[s].head
    while k != 0:
        o = x.orders[k]
        if o.inside != 0 and o.status <= PARTIAL:
            if o.leg == TARGET_LEG and (close - o.limit_price) * -o.side >= 0.0:
                trade(x, s, k, ts, o.limit_price, 0.0, unit, per_tick, 1)
            o.inside = 0
        k = o.next


@block
def settle(x, s, through, per_tick):
    """Know the prices between which no resting order of this symbol can do anything."""
    book = x.books[s]
    book.up, book.down, book.settled, book.expires = inf, -inf, 1, NEVER
    k = book.head
    while k != 0:
        o = x.orders[k]
        if o.order == MARKET or o.change != STEADY or o.wait > 0 or o.triggered != 0:
            book.settled = 0
        if o.tif == DAY:
            if o.expires == 0:
                book.settled = 0
            else:
                book.expires = min(book.expires, o.expires)
        if o.order == LIMIT:
            if o.side > 0:
                book.down = max(book.down, edge(o, through, per_tick))
            else:
                book.up = min(book.up, edge(o, through, per_tick))
        elif o.side > 0:
            book.up = min(book.up, o.stop_price)
        else:
            book.down = max(book.down, o.stop_price)
        k = o.next
