"""The loop in which desk and exchange talk: one compiled call for a whole backtest, resumable after any timestamp.

For each timestamp, whole:
    operator events that are due -> the exchange matches the rows -> the desk hears the reports and marks the rows
    -> the desk decides row by row -> the exchange takes the commands
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest.exchange import accept, awake, match_bar
from quantlib.desk.memory import NOTHING
from quantlib.desk.portfolio import mark, watch
from quantlib.desk.step import calm, cancel_entries, counted, grant, hear_all, operate, resolve
from quantlib.jit import block, kernel

CURSOR = np.dtype([("row", "i8"), ("group", "i8"), ("event", "i8"), ("decided", "i8")], align=True)

# What a user's own decision sees of its symbol and the account.
VIEW = np.dtype(
    [
        ("ts", "i8"), ("symbol", "i8"), ("close", "f8"), ("position", "f8"), ("average", "f8"), ("entries", "i8"),
        ("exits", "i8"), ("rows", "i8"), ("equity", "f8"), ("cash", "f8"), ("gross", "f8"), ("net", "f8"),
        ("drawdown", "f8"), ("day_profit", "f8"), ("mode", "i8"), ("next_id", "i8"),
    ],
    align=True,
)  # fmt: skip


class Rows(NamedTuple):
    """The market rows of one chunk and what the strategy computed on them; optional columns may have length 0."""

    ts: NDArray[Any]
    start: NDArray[Any]  # optional: the bar's first moment
    symbol: NDArray[Any]
    open: NDArray[Any]
    high: NDArray[Any]
    low: NDArray[Any]
    close: NDArray[Any]
    volume: NDArray[Any]  # optional
    score: NDArray[Any]  # optional where a user's decision reads its own columns
    volatility: NDArray[Any]  # optional
    distance: NDArray[Any]  # optional
    event_ts: NDArray[Any]  # operator events, (events,)
    event: NDArray[Any]


class Out(NamedTuple):
    """What the loop writes of each row and each timestamp."""

    decision: NDArray[Any]  # (rows,) int8
    equity: NDArray[Any]  # (timestamps,)
    gross: NDArray[Any]
    net: NDArray[Any]
    cursor: NDArray[Any]  # (1,)


class Own(NamedTuple):
    """A user's compiled decision: `choose(view, reads, wishes) -> count`, by address, so that the loop compiles once."""

    choose: Any
    reads: NDArray[Any]  # (rows, columns) values of the columns that it reads
    situation: NDArray[Any]  # (1,) what it sees, a VIEW
    wishes: NDArray[Any]  # (WISHES,)
    active: int


@kernel
def replay(desk, exchange, rows, own, out):
    """Run from the cursor to the last row, or until a log is nearly full: then take the logs and call again.

    What is spelled out here is only how to pass quiet rows by: no order within reach of the bar, no report, no wish.
    """
    cursor, account, state, policy = out.cursor[0], desk.account[0], exchange.state[0], desk.policy[0]
    room = min(desk.fills.size, desk.finished.size) - 2 * desk.orders.size
    ts, symbol, close, high, low, score = rows.ts, rows.symbol, rows.close, rows.high, rows.low, rows.score
    books, holdings, instruments, costs = exchange.books, desk.holdings, desk.instruments, exchange.costs[0]
    decision, equity, gross, net = out.decision, out.equity, out.gross, out.net
    own_active, events = own.active != 0, rows.event_ts.size
    i, group, event, n = cursor.row, cursor.group, cursor.event, ts.size
    while i < n and account.fills < room and account.finished < room:
        now = ts[i]
        j = i + 1
        while j < n and ts[j] == now:
            j += 1
        while event < events and rows.event_ts[event] <= now:
            operate(desk, rows.event_ts[event], rows.event[event])
            event += 1
        for k in range(i, j):
            book = books[symbol[k]]
            if awake(book, costs, now, high[k], low[k]):
                match_row(exchange, rows, now, k)
            if close[k] == close[k]:
                book.ended = now
        if state.reports > 0 or now > account.day_end:
            hear_all(desk, now, exchange.reports, state.reports)
            state.reports = 0
        account.ts = now
        for k in range(i, j):
            if close[k] == close[k]:
                mark(account, holdings[symbol[k]], instruments[symbol[k]].unit, close[k])
        if watch(account, policy.limits_daily_drawdown):
            cancel_entries(desk, now)
        for k in range(i, j):
            if own_active:
                decision[k] = consult(desk, own, symbol[k], now, close[k], rows.volatility, rows.distance, k)
            else:
                holding = holdings[symbol[k]]
                if holding.lots != 0:
                    holding.rows += 1
                if calm(policy, account, holding, score[k], now):
                    decision[k] = NOTHING
                else:
                    decision[k] = decide_row(desk, rows, own.wishes, now, k)
        if account.commands > 0:
            accept(exchange, desk.commands, account.commands, now)
            account.commands = 0
        equity[group] = account.equity
        gross[group] = account.long + account.short
        net[group] = account.long - account.short
        group += 1
        i = j
    cursor.row, cursor.group, cursor.event = i, group, event


