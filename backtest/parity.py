"""Parity: what a live session recorded, against the backtest of the very rows that it saw.

Decisions, equity, fills and ended orders are compared with `backtest.run`, the compiled loop; commands and reports with
the same desk and exchange driven one timestamp at a time.  Numbers must be equal to the last bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest import exchange
from backtest.costs import Costs
from backtest.exchange import accept
from backtest.loop import match_rows
from backtest.result import Result
from backtest.run import run
from backtest.stepwise import Trader, taken
from quantlib import core
from quantlib.desk import memory
from quantlib.desk.decide import operate
from quantlib.desk.memory import DECISIONS, OPERATOR, REASONS, Instrument
from quantlib.desk.messages import ACCEPTED, COMMAND_KINDS, LEGS, PARTIAL, REPORT, REPORT_KINDS, SIDES, SUBMIT
from quantlib.schema import moment
from quantlib.strategy import Strategy
from quantlib.table import Table

INTERNAL = ("next",)  # fields of an order that say where it was kept


class Recorded(NamedTuple):
    """What a session wrote down: one entry per timestamp in the tuples, one per row in `decision`."""

    table: Table
    decision: NDArray[np.int8]
    curve: NDArray[np.float64]
    commands: Sequence[NDArray[Any]]
    reports: Sequence[NDArray[Any]]
    fills: NDArray[Any]
    ended: NDArray[Any]
    events: Sequence[tuple[int, str]]


class Difference(NamedTuple):
    """One thing that is not as the backtest has it."""

    kind: str  # decision, command, report, fill, order, equity or strategy
    ts: int
    symbol: str
    recorded: str
    expected: str

    def __str__(self) -> str:
        return f"{self.kind} {moment(self.ts)} {self.symbol}: recorded {self.recorded}, expected {self.expected}"


class Parity(NamedTuple):
    """Every difference, among so many rows decided on."""

    differences: list[Difference]
    decisions: int

    @property
    def holds(self) -> bool:
        """True if there was something to compare and nothing differs."""
        return self.decisions > 0 and not self.differences

    @property
    def counts(self) -> dict[str, int]:
        """How many differences there are of each kind."""
        return dict(Counter(d.kind for d in self.differences))

    def __str__(self) -> str:
        return f"parity: {len(self.differences)} differences in {self.decisions} decisions"


def compare(
    strategy: Strategy, recorded: Recorded, cash: float, costs: Costs, instruments: dict[str, Instrument]
) -> Parity:
    """Rerun what was recorded and compare all of it."""
    table = recorded.table
    if not table.rows:
        return Parity([], 0)
    result = run(strategy, table, cash=cash, costs=costs, instruments=instruments, events=recorded.events)
    commands, reports = _spoken(strategy, recorded, cash, costs, instruments)
    found = _decisions(recorded, result) + _curve(recorded, result)
    for kind, ours, theirs in (("command", recorded.commands, commands), ("report", recorded.reports, reports)):
        for mine, other in zip(ours, theirs, strict=True):
            found += record_differences(kind, mine, other, table.symbols)
    found += record_differences("fill", recorded.fills, result.raw_fills, table.symbols)
    orders = result.raw_orders
    ended = recorded.ended[np.argsort(recorded.ended["id"], kind="stable")]
    found += record_differences("order", ended, orders[orders["status"] > PARTIAL], table.symbols)
    found += _working(recorded, result)
    return Parity(sorted(found, key=lambda d: d.ts), table.rows)


def _spoken(
    strategy: Strategy, recorded: Recorded, cash: float, costs: Costs, instruments: dict[str, Instrument]
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Commands and reports of each timestamp, desk and exchange driven one timestamp at a time."""
    table = recorded.table
    desk = memory.opened(strategy.policy, table.symbols, cash, instruments)
    venue = exchange.opened(table.symbols, desk.instruments, costs)
    trader = Trader(strategy, table.symbols, desk)
    _, written = core.run(strategy.features, core.start(strategy.features, table.symbols), table.columns)
    columns, ts = table.columns | written, table.columns["ts"]
    edges = np.flatnonzero(np.concatenate([[True], ts[1:] != ts[:-1], [True]])).tolist()
    codes = {word: code for code, word in OPERATOR.items()}
    events, at = list(recorded.events), 0
    commands, reports = [], []
    for begin, end in pairwise(edges):
        here = {name: column[begin:end] for name, column in columns.items()}
        now = int(ts[begin])
        while at < len(events) and events[at][0] <= now:
            operate(desk, events[at][0], codes[events[at][1]])
            at += 1
        rows = trader.rows(here)
        match_rows(venue, rows, 0, end - begin)
        said = venue.reports[: venue.state["reports"][0]].copy()
        venue.state["reports"] = 0
        trader.turn(rows, here, said)
        for log in ("fills", "finished"):
            desk.account[log] = 0
        told = taken(desk, "commands")
        if len(told):
            accept(venue, told, len(told), now)
        commands.append(told)
        reports.append(said)
    return commands, reports


