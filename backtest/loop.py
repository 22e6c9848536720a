"""The loop in which desk and exchange talk: one compiled call for a whole backtest, resumable after any timestamp.

For each timestamp, whole:
    operator events that are due -> the exchange matches the rows -> the desk hears the reports and marks the rows
    -> the desk decides row by row -> the exchange takes the commands
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest.exchange import accept
from backtest.matching import awake, match_bar
from quantlib.desk.consult import decide_rows, decided, missing
from quantlib.desk.decide import operate
from quantlib.desk.turn import observe, price
from quantlib.jit import block, kernel

CURSOR = np.dtype([("row", "i8"), ("group", "i8"), ("event", "i8")], align=True)


class Events(NamedTuple):
    """Operator events in time order; each comes before the rows known at its `ts`."""

    ts: NDArray[Any]
    action: NDArray[Any]


class Out(NamedTuple):
    """What the loop writes of each row and each timestamp."""

    decision: NDArray[Any]  # (rows,) int8
    equity: NDArray[Any]  # (timestamps,)
    gross: NDArray[Any]
    net: NDArray[Any]
    cursor: NDArray[Any]  # (1,)


@kernel
def replay(desk, exchange, rows, events, choose, room, out):
    """Run from the cursor to the last row, or until a log is nearly full: then take the logs and call again."""
    cursor, account = out.cursor[0], desk.account[0]
    limit = min(desk.fills.size, desk.finished.size) - 2 * desk.orders.size
    # Unsigned, because an index that may be negative is looked at twice.
    i, group, one = np.uintp(cursor.row), np.uintp(cursor.group), np.uintp(1)
    event, n, last = cursor.event, np.uintp(rows.ts.size), events.ts.size
    while i < n and account.fills < limit and account.finished < limit:
        now = rows.ts[i]
        j = i + one
        while j < n and rows.ts[j] == now:
            j += one
        while event < last and events.ts[event] <= now:
            operate(desk, events.ts[event], events.action[event])
            event += 1
        if j == i + one and still(desk, exchange, rows, i):  # most rows by far: no call, no inner loop
            price(desk, rows, i)
            out.decision[i] = decided(desk, rows, choose, room, i)
        else:
            happen(desk, exchange, rows, np.int64(i), np.int64(j))
            decide_rows(desk, rows, choose, room, out.decision, np.int64(i), np.int64(j))
        conclude(desk, exchange, out, group, now)
        group += one
        i = j
    cursor.row, cursor.group, cursor.event = i, group, event


@block
def still(desk, exchange, rows, k):
    """True where a row leaves `happen` nothing to do but `price`: no report, no new day, no order within its reach."""
    if missing(rows, k) or exchange.state[0].reports > 0 or rows.ts[k] > desk.account[0].day_end:
        return False
    book = exchange.books[np.uint32(rows.symbol[k])]
    if awake(book, exchange.costs[0], rows.ts[k], rows.high[k], rows.low[k]):
        return False
    book.ended = rows.ts[k]
    return True


@block
def happen(desk, exchange, rows, begin, end):
    """Rows [begin, end) of one timestamp reach the exchange, and what came of it reaches the desk."""
    match_rows(exchange, rows, begin, end)
    observe(desk, rows, exchange.reports, exchange.state[0].reports, begin, end)
    exchange.state[0].reports = 0


@block
def conclude(desk, exchange, out, group, now):
    """The exchange takes what the desk commands, and the timestamp is written down."""
    account = desk.account[0]
    if account.commands > 0:
        accept(exchange, desk.commands, account.commands, now)
        account.commands = 0
    out.equity[group] = account.equity
    out.gross[group] = account.long + account.short
    out.net[group] = account.long - account.short


@block
def match_rows(exchange, rows, begin, end):
    """The exchange matches rows [begin, end) of one timestamp."""
    costs, books, deep = exchange.costs[0], exchange.books, rows.volume.size > 0
    thin = exchange.costs[0].participation > 0.0
    for k in range(begin, end):
        if missing(rows, k):
            continue
        book = books[rows.symbol[k]]
        if awake(book, costs, rows.ts[k], rows.high[k], rows.low[k]):
            begins = rows.start[k] if rows.start.size > 0 else book.ended
            volume = rows.volume[k] if deep and thin else np.nan
            s, ts = rows.symbol[k], rows.ts[k]
            match_bar(exchange, s, ts, begins, rows.open[k], rows.high[k], rows.low[k], rows.close[k], volume)
        book.ended = rows.ts[k]
