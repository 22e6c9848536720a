"""All fourteen data providers over a million trades and a million books of twenty levels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from benchmarks.row import Row, row
from benchmarks.timing import Scale, seconds
from quantlib import books, catalog, trades
from quantlib.asof import advance_hold, hold_start
from quantlib.core import Columns, Feature, advance, start
from quantlib.sampling import sampled
from quantlib.synthetic import market
from quantlib.table import DOORS, Table

SYMBOLS = ("X",)
HOUR = 3_600_000_000_000  # ns
FLOW = (
    "cvd_events", "taker_ratio", "taker_ratio_time", "volume_ratio", "effective_spread", "realised_spread",
    "vpin", "volume_profile", "session_vwap", "rolling_vwap", "anchored_vwap",
)  # fmt: skip
BOOK = ("l2_delta", "hidden_liquidity", "spoofing", "vacuum")
BARS = ("garch", "volatility_state", "local_level", "local_trend", "hedge_ratio")


class Rows(NamedTuple):
    """What the providers read."""

    trades: Columns
    books: Columns
    bars: Columns


def many(count: int) -> Rows:
    """An hour of a made-up market, again and again until there are so many trades and books."""
    hour = market(3, 3600.0)
    flow, depth = _again(trades(hour.trades), count), _again(books(hour.books), count)
    bar = sampled(catalog.feature("time_bars"), hour.trades).columns
    return Rows(flow, depth, bar | {"benchmark": bar["close"][::-1].copy()})


def _again(table: Table, count: int) -> Columns:
    times = -(-count // table.rows)
    columns: Columns = {n: np.tile(c, times)[:count] for n, c in table.columns.items()}
    columns["ts"] = columns["ts"] + np.repeat(np.arange(times, dtype=np.int64) * HOUR, table.rows)[:count]
    return DOORS[table.clock](columns, symbols=SYMBOLS).columns


def through(rows: Rows, features: dict[str, list[Feature]]) -> float:
    """Everything once: trades with the touch before them, books with what takers had done, bars; a number from it."""
    totals = catalog.feature("taker_totals")
    taken = advance([totals], start([totals], SYMBOLS), rows.trades)
    touch = {new: rows.books[n] for n, new in (("ts", "ts"), ("symbol", "symbol"), ("bid_0", "bid"), ("ask_0", "ask"))}
    beside = advance_hold(
        hold_start(SYMBOLS, ("bid", "ask")), rows.trades, touch, left_clock="trade", source_clock="book"
    )
    before = advance_hold(
        hold_start(SYMBOLS, totals.outputs), rows.books, rows.trades | taken, left_clock="book", source_clock="trade"
    )
    last = 0.0
    for one, columns in (("trade", rows.trades | beside), ("book", rows.books | before), ("bar", rows.bars)):
        for feature in features[one]:
            written = advance([feature], start([feature], SYMBOLS), columns)
            last += float(next(iter(written.values()))[-1])
    return last


def providers(name: str, scale: Scale) -> Row:
    """Seconds for all of them, one after the other, on one core."""
    rows = many(scale.rows)
    features = {
        "trade": [catalog.feature(n) for n in FLOW],
        "book": [catalog.feature(n) for n in BOOK],
        "bar": [catalog.feature(n) for n in BARS],
    }
    runs = seconds(lambda: through(rows, features), max(2, scale.repeat - 2))
    return row(name, "s", runs, f"{len(FLOW + BOOK + BARS)} features, {scale.rows:,} trades and as many books")


BENCHES: dict[str, Callable[[Scale], Row]] = {"features.providers": partial(providers, "features.providers")}