@block
def match_row(exchange, rows, now, k):
    s = rows.symbol[k]
    begins = rows.start[k] if rows.start.size > 0 else exchange.books[s].ended
    volume = rows.volume[k] if rows.volume.size > 0 else np.nan
    match_bar(exchange, s, now, begins, rows.open[k], rows.high[k], rows.low[k], rows.close[k], volume)


@block
def decide_row(desk, rows, wishes, now, k):
    volatility = rows.volatility[k] if rows.volatility.size > 0 else np.nan
    distance = rows.distance[k] if rows.distance.size > 0 else np.nan
    blank = wishes[wishes.size - 1]
    return resolve(desk, rows.symbol[k], now, rows.close[k], rows.score[k], volatility, distance, blank)


@kernel
def consult(desk, own, s, now, close, volatilities, distances, k):
    """Ask a user's compiled decision about one row and grant what it wishes."""
    look(desk, own.situation, s, now, close)
    volatility = volatilities[k] if volatilities.size > 0 else np.nan
    distance = distances[k] if distances.size > 0 else np.nan
    count = own.choose(own.situation, own.reads[k], own.wishes)
    return grant_all(desk, s, now, close, volatility, distance, own.wishes, count)


@kernel
def grant_all(desk, s, now, close, volatility, distance, wishes, count):
    """Grant wishes in their order and forget them; the first that was no NOTHING is the row's decision code."""
    holding = desk.holdings[s]
    if holding.lots != 0:
        holding.rows += 1
    first = NOTHING
    for w in range(max(count, 1)):
        code = grant(desk, s, now, close, volatility, distance, wishes[w])
        if first == NOTHING:
            first = code
        forget(wishes[w])
    counted(desk.account[0], holding, NOTHING)
    return first


@block
def forget(wish):
    """An empty wish."""
    wish.action = NOTHING
    wish.lots = wish.limit = wish.stop = wish.stop_fraction = wish.target_fraction = 0.0
    wish.id = wish.side = wish.gtc = wish.reduce = wish.group = 0


@block
def look(desk, situation, s, now, close):
    """What a decision may know of the desk."""
    account, holding, v = desk.account[0], desk.holdings[s], situation[0]
    v.ts, v.symbol, v.close = now, s, close
    v.position = holding.lots * desk.instruments[s].lot
    v.average, v.entries, v.exits, v.rows = holding.average, holding.entries, holding.exits, holding.rows
    v.equity, v.cash = account.equity, account.cash
    v.gross, v.net = account.long + account.short, account.long - account.short
    v.drawdown = 1.0 - account.equity / account.high_water
    v.day_profit = account.equity - account.day_open
    v.mode, v.next_id = account.mode, account.next_id
