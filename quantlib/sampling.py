"""Bars sampled from trades by a bar maker, as a table that every feature of bars runs on.

bars = quantlib.sampling.sampled(volume_bars(500.0), trades)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Feature, FeatureError, run, start, title
from quantlib.table import Table, bars, trades

MADE = ("open", "high", "low", "close", "volume", "trades", "begun", "ended", "event")


def sampled(maker: Feature, rows: Any) -> Table:
    """The complete bars that a bar maker finds in trades.

    Args:
        maker: a feature of trades that writes `…_open`, `…_high`, `…_low`, `…_close`, `…_volume`, `…_trades`,
            `…_begun`, `…_ended` and `…_event`, such as `tick_bars()`; further columns are its own business.
        rows: a Table of trades, or what `quantlib.trades` takes.

    Returns:
        A Table of bars: ts when the bar ended (for bars of time the end of their span, for all others their last
        trade), ts_event when it began, symbol, open, high, low, close, volume, and trades, how many it is made of.
        Bars of one symbol that ended at the same nanosecond, or before the bar ahead of them, are a nanosecond apart.
        A bar that is not complete where the rows end is left out.

    Raises:
        FeatureError: if the feature is no bar maker.
        TableError: if the rows break a rule of trades.
    """
    columns = _columns(maker)
    table = rows if isinstance(rows, Table) else trades(rows)
    _, written = run([maker], start([maker], table.symbols), table.columns)
    told = written[columns["event"]] == 1.0
    made = {name: written[column][told] for name, column in columns.items()}
    symbol = table.columns["symbol"][told]
    ts = table.columns["ts"][told] - made.pop("ended").astype(np.int64)
    begun = table.columns["ts"][told] - made.pop("begun").astype(np.int64)
    ts = _apart(ts, symbol)
    order = np.argsort(ts, kind="stable")
    del made["event"]
    frame = {"ts": ts, "ts_event": begun, "symbol": np.array(table.symbols)[symbol], **made}
    return bars({name: column[order] for name, column in frame.items()}, symbols=table.symbols)


def _columns(maker: Feature) -> dict[str, str]:
    """The maker's column of each quantity."""
    stem = maker.outputs[0].removesuffix("_open")
    columns = {name: f"{stem}_{name}" for name in MADE}
    missing = [column for column in columns.values() if column not in maker.outputs]
    if missing or maker.clock != "trade":
        what = f"it writes no {missing[0]!r}" if missing else f"it runs on {maker.clock}s"
        raise FeatureError(f"sampled: {title(maker)} makes no bars of trades; {what}")
    return columns


def _apart(ts: NDArray[np.int64], symbol: NDArray[np.int32]) -> NDArray[np.int64]:
    """The instants, each later than the one before it of its symbol."""
    moved = ts.copy()
    for code in np.unique(symbol):
        mine = symbol == code
        place = np.arange(int(mine.sum()))
        moved[mine] = np.maximum.accumulate(ts[mine] - place) + place
    return moved
