"""The machinery under `backtest.run`: what is kept of a run, and the two ways to drive the desk through a chunk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtest.exchange import Exchange
from backtest.loop import CURSOR, Events, Out, conclude, happen, replay
from quantlib.core import Columns
from quantlib.desk.consult import Decision, Room, Rows, grant_all, look, missing, own
from quantlib.desk.decide import operate
from quantlib.desk.memory import OPERATOR, Desk
from quantlib.desk.messages import FILLED_ROW, ORDER, PARTIAL
from quantlib.desk.wishes import View, written
from quantlib.strategy import Strategy

LOG = 8192  # fills and ended orders that the loop may write before it hands them over
NOTHING = np.empty(0)
NO_TIMES = np.empty(0, np.int64)


class Record:
    """What is kept of a run while it goes on."""

    def __init__(self, rows: int) -> None:
        self.decision = np.empty(rows, np.int8)
        self.equity, self.gross, self.net = np.empty(rows), np.empty(rows, np.float32), np.empty(rows, np.float32)
        self.cursor = np.zeros(1, CURSOR)
        self.groups = 0
        self.fills: list[NDArray[Any]] = []
        self.orders: list[NDArray[Any]] = []

    def out(self, begin: int, end: int) -> Out:
        """Where the loop writes what becomes of rows [begin, end)."""
        g = self.groups
        self.cursor["row"] = self.cursor["group"] = 0
        return Out(self.decision[begin:end], self.equity[g:], self.gross[g:], self.net[g:], self.cursor)

    def take(self, desk: Desk) -> None:
        """Move the desk's logs of fills and ended orders here."""
        for log, count, kept in ((desk.fills, "fills", self.fills), (desk.finished, "finished", self.orders)):
            if desk.account[count][0]:
                kept.append(log[: desk.account[count][0]].view(np.uint8).copy())  # bytes: numpy copies records slowly
                desk.account[count] = 0

    def all_fills(self) -> NDArray[Any]:
        """Every fill of the run, in the order in which they were booked."""
        return _joined(self.fills, FILLED_ROW)

    def all_orders(self, desk: Desk) -> NDArray[Any]:
        """Every order of the run, those that ended and those that work still, by id."""
        slots = desk.orders[1:]
        working = slots[(slots["id"] > 0) & (slots["status"] <= PARTIAL)]
        orders = np.concatenate([_joined(self.orders, ORDER), working])
        return orders[np.argsort(orders["id"], kind="stable")]


def _joined(parts: list[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, np.uint8), *parts]).view(dtype)


def roomy(desk: Desk) -> Desk:
    """The desk with logs long enough for a fast run."""
    return desk._replace(
        fills=np.zeros(len(desk.fills) + LOG, FILLED_ROW), finished=np.zeros(len(desk.finished) + LOG, ORDER)
    )


def market_rows(strategy: Strategy, columns: Columns) -> Rows:
    """The rows that desk and exchange read, from a table's columns and those that features wrote."""
    return Rows(
        columns["ts"], columns.get("ts_event", NO_TIMES), columns["symbol"], columns["open"], columns["high"],
        columns["low"], columns["close"], columns.get("volume", NOTHING),
        columns[strategy.score] if strategy.decide is None else NOTHING,
        columns[strategy.volatility] if strategy.volatility else NOTHING,
        columns[strategy.distance] if strategy.distance else NOTHING,
    )  # fmt: skip


def reads(decide: Decision, columns: Columns) -> NDArray[Any]:
    """(rows, columns) values that a compiled decision reads."""
    values = np.empty((len(columns["ts"]), len(decide.reads)))
    for place, name in enumerate(decide.reads):
        values[:, place] = columns[name]
    return values


def chunks(ts: NDArray[Any], size: int) -> Iterable[tuple[int, int]]:
    """[begin, end) of runs of about `size` rows that cut no timestamp."""
    begin = 0
    while begin < ts.size:
        end = min(begin + max(1, size), ts.size)
        while end < ts.size and ts[end] == ts[end - 1]:
            end += 1
        yield begin, end
        begin = end


def replayed(
    strategy: Strategy, columns: Columns, desk: Desk, venue: Exchange, events: Events, kept: Record, at: int
) -> None:
    """Drive desk and exchange through a chunk whose first row is row `at` of the run, in compiled code."""
    compiled = strategy.decide if isinstance(strategy.decide, Decision) else None
    rows = market_rows(strategy, columns)
    who = own(compiled, reads(compiled, columns) if compiled else None)
    out = kept.out(at, at + rows.ts.size)
    while kept.cursor["row"][0] < rows.ts.size:
        replay(desk, venue, rows, events, who.choose, who.room, out)
        kept.take(desk)
    kept.groups += int(kept.cursor["group"][0])


def asked(
    strategy: Strategy, symbols: tuple[str, ...], columns: Columns, desk: Desk, venue: Exchange, events: Events,
    kept: Record, at: int,
) -> None:  # fmt: skip
    """The same with a plain Python decision, asked row by row: the slow path."""
    decide: Any = strategy.decide
    rows, room = market_rows(strategy, columns), own(None).room
    out, group = kept.out(at, at + rows.ts.size), 0
    for begin, end in chunks(rows.ts, 1):
        now = rows.ts[begin]
        event = kept.cursor["event"]
        while event[0] < events.ts.size and events.ts[event[0]] <= now:
            operate(desk, events.ts[event[0]], events.action[event[0]])
            event += 1
        happen(desk, venue, rows, begin, end)
        ask(decide, symbols, columns, desk, rows, room, out.decision, begin, end)
        conclude(desk, venue, out, group, now)
        kept.take(desk)
        group += 1
    kept.groups += group


def ask(
    decide: Any, symbols: tuple[str, ...], columns: Columns, desk: Desk, rows: Rows, room: Room,
    decision: NDArray[np.int8], begin: int, end: int,
) -> None:  # fmt: skip
    """A plain Python decision on rows [begin, end) of one timestamp.  A missing row is silent."""
    for k in range(begin, end):
        decision[k] = 0
        if missing(rows, k):
            continue
        look(desk, room.seen, rows.symbol[k], rows.ts[k], rows.close[k])
        count = written(decide(View(room.seen[0], columns, symbols[rows.symbol[k]], k)), room.wishes)
        decision[k] = grant_all(desk, rows, room.wishes, count, k)


def operator_events(events: Iterable[tuple[int, str]]) -> Events:
    """Operator events as columns.

    Raises:
        ValueError: if an action is unknown or times go back.
    """
    codes = {word: code for code, word in OPERATOR.items()}
    pairs = list(events)
    for ts, _ in pairs:
        if not isinstance(ts, (int, np.integer)):
            raise ValueError(f"events: ts must be int64 nanoseconds UTC, got {ts!r}")
    for _, word in pairs:
        if word not in codes:
            raise ValueError(f"events: action must be one of {sorted(codes)}, got {word!r}")
    times = np.array([ts for ts, _ in pairs], np.int64)
    if (times[1:] < times[:-1]).any():
        raise ValueError("events: times go back; give them in order of ts")
    return Events(times, np.array([codes[word] for _, word in pairs], np.int64))
