"""Rows as they come become moments: no socket, no thread, and the clock is passed in.

A moment closes when every expected symbol has brought its row or one of a later moment, or when its patience is over.
What comes then is late.  The first row of a symbol decides; one that says it anew is a correction, whether it comes
before or after the moment has closed, so that a race on the wire changes no decision.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.feeds.protocol import Correction, Heard, Moment, Past
from live.words import raw
from quantlib.rules import NEVER

SECOND = 1_000_000_000  # nanoseconds
REMEMBERED = 32  # closed moments whose rows are known again


@dataclass(slots=True)
class _Rows:
    """The rows of one moment by symbol."""

    rows: NDArray[Any]  # (symbols,)
    there: NDArray[np.bool_]
    arrived: int  # ns of the monotonic clock, its first frame
    newest: dict[int, bytes] = field(default_factory=dict)  # symbol -> what was said anew of it, last
    said: list[Correction] = field(default_factory=list)  # held back until the moment has closed


class Gather:
    """Moments that wait for their rows.

    Every row given is told once: in a Moment, in a Past, in a Correction, or it is counted as a duplicate.

    Args:
        layout: dtype of the row records.
        symbols: how many there are.
        expected: of a `ts`, which symbols should have a row: (symbols,) bool.
        patience: seconds from a moment's first row until it closes without the missing ones.
        after: rows of this moment and before are late; None: none is yet.
    """

    def __init__(
        self,
        layout: np.dtype[Any],
        symbols: int,
        expected: Callable[[int], NDArray[np.bool_]],
        patience: float = 2.0,
        after: int | None = None,
    ) -> None:
        self.layout, self.symbols, self.expected = layout, symbols, expected
        self.last = NEVER if after is None else after  # ts of the last moment told, or gone by
        self.rows = self.late = self.corrected = self.duplicates = self.backfilled = 0
        self._patience = int(patience * SECOND)
        self._open: dict[int, _Rows] = {}
        self._closed: dict[int, _Rows] = {}  # oldest first
        self.reached = np.full(symbols, NEVER)  # the latest moment that each symbol has brought a row of
        self._held = 0  # monotonic ns until which no moment closes
        self._said: deque[Heard] = deque()

    def take(self, rows: NDArray[Any], arrived: int, late: str = "late", again: str = "updated") -> None:
        """Rows of one frame, in any order.

        Args:
            rows: records, checked.
            arrived: ns of the monotonic clock.
            late: why a row that comes after its moment is a correction.
            again: why a row that differs from the one before is a correction.
        """
        for ts in np.unique(rows["ts"]).tolist():
            part = rows[rows["ts"] == ts]
            np.maximum.at(self.reached, part["symbol"], ts)
            if ts <= self.last:
                for k in range(len(part)):
                    self._correct(part[k : k + 1], late, again)
                continue
            waiting = self._open.get(ts)
            if waiting is None:
                waiting = self._open[ts] = self._blank(arrived)
            self._join(waiting, part, again)

    def fill(self, rows: NDArray[Any], fresh: int, why: str, arrived: int) -> None:
        """Rows of a history, in the order of their ts, one of a symbol at most at each.

        Those of moments before `fresh`, and before every moment that waits, have gone by: nothing is decided on them.
        Later ones join the moments that wait.  Those of moments already told are corrections.
        """
        ts = rows["ts"]
        told, joining = ts <= self.last, ts >= min(fresh, *self._open) if self._open else ts >= fresh
        past = rows[~told & ~joining]
        self.take(rows[told], arrived, "backfilled", "backfilled")
        if len(past):
            self._said.append(Past(past, why))
            self.backfilled += len(past)
            self._remember(past, arrived)
        self.take(rows[~told & joining], arrived, again="backfilled")

    def hold(self, until: int) -> None:
        """No moment closes before this ns of the monotonic clock: rows of before are on their way."""
        self._held = until

    def heard(self, now: int) -> deque[Heard]:
        """What there is to tell at `now`, ns of the monotonic clock, oldest first; taken away by the telling."""
        if now >= self._held:
            while self._open and self._due(now):
                self._close(min(self._open))
        said, self._said = self._said, deque()
        return said

    def deadline(self) -> int | None:
        """ns of the monotonic clock at which the patience of a moment ends; None if none waits."""
        if not self._open:
            return None
        return max(self._held, min(waiting.arrived for waiting in self._open.values()) + self._patience)

    def _due(self, now: int) -> bool:
        """Whether the earliest moment must close: it is complete, or the patience of one that waits is over."""
        ts = min(self._open)
        expected = self.expected(ts)
        if expected.any() and bool((self.reached[expected] >= ts).all()):
            return True
        return any(waiting.arrived + self._patience <= now for waiting in self._open.values())

    def _close(self, ts: int) -> None:
        waiting = self._open.pop(ts)
        rows = waiting.rows[waiting.there]
        self._said.append(Moment(ts, rows, waiting.arrived))
        self._said.extend(waiting.said)
        waiting.said = []
        self.rows += len(rows)
        self._keep(ts, waiting)

    def _keep(self, ts: int, closed: _Rows) -> None:
        self.last = ts
        self._closed[ts] = closed
        while len(self._closed) > REMEMBERED:
            del self._closed[next(iter(self._closed))]

    def _join(self, waiting: _Rows, part: NDArray[Any], again: str) -> None:
        codes = part["symbol"]
        if not waiting.there[codes].any() and len(np.unique(codes)) == len(codes):
            waiting.rows[codes] = part
            waiting.there[codes] = True
            return
        for k, code in enumerate(codes.tolist()):
            row = part[k : k + 1]
            if not waiting.there[code]:
                waiting.rows[code] = row[0]
                waiting.there[code] = True
            elif self._differs(waiting, row):
                waiting.said.append(Correction(row.copy(), again))
                self.corrected += 1

    def _correct(self, row: NDArray[Any], late: str, again: str) -> None:
        closed, code = self._closed.get(int(row["ts"][0])), int(row["symbol"][0])
        if closed is None or not closed.there[code]:
            if closed is not None:
                closed.rows[code] = row[0]
                closed.there[code] = True
            self._said.append(Correction(row.copy(), late))
            self.late += 1
        elif self._differs(closed, row):
            self._said.append(Correction(row.copy(), again))
            self.corrected += 1

    def _differs(self, known: _Rows, row: NDArray[Any]) -> bool:
        """Whether a row says something new of its symbol; one that does not is a duplicate."""
        code, said = int(row["symbol"][0]), raw(row)
        before = known.newest.get(code) or raw(known.rows[code : code + 1])
        if said == before:
            self.duplicates += 1
            return False
        known.newest[code] = said
        return True

    def _remember(self, past: NDArray[Any], arrived: int) -> None:
        np.maximum.at(self.reached, past["symbol"], past["ts"])
        for ts in np.unique(past["ts"])[-REMEMBERED:].tolist():
            closed = self._blank(arrived)
            part = past[past["ts"] == ts]
            closed.rows[part["symbol"]] = part
            closed.there[part["symbol"]] = True
            self._keep(ts, closed)

    def _blank(self, arrived: int) -> _Rows:
        return _Rows(np.zeros(self.symbols, self.layout), np.zeros(self.symbols, np.bool_), arrived)
