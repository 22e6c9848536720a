"""Bars of the past: what is asked of a source of them, and the way from its frames to a session's records.

Every source answers with a polars frame of `ts` (when a bar is known: its end), `ts_event` (its first moment),
`symbol`, `open`, `high`, `low`, `close` and `volume`, prices as they were traded and not adjusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from live.errors import FeedError
from live.feeds.door import admitted, counted

SECOND, MINUTE, HOUR, DAY = 10**9, 60 * 10**9, 3600 * 10**9, 86_400 * 10**9  # nanoseconds
VALUES = ("open", "high", "low", "close", "volume")
BARS = np.dtype([("ts", "i8"), ("ts_event", "i8"), ("symbol", "i4"), *((name, "f8") for name in VALUES)], align=True)
FRAME = {"ts": pl.Int64, "ts_event": pl.Int64, "symbol": pl.String} | dict.fromkeys(VALUES, pl.Float64)


class History(Protocol):
    """A source of bars of the past."""

    name: str

    def bars(self, symbols: Sequence[str], begin: int, end: int, timeframe: int) -> pl.DataFrame:
        """Bars known after `begin` and not after `end`, ns UTC, in the columns of `FRAME`, in any order.

        Args:
            symbols: stocks by ticker, crypto by pair ("BTC/USD").
            timeframe: length of a bar, ns.

        Raises:
            HistoryError: if the source does not answer, or not with bars.
        """


class Checked(NamedTuple):
    """What passed the door of a frame, and why the rest did not."""

    frame: pl.DataFrame
    refused: tuple[str, ...]


def frame_of(bars: Sequence[tuple[Any, ...]], timeframe: int) -> pl.DataFrame:
    """(first moment in ns UTC, symbol, open, high, low, close, volume) of each bar, as a source's answer."""
    frame = pl.DataFrame(bars, {name: FRAME[name] for name in ("ts_event", "symbol", *VALUES)}, orient="row")
    return frame.with_columns(ts=pl.col("ts_event") + timeframe).select(*FRAME)


def checked(frame: pl.DataFrame, symbols: Sequence[str], begin: int, end: int) -> Checked:
    """The rows that were asked for and can be, by ts and then in the order of `symbols`, each once."""
    order = pl.DataFrame(
        {"symbol": list(symbols), "code": list(range(len(symbols)))}, {"symbol": pl.String, "code": pl.Int32}
    )
    inside = frame.filter(pl.col("ts") > begin, pl.col("ts") <= end).join(order, "symbol", maintain_order="left")
    inside = inside.unique(["ts", "symbol"], keep="last", maintain_order=True).sort("ts", "code")
    columns = counted({name: inside[name if name != "symbol" else "code"].to_numpy() for name in FRAME})
    good, refused = admitted(columns, symbols, end)
    return Checked(inside.filter(pl.Series(good)).select(*FRAME), tuple(one.text for one in refused))


def records(frame: pl.DataFrame, codes: Mapping[str, int], layout: np.dtype[Any]) -> NDArray[Any]:
    """A checked frame as records of a session; a column that the frame does not have is NaN there."""
    made = np.zeros(frame.height, layout)
    for name in layout.names or ():
        if name == "symbol":
            made[name] = [codes[one] for one in frame["symbol"]]
        else:
            made[name] = frame[name].to_numpy() if name in frame.columns else np.nan
    return made


def when(ts: int) -> datetime:
    """A moment as vendors' clients take it, cut to microseconds."""
    return datetime.fromtimestamp(ts // SECOND, UTC).replace(microsecond=ts % SECOND // 1000)


def whole(who: str, timeframe: int, units: Mapping[str, int], cure: str) -> tuple[int, str]:
    """A bar's length as a vendor spells it: how many of the largest unit that fits.

    Raises:
        FeedError: if it is no multiple of a unit.
    """
    for name, unit in sorted(units.items(), key=lambda one: -one[1]):
        if timeframe > 0 and timeframe % unit == 0:
            return timeframe // unit, name
    raise FeedError(f"{who}: has no bars of {timeframe / SECOND:g} seconds; {cure}")
