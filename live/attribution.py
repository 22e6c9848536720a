"""Where a session's profit parted from what was expected of it.

A session's journal is taken three times: as it was, with the simulated exchange instead of the broker, and with the
exchange and the data as it was corrected later.

    actual - ideal = data + fills + latency + fees + orders

data     rows that were missed, late or corrected: expected on the rows that were seen, less expected on corrected rows
fills    the same orders filled at the same moment at other prices
latency  the same orders filled at another moment, by the difference of their prices
fees     paid more or less than expected
orders   the rest: orders that were filled in one course and not, or not as much, in the other, and what came of it
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest import exchange
from backtest.costs import Costs
from backtest.exchange import accept
from backtest.loop import match_rows
from live.brokers.simulated import market
from live.config import Config
from live.fold import fold
from live.journal import Frame
from live.runner import NO_REPORTS
from live.state import State
from live.words import BEAT, INPUT, NOTE, OPERATOR, PAST, Beat, action_of, beat_of, input_of, note_of, past_of
from quantlib.desk import memory as desks
from quantlib.desk.messages import FILLED_ROW
from quantlib.strategy import Strategy

Corrected = dict[tuple[int, int], NDArray[Any]]  # by symbol and ts_event


class Course(NamedTuple):
    """What a session came to, on one way of taking it."""

    equity: float
    fees: float
    fills: NDArray[Any]  # records of `FILLED_ROW`


class Attribution(NamedTuple):
    """The parts of a difference, quote currency; above 0: better than expected."""

    actual: float  # equity at the end
    expected: float  # on the rows that were seen
    ideal: float  # on the rows as they were corrected
    data: float
    fills: float
    latency: float
    fees: float
    orders: float
    matched: int  # orders filled in both courses
    single: int  # orders filled in one of them

    @property
    def parts(self) -> dict[str, float]:
        """What the total sums up from, by name."""
        return {name: getattr(self, name) for name in ("data", "fills", "latency", "fees", "orders")}

    @property
    def total(self) -> float:
        """actual - ideal, which the parts sum up to."""
        return self.actual - self.ideal


def attribution(config: Config, strategy: Strategy, frames: Sequence[Frame]) -> Attribution:
    """Part a session's profit by what it parted from expectation.

    Args:
        config, frames: of its journal.
        strategy: that it ran.
    """
    actual = _actual(config, strategy, frames)
    seen = expected(config, strategy, frames)
    ideal = expected(config, strategy, frames, dict(_corrections(config, frames)))
    unit = desks.instrument_records(config.symbols, config.instrument_map)["unit"]
    ours, theirs = _orders(actual.fills), _orders(seen.fills)
    both = [id for id in ours if id in theirs and ours[id].lots == theirs[id].lots]
    moved = {id: _moved(ours[id], theirs[id], unit) for id in both}
    late = sum(moved[id] for id in both if ours[id].ts != theirs[id].ts)
    data, fees = seen.equity - ideal.equity, seen.fees - actual.fees
    fills = sum(moved.values()) - late
    orders = actual.equity - ideal.equity - data - fills - late - fees
    return Attribution(
        actual.equity, seen.equity, ideal.equity, data, fills, late, fees, orders, len(both),
        len(ours.keys() | theirs.keys()) - len(both),
    )  # fmt: skip


def expected(
    config: Config, strategy: Strategy, frames: Sequence[Frame], corrected: Corrected | None = None
) -> Course:  # fmt: skip
    """The session with the simulated exchange for a broker.

    Args:
        config, strategy, frames: as in `attribution`.
        corrected: rows as they were corrected, by symbol and `ts_event`.  With them the gaps that were filled later are
            decided on too: that is the session as it would have been on good data.
    """
    state = _state(config, strategy)
    venue = exchange.opened(config.symbols, state.desk.instruments, Costs(**config.costs))
    fills = []
    for kind, said in _events(config, frames, corrected):
        if kind == OPERATOR:
            state.obey(said)
            continue
        if kind == PAST:
            state.past(said)
            continue
        if kind == BEAT:
            output = state.beat(Beat(said.ts, NO_REPORTS))
        else:
            rows = market(said)
            match_rows(venue, rows, 0, rows.ts.size)
            reports = venue.reports[: venue.state["reports"][0]].copy()
            venue.state["reports"] = 0
            output = state.advance(said, reports)
        accept(venue, output.commands, len(output.commands), state.last_ts)
        fills.append(output.fills)
    return _course(state, fills)


def _events(config: Config, frames: Sequence[Frame], corrected: Corrected | None) -> Iterator[tuple[int, Any]]:
    """What moved the session, in order; on corrected data the gaps are moments."""
    begun = False
    for frame in frames:
        if frame.kind == OPERATOR:
            yield OPERATOR, action_of(frame.payload)
        elif frame.kind == BEAT:
            yield BEAT, beat_of(frame.payload)
        elif frame.kind == INPUT:
            begun = True
            yield INPUT, _corrected(input_of(frame.payload, config.layout).rows, corrected)
        elif frame.kind == PAST:
            rows = _corrected(past_of(frame.payload, config.layout), corrected)
            if begun and corrected is not None:
                yield from ((INPUT, rows[rows["ts"] == ts]) for ts in np.unique(rows["ts"]))
            else:
                yield PAST, rows


def _corrections(config: Config, frames: Sequence[Frame]) -> Iterator[tuple[tuple[int, int], NDArray[Any]]]:
    codes = {symbol: code for code, symbol in enumerate(config.symbols)}
    for frame in frames:
        if frame.kind != NOTE or (note := note_of(frame.payload)).kind != "correction":
            continue
        row = np.zeros(1, config.layout)
        for name, value in note.values.items():
            row[name] = value
        row["symbol"] = codes[note.symbol]
        yield (codes[note.symbol], int(row["ts_event"][0])), row


def _corrected(rows: NDArray[Any], corrected: Corrected | None) -> NDArray[Any]:
    """The rows with what is known better by now; when they were known stays."""
    if not corrected:
        return rows
    mended, here = rows.copy(), set()
    for k, row in enumerate(rows):
        key = int(row["symbol"]), int(row["ts_event"])
        here.add(key)
        if key in corrected:
            for name in (n for n in rows.dtype.names or () if n not in ("ts", "ts_event", "symbol")):
                mended[name][k] = corrected[key][name][0]
    late = [row for key, row in corrected.items() if key not in here and row["ts"][0] == rows["ts"][0]]
    whole = np.concatenate([mended, *late])
    return whole[np.argsort(whole["symbol"], kind="stable")] if late else mended


def _actual(config: Config, strategy: Strategy, frames: Sequence[Frame]) -> Course:
    state = _state(config, strategy)
    return _course(state, (refolded.output.fills for refolded in fold(state, frames, config)))


def _state(config: Config, strategy: Strategy) -> State:
    desk = desks.opened(strategy.policy, config.symbols, config.cash, config.instrument_map)
    return State(strategy, tuple(config.symbols), desk)


def _course(state: State, fills: Iterable[NDArray[Any]]) -> Course:
    booked = np.concatenate([np.empty(0, FILLED_ROW), *fills])
    account = state.desk.account[0]
    return Course(float(account["equity"]), float(account["fees"]), booked)


class _Order(NamedTuple):
    """An order's fills as one."""

    ts: int  # of the first
    symbol: int
    side: int
    lots: int
    price: float  # average


def _orders(fills: NDArray[Any]) -> dict[int, _Order]:
    found: dict[int, _Order] = {}
    for f in fills:
        id, lots, price = int(f["id"]), int(f["lots"]), float(f["price"])
        before = found.get(id)
        if before is None:
            found[id] = _Order(int(f["ts"]), int(f["symbol"]), int(f["side"]), lots, price)
        else:
            total = before.lots + lots
            average = (before.lots * before.price + lots * price) / total
            found[id] = before._replace(lots=total, price=average)
    return found


def _moved(actual: _Order, expected: _Order, unit: NDArray[Any]) -> float:
    """What another price was worth to us."""
    return -actual.side * (actual.price - expected.price) * actual.lots * float(unit[actual.symbol])
