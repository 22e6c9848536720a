"""Bars of a longer timeframe, made of those that were recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from live.errors import Denied
from live.sim.wire import SECOND

UNITS = {
    "min": "m", "t": "m", "hour": "h", "h": "h", "day": "d", "d": "d", "week": "w", "w": "w", "month": "mo", "m": "mo",
}  # fmt: skip
MOST = {"m": 59, "h": 23, "d": 1, "w": 1, "mo": 12}  # of a unit
LENGTHS = {"m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND, "w": 7 * 86_400 * SECOND}
ZONES = {"us_equity": "America/New_York", "crypto": "UTC"}  # whose midnights part the days
READ = ("open", "high", "low", "close", "volume", "count", "vwap", "t")


class Timeframe(NamedTuple):
    """How long bars are: 5 Min is (5, "m")."""

    amount: int
    unit: str  # m, h, d, w, mo

    @property
    def length(self) -> int:
        """ns; a month counts as none in particular, longer than all others."""
        return self.amount * LENGTHS.get(self.unit, 30 * LENGTHS["d"])


DAY = Timeframe(1, "d")


def timeframe_of(text: str) -> Timeframe:
    """What a query means by 1Min, 15T, 1Hour, 1Day, 1W, 3Month.

    Raises:
        Denied: 400 if it is none.
    """
    found = re.fullmatch(r"(\d*)([A-Za-z]+)", text)
    unit = UNITS.get(found[2].lower()) if found else None
    amount = int(found[1] or 1) if found else 0
    if unit is None or not 1 <= amount <= MOST[unit]:
        raise Denied(400, 40010000, f"invalid timeframe: {text}")
    return Timeframe(amount, unit)


def lengthened(columns: Mapping[str, NDArray[Any]], timeframe: Timeframe, zone: str) -> dict[str, NDArray[Any]]:
    """Bars of one symbol as fewer, longer ones; each begins where the clock, or the zone's day, strikes.

    The last one is as far as it has come.  The volume-weighted price of no volume is the mean.
    """
    moments = pl.Series(columns["t"]).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
    starts = moments.dt.truncate(f"{timeframe.amount}{timeframe.unit}").dt.convert_time_zone("UTC")
    begins: NDArray[np.int64] = starts.cast(pl.Int64).to_numpy()
    first = np.flatnonzero(np.append(True, begins[1:] != begins[:-1])) if len(begins) else np.empty(0, np.int64)
    if not len(first):
        return {name: columns[name][:0] for name in READ}
    last = np.append(first[1:], len(begins)) - 1
    volume, weighted = columns["volume"], columns["vwap"] * columns["volume"]
    total, sizes = np.add.reduceat(volume, first), last - first + 1
    mean = np.add.reduceat(columns["vwap"], first) / sizes
    return {
        "open": columns["open"][first], "high": np.maximum.reduceat(columns["high"], first),
        "low": np.minimum.reduceat(columns["low"], first), "close": columns["close"][last], "volume": total,
        "count": np.add.reduceat(columns["count"], first),
        "vwap": np.where(total > 0, np.add.reduceat(weighted, first) / np.where(total > 0, total, 1), mean),
        "t": begins[first],
    }  # fmt: skip
