"""The simulated exchange: its memory, and how commands come in and answers go out; a resumable loop on fixed records.

What a bar does to the orders that work here is in `backtest.matching`, how they fill in `backtest.filling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest.costs import Costs, cost_record
from quantlib.desk.memory import COMMANDS_PER_SYMBOL, TABLE_FULL, UNKNOWN_ORDER, table
from quantlib.desk.messages import (
    ACCEPTED,
    CANCEL,
    CANCELLING,
    CARRY,
    REJECTED,
    REPLACING,
    REPORT,
    RESTING,
    STEADY,
    SUBMIT,
    WORKING,
)
from quantlib.desk.orders import find, insert
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


@block
def end_order(x, o, ts, kind, status, reason):
    o.status = status
    answer(x, o, ts, kind, reason)


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
