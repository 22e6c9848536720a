"""Features fed with rows as they come: the same loops, memory owned, one row or a thousand at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.asof import Held, advance_hold, border_after, hold_start, known_first, last_known
from quantlib.core import CLOCKS, Columns, Feature, Memory
from quantlib.lane import Lane, is_single
from quantlib.rules import NO_TS, NO_VALUES
from quantlib.schema import TableError
from quantlib.snapshot import SnapshotError, dumped, loaded

NO_SYMBOLS = np.empty(0, np.int32)


class Stream:
    """Owns the memory of features and feeds them rows as they come.

        stream = Stream([ema(20), spread()], ["AAPL", "MSFT"], hold={"quote": ["spread"]})
        stream.push({"ts": ts, "symbol": "AAPL", "bid": 10.0, …}, clock="quote")
        stream.push({"ts": ts, "symbol": "AAPL", "open": 10.1, …})      # {"ema": 10.2, "spread": 0.01}

    Any way of cutting the rows into pushes gives the same bits as `quantlib.run` on all of them.  A push that is
    refused changes nothing.

    Args:
        features: of any clocks; those of one clock in dependency order.
        symbols: all there will be, in the order of their codes.
        hold: clock, or (clock, clock of the rows that they join: by default bar) -> columns (of its rows or written
            by its features) whose last known values join the other clock's rows before its features run
            (`quantlib.hold`). `{("quote", "trade"): ["bid", "ask"], "trade": ["cvd"]}` shows trades the quote before
            them, and bars what became of the trades.

    Raises:
        FeatureError: if features of one clock do not fit each other.
    """

    def __init__(
        self, features: Sequence[Feature], symbols: Sequence[str], hold: Mapping[Any, Sequence[str]] | None = None
    ) -> None:
        self.symbols = tuple(symbols)
        self._held = {_sides(key): hold_start(symbols, _names(key, names)) for key, names in (hold or {}).items()}
        touched = {clock for sides in self._held for clock in sides} | {f.clock for f in features}
        wanted = [c for c in CLOCKS if c in touched]
        self._lanes = {c: Lane(c, [f for f in features if f.clock == c], symbols) for c in wanted}

    @property
    def features(self) -> tuple[Feature, ...]:
        """All features, those of one clock together."""
        return tuple(f for lane in self._lanes.values() for f in lane.features)

    def push(self, rows: Any, clock: str = "bar") -> dict[str, Any]:
        """Feed rows; returns the columns they got: what was held for them and what features wrote.

        Args:
            rows: one row as a dict of numbers (`ts` int nanoseconds or datetime, `symbol` a name or a code; None is
                missing), or many as a dict of arrays or a polars frame, in the columns of their clock. Rows of one
                moment that a cross-sectional feature should see together come in one push.
            clock: what the rows are.

        Returns:
            name -> float for one row, name -> (rows,) float64 for many.

        Raises:
            TableError: if a row breaks a rule of its schema or goes back in time.
            FeatureError: if a feature's column is missing, or rows come after bars that should have known them.
        """
        lane = self._lanes.get(clock)
        if lane is None:
            raise TableError(f"Stream: nothing runs on {clock!r} rows; its clocks are {list(self._lanes)}")
        columns = lane.columns(rows)
        if not is_single(rows):
            joined, written = self._fed(lane, columns, False)
            return joined | written
        joined, written = self._fed(lane, columns, True)
        numbers = lane.values.ravel().tolist() if written is lane.answer else [c.item() for c in written.values()]
        return {name: c.item() for name, c in joined.items()} | dict(zip(lane.outputs, numbers, strict=True))

    def snapshot(self) -> bytes:
        """Everything remembered, as bytes for `Stream.restore`."""
        records = tuple(r for lane in self._lanes.values() for r in lane.memory.records)
        hold = [(*sides, own.names) for sides, own in self._held.items()]
        extra = {"stream": json.dumps({"hold": hold}).encode()}
        for clock, lane in self._lanes.items():
            extra[f"seen {clock}"] = lane.seen.tobytes()
        for sides, own in self._held.items():
            extra[f"last {sides}"], extra[f"border {sides}"] = own.last.tobytes(), own.border.tobytes()
        return dumped(self.features, Memory(self.symbols, records), extra)

    @classmethod
    def restore(cls, features: Sequence[Feature], data: bytes, symbols: Sequence[str] | None = None) -> Stream:
        """The stream that `snapshot` was taken of, ready for the next row.

        Args:
            features: the very features of that stream.
            data: what `snapshot` returned.
            symbols: if given, they must be the snapshot's.

        Raises:
            SnapshotError: if the bytes are cut short, damaged, of another version, or of other features or symbols.
        """
        in_lanes = [f for clock in CLOCKS for f in features if f.clock == clock]
        memory, extra = loaded(in_lanes, data)
        if symbols is not None and tuple(symbols) != memory.symbols:
            raise SnapshotError(f"snapshot: it is of symbols {list(memory.symbols)}, got {list(symbols)}")
        if "stream" not in extra:
            raise SnapshotError("snapshot: it holds features alone and no stream; quantlib.snapshot.loaded reads it")
        hold = {(source, joined): names for source, joined, names in json.loads(extra["stream"])["hold"]}
        stream = cls(features, memory.symbols, hold)
        records = iter(memory.records)
        for clock, lane in stream._lanes.items():
            lane.memory = Memory(memory.symbols, tuple(next(records) for _ in lane.features))
            lane.seen = np.frombuffer(extra[f"seen {clock}"], np.int64).copy()
        for sides, own in stream._held.items():
            own.last[:] = np.frombuffer(extra[f"last {sides}"]).reshape(own.last.shape)
            own.border[:] = np.frombuffer(extra[f"border {sides}"], np.int64)
        return stream

    def _fed(self, lane: Lane, columns: Columns, single: bool) -> tuple[Columns, Columns]:
        """What was held for the rows, and what features wrote: check all, then change all."""
        clock = lane.schema.clock
        seen = lane.checked(columns, single)
        borders = {}
        for (source, other), memory in self._held.items():
            if clock in (source, other):
                phase = int(known_first(other, source) == (clock == other))
                borders[source, other] = border_after(memory.border, (clock, columns["ts"], phase))
        joined = self._joined(lane, columns["symbol"], single)
        columns |= joined
        lane.require(lane.inputs, columns)
        fed = {sides: memory for sides, memory in self._held.items() if sides[0] == clock}
        for memory in fed.values():
            lane.require([n for n in memory.names if n not in lane.outputs], columns)
        written = lane.advanced(columns, single)
        for (_, other), memory in fed.items():
            advance_hold(memory, _no_rows(memory), columns | written, left_clock=other, source_clock=clock)
        for sides, border in borders.items():
            self._held[sides].border[:] = border
        lane.seen = seen
        return joined, written

    def _joined(self, lane: Lane, symbol: NDArray[np.int32], single: bool) -> Columns:
        joined: Columns = {}
        for (_, other), memory in self._held.items():
            if other == lane.schema.clock:
                joined |= last_known(memory, symbol)
        if single:  # one row travels in the same columns each time
            for name, column in joined.items():
                slot = lane.slot(name)
                slot[:] = column
                joined[name] = slot
        return joined


def _sides(key: Any) -> tuple[str, str]:
    """A clock and the clock whose rows its columns join."""
    source, joined = (key, "bar") if isinstance(key, str) else tuple(key)
    if source == joined or not {source, joined} <= set(CLOCKS):
        raise TableError(f"Stream: hold joins columns of one clock to another of {list(CLOCKS)}, got {key!r}")
    return source, joined


def _names(key: Any, names: Sequence[str]) -> Sequence[str]:
    if isinstance(names, str):
        raise TableError(f"Stream: hold names columns in a list, got {names!r} for {key!r}; write [{names!r}]")
    return names


def _no_rows(memory: Held) -> Columns:
    nothing: Columns = dict.fromkeys(memory.names, NO_VALUES)
    return nothing | {"ts": NO_TS, "symbol": NO_SYMBOLS}
