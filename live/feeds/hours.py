"""Which bars count and which are waited for: stocks trade in sessions, crypto always."""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray

from live.errors import FeedError
from live.feeds.calendar import Calendar

REGULAR, ALL = "session", "all"


class Hours:
    """Hours of a session's symbols.

    Args:
        crypto: which symbols are, (symbols,).
        calendar: of the stocks; None where there are none.
        timeframe: length of a bar, ns.
        which: "session": stocks' bars of regular hours count; "all": all do.
    """

    def __init__(self, crypto: NDArray[np.bool_], calendar: Calendar | None, timeframe: int, which: str) -> None:
        self.crypto, self.calendar, self.timeframe = crypto, calendar, timeframe
        self._all = which == ALL or calendar is None
        self._last = (0, False)  # the `ts` asked for last, and whether stocks trade then

    def inside(self, ts: NDArray[np.int64], codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which bars, known at `ts`, count."""
        if self._all:
            return np.ones(len(ts), np.bool_)
        times, back = np.unique(ts, return_inverse=True)
        traded = np.array([self._traded(t) for t in times.tolist()], np.bool_)
        return np.asarray(self.crypto[codes] | traded[back], np.bool_)

    def expected(self, ts: int) -> NDArray[np.bool_]:
        """Which symbols should have a bar known at `ts`."""
        return np.asarray(self.crypto | (self._all or self._traded(ts)), np.bool_)

    def trading(self, now: int, crypto: bool) -> float:
        """Seconds for which there has been trade; 0 if there is none or nobody knows, infinite if there always is."""
        if crypto or self.calendar is None:
            return inf
        try:
            return (now - self.calendar.opened(now)) / 1e9 if self.calendar.is_open(now) else 0.0
        except FeedError:
            return 0.0

    def _traded(self, ts: int) -> bool:
        """Whether any of a bar lies in a session; one that no calendar reaches does not."""
        if self.calendar is None:
            return False
        last = self._last  # threads share it
        if last[0] != ts:
            try:
                last = ts, self.calendar.within(ts - self.timeframe, ts)
            except FeedError:
                last = ts, False
            self._last = last
        return last[1]