def _decisions(recorded: Recorded, result: Result) -> list[Difference]:
    columns, symbols = recorded.table.columns, recorded.table.symbols
    return [
        Difference(
            "decision", int(columns["ts"][k]), symbols[columns["symbol"][k]], decision(recorded.decision[k]),
            decision(result.decision[k]),
        )
        for k in np.flatnonzero(recorded.decision != result.decision)
    ]  # fmt: skip


def _curve(recorded: Recorded, result: Result) -> list[Difference]:
    other = np.flatnonzero(recorded.curve.view(np.int64) != result.curve.view(np.int64))
    return [
        Difference("equity", int(result.ts[k]), "", repr(float(recorded.curve[k])), repr(float(result.curve[k])))
        for k in other
    ]


def record_differences(kind: str, mine: NDArray[Any], other: NDArray[Any], symbols: Sequence[str]) -> list[Difference]:
    """Differences of two lists of records, one by one; padding between fields says nothing."""
    if mine.tobytes() == other.tobytes():
        return []
    found = []
    for k in range(max(len(mine), len(other))):
        one, two = (mine[k] if k < len(mine) else None), (other[k] if k < len(other) else None)
        names = [n for n in mine.dtype.names or () if n not in INTERNAL and not (_equal(one, two, n))]
        if names:
            there: Any = one if one is not None else two
            ts = int(there["ts"] if "ts" in (mine.dtype.names or ()) else there["done"])
            symbol = symbols[there["symbol"]] if 0 <= there["symbol"] < len(symbols) else str(there["symbol"])
            found.append(Difference(kind, ts, symbol, _spelled(kind, one, names), _spelled(kind, two, names)))
    return found


def _equal(one: Any, two: Any, name: str) -> bool:
    return one is not None and two is not None and one[name].tobytes() == two[name].tobytes()


def _working(recorded: Recorded, result: Result) -> list[Difference]:
    """Orders that work still at the end: submitted, or attached by the venue, and not ended."""
    commanded = np.concatenate(list(recorded.commands))
    told = np.concatenate([np.empty(0, REPORT), *recorded.reports])
    begun = {*commanded["id"][commanded["kind"] == SUBMIT].tolist(), *told["id"][told["kind"] == ACCEPTED].tolist()}
    ours = begun - set(recorded.ended["id"].tolist())
    orders = result.raw_orders
    theirs = set(orders["id"][orders["status"] <= PARTIAL].tolist())
    last = int(result.ts[-1])
    return [
        Difference("order", last, "", f"{id} {_works(id in ours)}", f"{id} {_works(id in theirs)}")
        for id in sorted(ours ^ theirs)
    ]


def _works(is_there: bool) -> str:
    return "works" if is_there else "does not work"


def decision(code: int) -> str:
    """A decision code in words."""
    return DECISIONS[int(code)] if code >= 0 else f"refused: {REASONS[-int(code)]}"


def _spelled(kind: str, record: Any, names: Sequence[str]) -> str:
    if record is None:
        return "none"
    words: dict[int, str] = {"command": COMMAND_KINDS, "report": REPORT_KINDS}.get(kind, {})
    head = [words[int(record["kind"])]] if words and int(record["kind"]) in words else []
    head += [SIDES.get(int(record["side"]), ""), LEGS.get(int(record["leg"]), ""), f"order {record['id']}"]
    shown = names if len(names) <= 6 else [n for n in ("lots", "limit", "stop", "price") if n in names]
    return " ".join([w for w in head if w] + [f"{name}={record[name]}" for name in shown if name != "id"])
