"""When New York trades: sessions with early closes, the market's clock, and its calendar as the wire has them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from live.sim.wire import SECOND

EXCHANGE, FIRST, LAST = "XNYS", "1970-01-01", "2035-12-31"
NEW_YORK = ZoneInfo("America/New_York")
FULL_CLOSE, FIRST_TRADE, LAST_TRADE, EARLY_LAST = time(16), time(4), time(20), time(17)  # of extended hours


class Sessions(NamedTuple):
    """All sessions there are, in order: their day, and ns UTC of open and close."""

    days: tuple[date, ...]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]


@cache
def sessions() -> Sessions:
    """The sessions of the exchange, from FIRST to LAST."""
    import exchange_calendars  # brings pandas along

    calendar = exchange_calendars.get_calendar(EXCHANGE, start=FIRST, end=LAST)
    days = tuple(day.date() for day in calendar.schedule.index)
    opens, closes = (calendar.schedule[name].to_numpy("datetime64[ns]").astype(np.int64) for name in ("open", "close"))
    return Sessions(days, opens, closes)


def is_open(ts: int) -> bool:
    """Whether the regular session is on; at its very close it is over."""
    known = sessions()
    at = int(np.searchsorted(known.opens, ts, "right")) - 1
    return at >= 0 and ts < int(known.closes[at])


def next_open(ts: int) -> int:
    """ns UTC of the first open after `ts`."""
    known = sessions()
    return int(known.opens[min(int(np.searchsorted(known.opens, ts, "right")), len(known.opens) - 1)])


def next_close(ts: int) -> int:
    """ns UTC of the first close after `ts`."""
    known = sessions()
    return int(known.closes[min(int(np.searchsorted(known.closes, ts, "right")), len(known.closes) - 1)])


def phase(ts: int) -> str:
    """closed, pre, core or post."""
    if is_open(ts):
        return "core"
    here = eastern(ts)
    known = sessions()
    at = int(np.searchsorted(np.array(known.days, "datetime64[D]"), np.datetime64(here.date())))
    if at == len(known.days) or known.days[at] != here.date():
        return "closed"
    if here.time() >= FIRST_TRADE and ts < known.opens[at]:
        return "pre"
    return "post" if ts >= known.closes[at] and here.time() < last_trade(int(known.closes[at])) else "closed"


def last_trade(close: int) -> time:
    """When trading after a close ends, Eastern time."""
    return LAST_TRADE if eastern(close).time() >= FULL_CLOSE else EARLY_LAST


def eastern(ts: int) -> datetime:
    """A moment in New York; below a microsecond it is cut."""
    return datetime.fromtimestamp(ts // SECOND, UTC).replace(microsecond=ts % SECOND // 1000).astimezone(NEW_YORK)


def clock_said(ts: int, with_phase: bool = False) -> dict[str, Any]:
    """What GET /v2/clock says, or with the phase what /v3/clock says."""
    said = {
        "timestamp": _spelled(ts), "is_open": is_open(ts), "next_open": _spelled(next_open(ts)),
        "next_close": _spelled(next_close(ts)),
    }  # fmt: skip
    return said | {"phase": phase(ts)} if with_phase else said


def calendar_said(start: date, end: date) -> list[dict[str, str]]:
    """What GET /v2/calendar says of the days from `start` to `end`, both included."""
    known = sessions()
    days = np.array(known.days, "datetime64[D]")
    first, past = (
        int(np.searchsorted(days, np.datetime64(start))),
        int(np.searchsorted(days, np.datetime64(end), "right")),
    )
    return [_day_said(known, at) for at in range(first, past)]


def _day_said(known: Sessions, at: int) -> dict[str, str]:
    close = int(known.closes[at])
    return {
        "date": known.days[at].isoformat(), "open": f"{eastern(int(known.opens[at])):%H:%M}",
        "close": f"{eastern(close):%H:%M}", "session_open": f"{FIRST_TRADE:%H%M}",
        "session_close": f"{last_trade(close):%H%M}",
        "settlement_date": known.days[min(at + 1, len(known.days) - 1)].isoformat(),
    }  # fmt: skip


def _spelled(ts: int) -> str:
    here = eastern(ts)
    offset = f"{here:%z}"
    return f"{here:%Y-%m-%dT%H:%M:%S}.{ts % SECOND:09d}{offset[:3]}:{offset[3:]}"
