"""When markets trade: regular sessions as nanoseconds UTC, early closes and holidays included.

The exchange's calendar is `exchange_calendars`' XNYS.  The broker publishes one too; where they differ one of them is
wrong, and the operator is told (`differences`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from live.errors import FeedError
from quantlib.schema import moment

NEW_YORK = ZoneInfo("America/New_York")
BACK, AHEAD = timedelta(days=3 * 365), timedelta(days=300)  # of a calendar around a date


class Calendar:
    """Sessions, one after the other.

    Args:
        name: of the exchange.
        days: (sessions,) datetime64[D], ascending.
        opens, closes: (sessions,) int64 ns UTC.
    """

    def __init__(
        self, name: str, days: NDArray[np.datetime64], opens: NDArray[np.int64], closes: NDArray[np.int64]
    ) -> None:
        self.name, self.days, self.opens, self.closes = name, days, opens, closes

    def is_open(self, ts: int) -> bool:
        """Whether there is trade at `ts`: the opening is, the close is not."""
        return self.within(ts, ts + 1)

    def within(self, begin: int, end: int) -> bool:
        """Whether any of [begin, end) lies in a session.

        Raises:
            FeedError: if it lies outside of the calendar.
        """
        at = self._after(self.closes, begin)
        return bool(self.opens[at] < end)

    def next_open(self, ts: int) -> int:
        """The first opening after `ts`."""
        return int(self.opens[self._after(self.opens, ts)])

    def next_close(self, ts: int) -> int:
        """The first close after `ts`."""
        return int(self.closes[self._after(self.closes, ts)])

    def opened(self, ts: int) -> int:
        """The last opening not after `ts`."""
        return int(self.opens[self._after(self.opens, ts) - 1])

    def open_of(self, day: date) -> int | None:
        """When a day's session begins; None if it has none."""
        return self._of(self.opens, day)

    def close_of(self, day: date) -> int | None:
        """When a day's session ends; None if it has none."""
        return self._of(self.closes, day)

    def back(self, ts: int, duration: int) -> int:
        """The moment from which on there were `duration` ns of sessions until `ts`; the calendar's begin at most."""
        at = self._after(self.opens, ts) - 1
        left = duration - max(0, min(ts, int(self.closes[at])) - int(self.opens[at]))
        while left > 0 and at > 0:
            at -= 1
            left -= int(self.closes[at] - self.opens[at])
        return int(self.opens[at]) + max(0, -left)

    def _of(self, times: NDArray[np.int64], day: date) -> int | None:
        wanted = np.datetime64(day, "D")
        if not self.days[0] <= wanted <= self.days[-1]:
            raise self._outside(str(day))
        at = int(np.searchsorted(self.days, wanted))
        return int(times[at]) if self.days[at] == wanted else None

    def _after(self, times: NDArray[np.int64], ts: int) -> int:
        at = int(np.searchsorted(times, ts, "right"))
        if at == len(times) or ts < self.opens[0]:
            raise self._outside(moment(ts))
        return at

    def _outside(self, asked: str) -> FeedError:
        return FeedError(
            f"calendar: {asked} lies outside of what {self.name} holds, {self.days[0]} to {self.days[-1]}; "
            f"make one around that time: calendar.new_york(ts)"
        )


def new_york(ts: int) -> Calendar:
    """The New York Stock Exchange from three years before `ts`, ns UTC, to as far ahead as it is known."""
    import exchange_calendars

    day = datetime.fromtimestamp(ts // 10**9, NEW_YORK).date()
    end = min(day + AHEAD, datetime.now(UTC).date() + AHEAD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it uses pandas as pandas 4 will not allow
        xnys = exchange_calendars.get_calendar("XNYS", start=str(day - BACK), end=str(end))
        columns = [column.dt.tz_convert(None).to_numpy() for column in (xnys.opens, xnys.closes)]
    times = (column.astype("datetime64[ns]").astype(np.int64) for column in columns)
    return Calendar("XNYS", xnys.sessions.to_numpy().astype("datetime64[D]"), *times)


def of_broker(days: Iterable[Mapping[str, Any]]) -> Calendar:
    """The sessions that the broker's `/v2/calendar` tells: date, open and close, wall clock of New York."""
    listed = sorted((day["date"], day["open"], day["close"]) for day in days)
    dates = np.array([day for day, _, _ in listed], "datetime64[D]")
    opens, closes = (np.array([_instant(one[0], one[k]) for one in listed], np.int64) for k in (1, 2))
    return Calendar("the broker", dates, opens, closes)


def differences(ours: Calendar, theirs: Calendar) -> list[str]:
    """What two calendars say otherwise of the days that both cover, a sentence each."""
    if not len(theirs.days) or not len(ours.days):
        return [f"{theirs.name} has no sessions" if len(ours.days) else f"{ours.name} has no sessions"]
    begin, end = max(ours.days[0], theirs.days[0]), min(ours.days[-1], theirs.days[-1])
    found = []
    for day in np.arange(begin, end + 1).tolist():
        sessions = [(calendar.open_of(day), calendar.close_of(day)) for calendar in (ours, theirs)]
        if sessions[0] != sessions[1]:
            said = (f"{c.name} {_spelled(*s)}" for c, s in zip((ours, theirs), sessions, strict=True))
            found.append(f"{day}: {', '.join(said)}")
    return found


def _instant(day: str, clock: str) -> int:
    wall = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=NEW_YORK)
    return int(wall.timestamp()) * 10**9


def _spelled(opens: int | None, closes: int | None) -> str:
    return f"{moment(opens)} to {moment(closes)}" if opens is not None and closes is not None else "closed"
