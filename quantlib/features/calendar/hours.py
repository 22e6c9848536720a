"""When a market is open: hours of a day in its own time, and the days that are exceptions."""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.features.rows import of_kind
from quantlib.kernels.civil import DAY, EUROPE, HOUR, NONE, UNITED_STATES
from quantlib.kernels.ring import window

MINUTE = HOUR // 60
NEVER = np.iinfo(np.int64).max
ZONES: Mapping[str, tuple[int, int]] = MappingProxyType(  # hours ahead of UTC in winter, rule of summer time
    {
        "UTC": (0, NONE),
        "America/New_York": (-5, UNITED_STATES),
        "America/Chicago": (-6, UNITED_STATES),
        "America/Los_Angeles": (-8, UNITED_STATES),
        "Europe/London": (0, EUROPE),
        "Europe/Berlin": (1, EUROPE),
        "Europe/Paris": (1, EUROPE),
        "Europe/Zurich": (1, EUROPE),
        "Asia/Hong_Kong": (8, NONE),
        "Asia/Shanghai": (8, NONE),
        "Asia/Singapore": (8, NONE),
        "Asia/Tokyo": (9, NONE),
    }
)

Days = Sequence[str] | Sequence[date] | NDArray[np.datetime64]


class Hours(NamedTuple):
    """The sessions of a market.

    open    when a session begins, "HH:MM" of local time; after `close` if it begins on the evening before
    close   when it ends
    zone    whose time that is: a key of `ZONES`
    days    weekdays on which sessions end, 1 (Monday) to 7 (Sunday)
    closed  dates without a session
    early   dates and the time at which their session ends
    """

    open: str = "09:30"
    close: str = "16:00"
    zone: str = "America/New_York"
    days: Sequence[int] = (1, 2, 3, 4, 5)
    closed: Days = ()
    early: Mapping[str, str] | Mapping[date, str] = MappingProxyType({})


class Clock(NamedTuple):
    """Parameters of what reads the hours of a market."""

    open: int  # ns after midnight, negative if on the evening before
    close: int
    base: int  # ns that winter time is ahead of UTC
    rule: int  # of summer time
    days: int  # bit d is set if sessions end on weekday d


US_EQUITIES = Hours()


def zone_of(who: str, zone: str) -> tuple[int, int]:
    """(ns ahead of UTC in winter, rule of summer time).

    Raises:
        ValueError: if the zone is not one of `ZONES`.
    """
    if zone not in ZONES:
        raise ValueError(f"{who}: zone must be one of {', '.join(ZONES)}, got {zone!r}")
    hours, rule = ZONES[zone]
    return hours * HOUR, rule


def time_of(who: str, text: str) -> int:
    """ "HH:MM" as nanoseconds after midnight.

    Raises:
        ValueError: if it is no such time.
    """
    hour, colon, minute = str(text).partition(":")
    if not (colon and hour.isdigit() and minute.isdigit() and int(hour) <= 24 and int(minute) < 60):
        raise ValueError(f"{who}: a time of day is written 'HH:MM', got {text!r}")
    return int(hour) * HOUR + int(minute) * MINUTE


def clock_of(who: str, hours: Hours) -> tuple[Clock, NDArray[Any]]:
    """Hours as parameters, and as what a symbol remembers: the exceptions in order.

    Raises:
        ValueError: if hours are no `Hours`, or a time, a zone, a weekday or a date makes no sense.
    """
    of_kind(who, "hours", hours, Hours)
    base, rule = zone_of(who, hours.zone)
    opens, closes = time_of(who, hours.open), time_of(who, hours.close)
    opens = opens - DAY if opens >= closes else opens
    if not hours.days or not set(hours.days) <= set(range(1, 8)):
        raise ValueError(f"{who}: days must be some of 1 (Monday) to 7 (Sunday), got {tuple(hours.days)}")
    ends = {_day(who, day): time_of(who, text) for day, text in hours.early.items()}
    ends |= {_day(who, day): opens - 1 for day in hours.closed}
    size = window(len(ends), "days")[0][2]
    blank = np.zeros((), [("days", "i8", size), ("closes", "i8", size)])
    blank["days"] = NEVER
    blank["days"][: len(ends)] = sorted(ends)
    blank["closes"][: len(ends)] = [ends[day] for day in sorted(ends)]
    days = sum(1 << int(day) for day in set(hours.days))
    return Clock(opens, closes, base, rule, days), blank


def _day(who: str, day: Any) -> int:
    try:
        return int(np.datetime64(day, "D").astype(np.int64))
    except ValueError:
        raise ValueError(f"{who}: a date is written 'YYYY-MM-DD', got {day!r}") from None
