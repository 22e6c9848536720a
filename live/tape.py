"""Where rows come from: a tape of bars, one timestamp at a time, and the pace at which they are played."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.errors import SessionError
from live.words import raw, records_of
from quantlib.table import Table

NAP = 0.05  # seconds: how long a wait may last before a stop or a screen is attended to


class Tape:
    """Bars as records, cut into timestamps.  `steps` of them; step k is `rows(k)`."""

    def __init__(self, table: Table) -> None:
        self.symbols = table.symbols
        self.records = records_of(table.columns)
        ts = table.columns["ts"]
        starts = np.flatnonzero(np.append(True, ts[1:] != ts[:-1])) if ts.size else np.empty(0, np.int64)
        self._cuts = [*starts.tolist(), len(ts)]
        self._ts = ts[starts].tolist()

    @property
    def steps(self) -> int:
        """How many timestamps there are."""
        return len(self._cuts) - 1

    def ts(self, step: int) -> int:
        """When the rows of a step are known."""
        return int(self._ts[step])

    def rows(self, step: int) -> NDArray[Any]:
        """The records of one timestamp."""
        return self.records[self._cuts[step] : self._cuts[step + 1]]

    def begins(self, step: int) -> int:
        """The row at which a step begins."""
        return int(self._cuts[step])

    def mark(self, rows: int) -> int:
        """Checksum of the first rows: a session that goes on wants the same tape."""
        return zlib.crc32(raw(self.records[:rows]))


def cut(table: Table, begin: int | None, end: int | None) -> Table:
    """The rows known from `begin` on and before `end`, ns UTC.

    Raises:
        SessionError: if none is left.
    """
    ts = table.columns["ts"]
    chosen = slice(
        int(np.searchsorted(ts, begin)) if begin is not None else 0,
        int(np.searchsorted(ts, end)) if end is not None else len(ts),
    )
    columns = {name: column[chosen] for name, column in table.columns.items()}
    if not len(columns["ts"]):
        raise SessionError("feed: no rows between --from and --to; the tape has none there")
    return Table(table.clock, table.symbols, columns)


def instant(text: str | None) -> int | None:
    """ns UTC of an ISO date or time; one without a zone is UTC.  None stays None.

    Raises:
        SessionError: if it is neither.
    """
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise SessionError(f"time: wants a date or time like 2008-09-15 or 2008-09-15T14:30, got {text!r}") from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(when.timestamp()) * 10**9 + when.microsecond * 1000


class Pace:
    """Plays a tape at a multiple of real time; at speed 0 as fast as it goes.

    Args:
        speed: seconds of the tape in one second.
        interrupted: asked often while waiting; True ends the wait.
        idle: called often while waiting.
    """

    def __init__(self, speed: float, interrupted: Callable[[], bool], idle: Callable[[], None]) -> None:
        if not 0 <= speed < float("inf"):
            raise SessionError(f"feed: speed must be 0 (as fast as possible) or a multiple of real time, got {speed}")
        self.speed, self.interrupted, self.idle = speed, interrupted, idle
        self._began: tuple[float, int] | None = None

    def wait(self, ts: int) -> None:
        """Return when the moment `ts` of the tape has come."""
        if self.speed == 0:
            return
        if self._began is None:
            self._began = time.monotonic(), ts
        due = self._began[0] + (ts - self._began[1]) / 1e9 / self.speed
        while (left := due - time.monotonic()) > 0 and not self.interrupted():
            self.idle()
            time.sleep(min(left, NAP))
