"""When jobs are due: at an hour of New York, on days that trade or on all, or so long after the close.

Hour(time(8, 30))                 08:30 on days with a session
Hour(time(2), daily=True)         02:00 every day
AfterClose(1800)                  half an hour after the close, which comes early on some days
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from live.feeds.calendar import NEW_YORK, Calendar, new_york

SECOND = 1_000_000_000
MONTH = 30 * 86_400 * SECOND
LONGEST = 14  # days without a session: none was ever longer


class Hour(NamedTuple):
    """An hour of the clock in New York; one that a change of the clocks leaves out comes an hour later."""

    at: time
    daily: bool = False  # else only on days with a session

    def __str__(self) -> str:
        return f"{self.at:%H:%M} New York, {'every day' if self.daily else 'days with a session'}"


class AfterClose(NamedTuple):
    """So many seconds after the close of each session."""

    seconds: int

    def __str__(self) -> str:
        return f"{self.seconds // 60} min after the close"


When = Hour | AfterClose


def dues(when: When, after: int, until: int) -> Iterator[int]:
    """Each moment in (after, until], ns UTC."""
    day = datetime.fromtimestamp(after // SECOND, NEW_YORK).date() - timedelta(1)
    last = datetime.fromtimestamp(until // SECOND, NEW_YORK).date()
    while day <= last:
        due = on(when, day)
        if due is not None and after < due <= until:
            yield due
        day += timedelta(1)


def next_due(when: When, after: int) -> int:
    """The first moment after `after`, ns UTC."""
    return next(dues(when, after, after + LONGEST * 86_400 * SECOND))


def last_due(when: When, now: int) -> int:
    """The last moment not after `now`, ns UTC."""
    return max(dues(when, now - LONGEST * 86_400 * SECOND, now))


def on(when: When, day: date) -> int | None:
    """The moment on a day of New York, ns UTC; None if there is none."""
    if isinstance(when, AfterClose):
        close = _calendar_of(day).close_of(day)
        return None if close is None else close + when.seconds * SECOND
    if not when.daily and _calendar_of(day).close_of(day) is None:
        return None
    return int(datetime.combine(day, when.at, NEW_YORK).timestamp()) * SECOND


def open_since(now: int) -> int | None:
    """When the session that is on at `now` began, ns UTC; None while the exchange is closed."""
    calendar = _calendar(now // MONTH)
    return calendar.opened(now) if calendar.is_open(now) else None


def _calendar_of(day: date) -> Calendar:
    return _calendar(int(datetime.combine(day, time(12), NEW_YORK).timestamp()) * SECOND // MONTH)


@lru_cache(maxsize=4)
def _calendar(month: int) -> Calendar:
    return new_york(month * MONTH)
