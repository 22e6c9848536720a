"""All fourteen data providers over a million trades and a million books of twenty levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from benchmarks.row import Row, row
from benchmarks.timing import Scale, seconds
from quantlib import books, catalog, quotes, trades
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
    """What the providers read, by clock."""

    trade: Columns
    quote: Columns
    book: Columns
    bar: Columns


@lru_cache(1)
def many(count: int) -> Rows:
    """An hour of a made-up market, again and again until there are so many trades, quotes and books."""
    hour = market(3, 3600.0)
    bar = sampled(catalog.feature("time_bars"), hour.trades).columns
    tables = trades(hour.trades), quotes(hour.quotes), books(hour.books)
    return Rows(*(_again(table, count) for table in tables), bar | {"benchmark": bar["close"][::-1].copy()})


def _again(table: Table, count: int) -> Columns:
    times = -(-count // table.rows)
    columns: Columns = {n: np.tile(c, times)[:count] for n, c in table.columns.items()}
    columns["ts"] = columns["ts"] + np.repeat(np.arange(times, dtype=np.int64) * HOUR, table.rows)[:count]
    return DOORS[table.clock](columns, symbols=SYMBOLS).columns


def joined(rows: Rows) -> Rows:
    """Trades with the touch before them, and books with what takers had bought and sold."""
    totals = catalog.feature("taker_totals")
    taken = advance([totals], start([totals], SYMBOLS), rows.trade)
    touch = {new: rows.book[n] for n, new in (("ts", "ts"), ("symbol", "symbol"), ("bid_0", "bid"), ("ask_0", "ask"))}
    beside = advance_hold(
        hold_start(SYMBOLS, ("bid", "ask")), rows.trade, touch, left_clock="trade", source_clock="book"
    )
    before = advance_hold(
        hold_start(SYMBOLS, totals.outputs), rows.book, rows.trade | taken, left_clock="book", source_clock="trade"
    )
    return rows._replace(trade=rows.trade | beside, book=rows.book | before)


def through(rows: Rows, features: Sequence[Feature]) -> float:
    """Everything once, joins included; a number from it."""
    last, all_rows = 0.0, joined(rows)
    for feature in features:
        written = advance([feature], start([feature], SYMBOLS), getattr(all_rows, feature.clock))
        last += float(next(iter(written.values()))[-1])
    return last


def providers(name: str, scale: Scale) -> Row:
    """Seconds for all of them, one after the other, on one core."""
    rows, names = many(scale.rows), FLOW + BOOK + BARS
    features = [catalog.feature(name) for name in names]
    runs = seconds(lambda: through(rows, features), max(2, scale.repeat - 2))
    return row(name, "s", runs, f"{len(names)} features, {scale.rows:,} trades and as many books")


BENCHES: dict[str, Callable[[Scale], Row]] = {"features.providers": partial(providers, "features.providers")}
