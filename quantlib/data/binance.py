"""Binance's public dumps (data.binance.vision), spot and futures, zipped or not.

    klines       bar      ts is the close time and one unit, so the bar's end; ts_event the open time
    trades       trade    side is the aggressor's: a buyer who is maker was sold to
    aggTrades    trade
    bookTicker   quote    ts the event time, ts_event the transaction time
    bookDepth    other    depth and notional within so many percent of the price: no book
    fundingRate  other
    metrics      other

Spot files have no header and changed from ms to us on 2025-01-01; futures files have a header since about 2022, and ms.

Source: github.com/binance/binance-public-data, README.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from quantlib.data.format import OTHER, Ask, Format, Piece, renamed
from quantlib.data.sources import Glimpse, Member
from quantlib.data.stamps import epoch, instant
from quantlib.data.text import header, tables, typed

KLINES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
)  # fmt: skip
AGG_TRADES = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker")
TRADES = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker")
BOOK_TICKER = (
    "update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time", "event_time",
)  # fmt: skip
BOOK_DEPTH = ("timestamp", "percentage", "depth", "notional")
FUNDING = ("calc_time", "funding_interval_hours", "last_funding_rate")
METRICS = (
    "create_time", "symbol", "sum_open_interest", "sum_open_interest_value", "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio", "count_long_short_ratio", "sum_taker_long_short_vol_ratio",
)  # fmt: skip
BEST_MATCH = "is_best_match"  # spot files have it beside a futures file's columns
MARKED = re.compile("true|false", re.IGNORECASE)
WHOLE = re.compile(r"\d+")


def _named(columns: tuple[str, ...]) -> Callable[[Glimpse], bool]:
    """Whether a header is this one; COIN-margined files call a quote quantity a base one."""

    def known(glimpse: Glimpse) -> bool:
        header = [
            name.replace("base_qty", "quote_qty").replace("base_volume", "quote_volume") for name in glimpse.header
        ]
        return tuple(header) == columns

    return known


def _is_klines(glimpse: Glimpse) -> bool:
    row = glimpse.header
    bare = len(row) == len(KLINES) and bool(WHOLE.fullmatch(row[0]) and WHOLE.fullmatch(row[6]))
    return _named(KLINES)(glimpse) or (bare and len(row[0]) >= 13 and row[11] == "0")


def _is_trades(glimpse: Glimpse) -> bool:
    row = glimpse.header
    spot = len(row) == 7 and all(MARKED.fullmatch(field) for field in row[5:])
    futures = len(row) == 6 and bool(MARKED.fullmatch(row[5]))
    return _named(TRADES)(glimpse) or (WHOLE.fullmatch(row[0] if row else "") is not None and (spot or futures))


def _is_agg_trades(glimpse: Glimpse) -> bool:
    row = glimpse.header
    spot = len(row) == 8 and all(MARKED.fullmatch(field) for field in row[6:])
    futures = len(row) == 7 and bool(MARKED.fullmatch(row[6])) and not MARKED.fullmatch(row[5])
    return _named(AGG_TRADES)(glimpse) or (WHOLE.fullmatch(row[0] if row else "") is not None and (spot or futures))


def _is_book_ticker(glimpse: Glimpse) -> bool:
    row = glimpse.header
    bare = len(row) == 7 and all(WHOLE.fullmatch(row[k]) for k in (0, 5, 6)) and len(row[6]) >= 13
    return _named(BOOK_TICKER)(glimpse) or bare


def _klines(raw: Piece, ask: Ask) -> Piece:
    numbers = [n for n in KLINES if not n.endswith("_time") and n != "ignore"]
    piece = typed(raw, number=numbers, stamp=("open_time", "close_time"))
    close = pl.col("close_time")
    frame = piece.frame.select(
        instant(epoch(close + 1)).alias("ts"),
        instant(epoch(pl.col("open_time"))).alias("ts_event"),
        pl.lit(ask.symbol).alias("symbol"),
        *("open", "high", "low", "close", "volume", "quote_volume"),
        pl.col("count").alias("trades"),
        *("taker_buy_volume", "taker_buy_quote_volume", "line"),
    )
    return Piece(frame, piece.dropped)


def _side() -> pl.Expr:
    """The aggressor's: -1 where the buyer was the maker."""
    maker = pl.col("is_buyer_maker").str.to_lowercase()
    return pl.when(maker == "true").then(-1.0).when(maker == "false").then(1.0).alias("side")


