"""Where in the session, the week and the calendar of events a row lies.  All follow from `ts` alone."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Feature
from quantlib.features.calendar.hours import NEVER, US_EQUITIES, Hours, clock_of, time_of, zone_of
from quantlib.features.rows import Nothing, number
from quantlib.jit import kernel
from quantlib.kernels.civil import DAY, HOUR, instant, local_day, weekday
from quantlib.kernels.ring import NOTHING, window

MINUTE = HOUR // 60


class Zone(NamedTuple):
    base: int  # ns that winter time is ahead of UTC
    rule: int  # of summer time


class EventDates(NamedTuple):
    known: int  # dates
    most: float  # days: what stands for no event at all


@kernel
def _minute_of_session(p, memory, symbol, ts, minute):
    first = last = end = 0  # of the session at hand, which later rows mostly share
    for i in range(ts.size):
        if not first <= ts[i] < last:
            m = memory[symbol[i]]
            first, last, end = _session(ts[i], p, m.days, m.closes)
        minute[i] = (ts[i] - first) / MINUTE if first <= ts[i] <= end else -1.0


@kernel
def _time_to_close(p, memory, symbol, ts, minutes):
    first = last = end = 0
    for i in range(ts.size):
        if not first <= ts[i] < last:
            m = memory[symbol[i]]
            first, last, end = _session(ts[i], p, m.days, m.closes)
        minutes[i] = (end - ts[i]) / MINUTE if first <= ts[i] <= end else -1.0


@kernel
def _session(ts, p, days, closes):
    """(open, next open, close) of the last session that opened, or might have; it closes before it opens if it is not
    held."""
    day, first, last = local_day(ts, p.open, p.base, p.rule)
    k = _search(days, day)
    end = closes[k] if days[k] == day else p.close
    if not (p.days >> weekday(day)) & 1:
        return first, last, first - 1
    return first, last, instant(day, end, p.base, p.rule)


@kernel
def _search(values, x):
    """The place of the first of ascending values that is not below x; the last place if all are."""
    first, last = 0, values.size - 1
    while first < last:
        middle = (first + last) // 2
        if values[middle] < x:
            first = middle + 1
        else:
            last = middle
    return first


@kernel
def _day_of_week(p, memory, symbol, ts, day):
    first = last = today = 0
    for i in range(ts.size):
        if not first <= ts[i] < last:
            number, first, last = local_day(ts[i], 0, p.base, p.rule)
            today = weekday(number)
        day[i] = today


@kernel
def _distance_to_event(p, memory, symbol, ts, until, since):
    for i in range(ts.size):
        events = memory[symbol[i]].events
        k = _search(events, ts[i])
        until[i] = min((events[k] - ts[i]) / DAY, p.most) if k < p.known else p.most
        if k < p.known and events[k] == ts[i]:
            since[i] = 0.0
        else:
            since[i] = min((ts[i] - events[k - 1]) / DAY, p.most) if k > 0 else p.most


@kernel
def _days_until(p, memory, symbol, ts, event, until):
    for i in range(ts.size):
        until[i] = (event[i] - ts[i]) / DAY


def minute_of_session(hours: Hours = US_EQUITIES, *, out: str = "minute_of_session") -> Feature:
    """Minutes since the session opened.

    Args:
        hours: when sessions are held: open, close, zone, weekdays, closed days and early closes. By default 09:30 to
            16:00 in New York from Monday to Friday, summer time minded, holidays not: `new_york_closed` knows those.
        out: column written. (rows,) float64, minutes: 0 at the open, 390 at a close six and a half hours later, whose
            row still counts; -1 outside of sessions.

    Raises:
        ValueError: if a time, a zone, a weekday or a date of hours makes no sense.

    Source: P. R. Wood, T. H. McInish, J. K. Ord, An investigation of transactions data for NYSE stocks, J. Finance 40,
        1985, for why it matters. It reads `ts`, when a row was known: a bar's own end.
    """
    params, blank = clock_of("minute_of_session", hours)
    return Feature(_minute_of_session, params, blank, ("ts",), (out,), warmup=0, horizon=0)


def time_to_close(hours: Hours = US_EQUITIES, *, out: str = "time_to_close") -> Feature:
    """Minutes until the session closes.

    Args:
        hours: when sessions are held, as for `minute_of_session`.
        out: column written. (rows,) float64, minutes: 0 at the close, -1 outside of sessions.

    Raises:
        ValueError: if a time, a zone, a weekday or a date of hours makes no sense.

    Source: P. R. Wood, T. H. McInish, J. K. Ord, An investigation of transactions data for NYSE stocks, J. Finance 40,
        1985, for why it matters.
    """
    params, blank = clock_of("time_to_close", hours)
    return Feature(_time_to_close, params, blank, ("ts",), (out,), warmup=0, horizon=0)


def day_of_week(zone: str = "America/New_York", *, out: str = "day_of_week") -> Feature:
    """The weekday: 1 on Mondays to 7 on Sundays.

    Args:
        zone: whose midnight begins a day.
        out: column written. (rows,) float64.

    Raises:
        ValueError: if the zone is unknown.

    Source: ISO 8601-1:2019; F. Cross, The behavior of stock prices on Fridays and Mondays, Financ. Anal. J. 29, 1973,
        for why it matters.
    """
    params = Zone(*zone_of("day_of_week", zone))
    return Feature(_day_of_week, params, NOTHING, ("ts",), (out,), warmup=0, horizon=0)


def distance_to_event(
    dates: Sequence[str] | Sequence[date] | Sequence[datetime] | NDArray[np.datetime64] = (),
    at: str = "00:00",
    zone: str = "America/New_York",
    most: float = 365.0,
    *,
    out: str = "distance_to_event",
) -> Feature:
    """Days until the next event of a calendar, and days since the last one.

    Give only dates that were announced before the rows that read them, such as meetings of the FOMC.

    Args:
        dates: days of the events, in any order.
        at: local time at which they happen, "HH:MM": "14:00" for decisions of the FOMC since 2013.
        zone: whose time that is.
        most: days, positive: what is written where there is no such event or it is farther away.
        out: columns written: `out_next` and `out_last`. (rows,) float64, days of 24 hours, 0 to most; both 0 at the
            moment of an event.

    Raises:
        ValueError: if a date, the time or the zone makes no sense, or most is not positive and finite.

    Source: D. O. Lucca, E. Moench, The pre-FOMC announcement drift, J. Finance 70, 2015, for why it matters.
    """
    if not 0.0 < number("distance_to_event", "most", most) < float("inf"):
        raise ValueError(f"distance_to_event: most must be positive and finite, got {most}")
    base, rule = zone_of("distance_to_event", zone)
    time = time_of("distance_to_event", at)
    moments = sorted({int(instant_of(int(day), time, base, rule)) for day in _days(dates)})
    blank = np.zeros((), [("events", "i8", window(len(moments), "events")[0][2])])
    blank["events"] = NEVER
    blank["events"][: len(moments)] = moments
    outputs = (f"{out}_next", f"{out}_last")
    return Feature(_distance_to_event, EventDates(len(moments), most), blank, ("ts",), outputs, warmup=0, horizon=0)


def days_until(event: str = "next_event", *, out: str = "days_until") -> Feature:
    """Days until a moment that the row itself names, such as each company's next report.

    d[t] = (event[t] - ts[t]) / 24 h

    Args:
        event: column read: a moment as nanoseconds since 1970 UTC, known at the row. (rows,) float64, or NaN; a float64
            tells it to a quarter of a microsecond.
        out: column written. (rows,) float64, days of 24 hours, negative if it has passed.

    Source: W. H. Beaver, The information content of annual earnings announcements, J. Account. Res. 6, 1968, for why
        it matters.
    """
    return Feature(_days_until, Nothing(), NOTHING, ("ts", event), (out,), warmup=0, horizon=0)


def _days(dates: Any) -> NDArray[np.int64]:
    try:
        return np.asarray(list(dates), "datetime64[D]").astype(np.int64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"distance_to_event: a date is written 'YYYY-MM-DD': {error}") from None


@kernel
def instant_of(day, time, base, rule):
    """`instant` for one who is no kernel."""
    return instant(day, time, base, rule)
