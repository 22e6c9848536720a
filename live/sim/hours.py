"""When New York trades, as the wire tells it: the market's clock and the calendar, early closes included."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any

import numpy as np

from live.feeds.calendar import NEW_YORK, Calendar
from live.sim.wire import SECOND

EXCHANGE, FIRST, LAST = "XNYS", "1970-01-01", "2035-12-31"
FULL_CLOSE, FIRST_TRADE, LAST_TRADE, EARLY_LAST = time(16), time(4), time(20), time(17)  # of extended hours


@cache
def sessions() -> Calendar:
    """The sessions of the exchange, from FIRST to LAST."""
    import exchange_calendars  # brings pandas along

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it uses pandas as pandas 4 will not allow
        schedule = exchange_calendars.get_calendar(EXCHANGE, start=FIRST, end=LAST).schedule
        opens, closes = (schedule[name].dt.tz_convert(None).to_numpy("datetime64[ns]") for name in ("open", "close"))
    return Calendar(EXCHANGE, schedule.index.to_numpy("datetime64[D]"), opens.astype(np.int64), closes.astype(np.int64))


def is_open(ts: int) -> bool:
    """Whether the regular session is on; at its very close it is over."""
    return sessions().is_open(ts)


def phase(ts: int) -> str:
    """closed, pre, core or post."""
    if is_open(ts):
        return "core"
    here = eastern(ts)
    close = sessions().close_of(here.date())
    if close is None or here.time() < FIRST_TRADE:
        return "closed"
    if ts < close:
        return "pre"
    return "post" if here.time() < last_trade(close) else "closed"


def last_trade(close: int) -> time:
    """When trading after a close ends, Eastern time."""
    return LAST_TRADE if eastern(close).time() >= FULL_CLOSE else EARLY_LAST


def eastern(ts: int) -> datetime:
    """A moment in New York; below a microsecond it is cut."""
    return datetime.fromtimestamp(ts // SECOND, UTC).replace(microsecond=ts % SECOND // 1000).astimezone(NEW_YORK)


def clock_said(ts: int, with_phase: bool = False) -> dict[str, Any]:
    """What GET /v2/clock says, or with the phase what /v3/clock says."""
    said = {
        "timestamp": _spelled(ts), "is_open": is_open(ts), "next_open": _spelled(sessions().next_open(ts)),
        "next_close": _spelled(sessions().next_close(ts)),
    }  # fmt: skip
    return said | {"phase": phase(ts)} if with_phase else said


def calendar_said(start: date, end: date) -> list[dict[str, str]]:
    """What GET /v2/calendar says of the days from `start` to `end`, both included."""
    days = sessions().days
    first, past = np.searchsorted(days, np.datetime64(start)), np.searchsorted(days, np.datetime64(end), "right")
    return [_day_said(at) for at in range(int(first), int(past))]


def _day_said(at: int) -> dict[str, str]:
    known = sessions()
    close, next_day = int(known.closes[at]), min(at + 1, len(known.days) - 1)
    return {
        "date": str(known.days[at]), "open": f"{eastern(int(known.opens[at])):%H:%M}",
        "close": f"{eastern(close):%H:%M}", "session_open": f"{FIRST_TRADE:%H%M}",
        "session_close": f"{last_trade(close):%H%M}", "settlement_date": str(known.days[next_day]),
    }  # fmt: skip


def _spelled(ts: int) -> str:
    here = eastern(ts)
    offset = f"{here:%z}"
    return f"{here:%Y-%m-%dT%H:%M:%S}.{ts % SECOND:09d}{offset[:3]}:{offset[3:]}"
