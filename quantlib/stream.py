"""Features fed with rows as they come: the same loops, memory owned, one row or a thousand at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.asof import Held, advance_hold, border_after, hold_start, last_known
from quantlib.core import CLOCKS, Columns, Feature, Memory
from quantlib.lane import Lane, is_single
from quantlib.rules import NO_TS, NO_VALUES
from quantlib.schema import TableError
from quantlib.snapshot import SnapshotError, dumped, loaded

DECISION = "bar"  # the clock whose rows held columns join
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
        hold: clock -> columns (of its rows or written by its features) whose last known values join the bar rows
            before the bar features run (`quantlib.hold`).

    Raises:
        FeatureError: if features of one clock do not fit each other.
    """

    def __init__(
        self, features: Sequence[Feature], symbols: Sequence[str], hold: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.symbols = tuple(symbols)
        self._held = {clock: hold_start(symbols, names) for clock, names in (hold or {}).items()}
        for clock in self._held:
            if clock == DECISION or clock not in CLOCKS:
                others = [c for c in CLOCKS if c != DECISION]
                raise TableError(f"Stream: hold joins columns of {others} to {DECISION}s, got {clock!r}")
        wanted = [c for c in CLOCKS if c in self._held or any(f.clock == c for f in features)]
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
            return self._fed(lane, columns, False)
        return {name: column.item() for name, column in self._fed(lane, columns, True).items()}

    def snapshot(self) -> bytes:
        """Everything remembered, as bytes for `Stream.restore`."""
        records = tuple(r for lane in self._lanes.values() for r in lane.memory.records)
        hold = {clock: own.names for clock, own in self._held.items()}
        extra = {"stream": json.dumps({"hold": hold}).encode()}
        for clock, lane in self._lanes.items():
            extra[f"seen {clock}"] = lane.seen.tobytes()
        for clock, own in self._held.items():
            extra[f"last {clock}"], extra[f"border {clock}"] = own.last.tobytes(), own.border.tobytes()
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
        stream = cls(features, memory.symbols, json.loads(extra["stream"])["hold"])
        records = iter(memory.records)
        for clock, lane in stream._lanes.items():
            lane.memory = Memory(memory.symbols, tuple(next(records) for _ in lane.features))
            lane.seen = np.frombuffer(extra[f"seen {clock}"], np.int64).copy()
        for clock, own in stream._held.items():
            own.last[:] = np.frombuffer(extra[f"last {clock}"]).reshape(own.last.shape)
            own.border[:] = np.frombuffer(extra[f"border {clock}"], np.int64)
        return stream

    def _fed(self, lane: Lane, columns: Columns, single: bool) -> Columns:
        """Check all, then change all."""
        clock = lane.schema.clock
        seen = lane.checked(columns)
        borders = {
            source: border_after(memory.border, (clock, columns["ts"], int(clock == DECISION)))  # others rank before
            for source, memory in self._held.items()
            if clock in (DECISION, source)
        }
        joined = self._joined(lane, columns["symbol"], single) if clock == DECISION else {}
        columns |= joined
        lane.require(lane.inputs, columns)
        if clock in self._held:
            written_here = {n for f in lane.features for n in f.outputs}
            lane.require([n for n in self._held[clock].names if n not in written_here], columns)
        written = lane.advanced(columns, single)
        if clock in self._held:
            own = self._held[clock]
            advance_hold(own, _no_rows(own), columns | written, source_clock=clock)
        for source, border in borders.items():
            self._held[source].border[:] = border
        lane.seen = seen
        return joined | written

    def _joined(self, lane: Lane, symbol: NDArray[np.int32], single: bool) -> Columns:
        joined: Columns = {}
        for memory in self._held.values():
            joined |= last_known(memory, symbol)
        if single:  # one row travels in the same columns each time
            for name, column in joined.items():
                slot = lane.slot(name)
                slot[:] = column
                joined[name] = slot
        return joined


def _no_rows(memory: Held) -> Columns:
    nothing: Columns = dict.fromkeys(memory.names, NO_VALUES)
    return nothing | {"ts": NO_TS, "symbol": NO_SYMBOLS}