def _trades(raw: Piece, ask: Ask) -> Piece:
    piece = typed(raw, number=("price", "qty", "quote_qty"), whole=("id",), stamp=("time",))
    return Piece(piece.frame.select(*_trade_columns("time", "qty", ask), "id", "line"), piece.dropped)


def _agg_trades(raw: Piece, ask: Ask) -> Piece:
    ids = ("agg_trade_id", "first_trade_id", "last_trade_id")
    piece = typed(raw, number=("price", "quantity"), whole=ids, stamp=("transact_time",))
    columns = _trade_columns("transact_time", "quantity", ask)
    return Piece(piece.frame.select(*columns, *renamed({"id": "agg_trade_id"}), *ids[1:], "line"), piece.dropped)


def _trade_columns(stamp: str, size: str, ask: Ask) -> list[pl.Expr]:
    ts = instant(epoch(pl.col(stamp))).alias("ts")
    return [ts, pl.lit(ask.symbol).alias("symbol"), pl.col("price"), pl.col(size).alias("size"), _side()]


def _book_ticker(raw: Piece, ask: Ask) -> Piece:
    piece = typed(raw, number=BOOK_TICKER[1:5], whole=BOOK_TICKER[:1], stamp=BOOK_TICKER[5:])
    names = {"bid": "best_bid_price", "ask": "best_ask_price", "bid_size": "best_bid_qty", "ask_size": "best_ask_qty"}
    frame = piece.frame.select(
        instant(epoch(pl.col("event_time"))).alias("ts"),
        instant(epoch(pl.col("transaction_time"))).alias("ts_event"),
        pl.lit(ask.symbol).alias("symbol"),
        *renamed(names | {"id": "update_id"}),
        "line",
    )
    return Piece(frame, piece.dropped)


def _written_times(columns: tuple[str, ...]) -> Callable[[Piece, Ask], Piece]:
    """Rows of no clock, whose first column says when, as text or as an epoch; a column `symbol` stays text."""

    def other(raw: Piece, ask: Ask) -> Piece:
        numbers = [n for n in columns[1:] if n != "symbol"]
        piece = typed(raw, number=numbers)
        stamp = pl.col(columns[0])
        text = stamp.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ns", strict=False).dt.replace_time_zone("UTC")
        ts = pl.coalesce(instant(epoch(stamp.cast(pl.Int64, strict=False))), text).alias("ts")
        symbol = pl.col("symbol") if "symbol" in columns else pl.lit(ask.symbol).alias("symbol")
        return Piece(piece.frame.select(ts, symbol, *numbers, "line"), piece.dropped)

    return other


def _reader(
    columns: tuple[str, ...], mapped: Callable[[Piece, Ask], Piece]
) -> Callable[[list[Member], Ask], Iterator[Piece]]:
    """A reader of all members, with a header or without, and with a spot file's last column or without."""

    def pieces(members: list[Member], ask: Ask) -> Iterator[Piece]:
        for member in members:
            first = header(member)
            names = (*columns, BEST_MATCH) if len(first) == len(columns) + 1 else columns
            for raw in tables(member, names, ask.block, skip=0 if WHOLE.match(first[0]) else 1):
                yield mapped(raw, ask)

    return pieces


def symbol(path: Path) -> str:
    """BTCUSDT of BTCUSDT-1m-2024-01-02.csv."""
    return path.name.split("-")[0].split(".")[0]


FORMATS = (
    Format("binance klines", ("bar",), _is_klines, _reader(KLINES, _klines)),
    Format("binance trades", ("trade",), _is_trades, _reader(TRADES, _trades)),
    Format("binance aggTrades", ("trade",), _is_agg_trades, _reader(AGG_TRADES, _agg_trades)),
    Format("binance bookTicker", ("quote",), _is_book_ticker, _reader(BOOK_TICKER, _book_ticker)),
    Format("binance bookDepth", (OTHER,), _named(BOOK_DEPTH), _reader(BOOK_DEPTH, _written_times(BOOK_DEPTH))),
    Format("binance fundingRate", (OTHER,), _named(FUNDING), _reader(FUNDING, _written_times(FUNDING))),
    Format("binance metrics", (OTHER,), _named(METRICS), _reader(METRICS, _written_times(METRICS))),
)
