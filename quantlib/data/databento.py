"""Databento's CSV and DBN files: ts is ts_recv, ts_event the venue's; all sessions of an instrument id by its symbol.

    trades         trade   side is the aggressor's; missing where none is told
    tbbo, mbp-1    quote, or trade
    mbp-10         book, or trade
    mbo            order, or trade
    ohlcv          bar     ts is ts_event and the bar's length

`last` is 1 on the last row of an event: between, a book may be half changed.  Prices of raw files count 1e-9; whether a
CSV is raw shows in that none of its prices has a point.

Source: databento.com/docs, Schemas and data formats; the DBN encoding is read by their package databento-dbn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from quantlib.data.format import Ask, Format, Piece, renamed
from quantlib.data.scaled import scaled
from quantlib.data.sources import Glimpse, Member
from quantlib.data.stamps import instant
from quantlib.data.text import header, tables, typed
from quantlib.rebuild.orders import ADD, CLEAR, DO_NOTHING, LOSE, REDUCE, SET

HEAD = {"ts_event", "rtype", "publisher_id", "instrument_id"}
SCALE = 1e9
UNDEFINED = 2**63 - 1
LAST, BAD_BOOK = 128, 4  # flags
ACTIONS = {"A": ADD, "C": REDUCE, "M": SET, "R": CLEAR}
SECONDS = {32: 1, 33: 60, 34: 3600, 35: 86_400, 36: 86_400}  # a bar's length by its rtype
TEXT = ("ts_recv", "ts_event", "action", "side", "symbol")
NUMBERS = ("price", "size", "open", "high", "low", "close", "volume")


def _is_csv(wanted: Callable[[set[str]], bool]) -> Callable[[Glimpse], bool]:
    def known(glimpse: Glimpse) -> bool:
        names = set(glimpse.header)
        return names >= HEAD and wanted(names)

    return known


def priced(name: str) -> bool:
    """Whether a column holds prices."""
    return name in ("price", "open", "high", "low", "close") or name[:7] in ("bid_px_", "ask_px_")


def mapped(frame: pl.DataFrame, clock: str) -> pl.DataFrame:
    """Rows of a clock from Databento's columns: prices in money, stamps in nanoseconds, `symbol` and `line` at hand."""
    return {"trade": _trades, "quote": _quotes, "book": _books, "order": _orders, "bar": _bars}[clock](frame)


def _stamps() -> list[pl.Expr]:
    return [instant(pl.col("ts_recv")).alias("ts"), instant(pl.col("ts_event")).alias("ts_event"), pl.col("symbol")]


def _last() -> pl.Expr:
    return (pl.col("flags") & LAST != 0).cast(pl.Int8).alias("last")


def _trades(frame: pl.DataFrame) -> pl.DataFrame:
    side = pl.when(pl.col("side") == "B").then(1.0).when(pl.col("side") == "A").then(-1.0).alias("side")
    rows = frame.filter(pl.col("action") == "T")
    return rows.select(*_stamps(), "price", pl.col("size").cast(pl.Float64), side, "sequence", "line")


def _quotes(frame: pl.DataFrame) -> pl.DataFrame:
    names = {"bid": "bid_px_00", "ask": "ask_px_00", "bid_size": "bid_sz_00", "ask_size": "ask_sz_00"}
    counts = renamed({"bid_orders": "bid_ct_00", "ask_orders": "ask_ct_00"})
    return frame.select(*_stamps(), *renamed(names), *counts, _last(), "sequence", "line")


def _books(frame: pl.DataFrame) -> pl.DataFrame:
    columns = []
    for k in range(sum(name.startswith("bid_px_") for name in frame.columns)):
        names = {"bid": "bid_px", "bid_size": "bid_sz", "ask": "ask_px", "ask_size": "ask_sz"}
        for stem, old in names.items():
            there = pl.col(f"{old[:3]}_px_{k:02}").is_not_null()  # an empty level has size 0, which is no size
            columns.append(pl.when(there).then(pl.col(f"{old}_{k:02}")).alias(f"{stem}_{k}"))
    return frame.select(*_stamps(), *columns, _last(), "sequence", "line")


def _orders(frame: pl.DataFrame) -> pl.DataFrame:
    action = pl.col("action").replace_strict(ACTIONS, default=DO_NOTHING, return_dtype=pl.Int8)
    lost = pl.col("flags") & BAD_BOOK != 0
    side = pl.when(pl.col("side") == "B").then(1).when(pl.col("side") == "A").then(-1).otherwise(0)
    return frame.select(
        *_stamps(),
        pl.col("order_id").alias("order"),
        pl.when(lost).then(LOSE).otherwise(action).cast(pl.Int8).alias("action"),
        side.cast(pl.Int8).alias("side"),
        "price",
        pl.col("size").cast(pl.Float64),
        _last(),
        "line",
    )


def _bars(frame: pl.DataFrame) -> pl.DataFrame:
    length = pl.col("rtype").replace_strict(SECONDS, default=None, return_dtype=pl.Int64)
    ts = instant(pl.col("ts_event") + length * 1_000_000_000).alias("ts")
    columns = [pl.col(n).cast(pl.Float64) for n in ("open", "high", "low", "close", "volume")]
    return frame.select(ts, instant(pl.col("ts_event")).alias("ts_event"), "symbol", *columns, "line")


def _pieces(members: list[Member], ask: Ask) -> Iterator[Piece]:
    for member in members:
        names, raw = header(member), None
        for piece in tables(member, names, ask.block, skip=1):
            if raw is None:
                raw = not any(piece.frame[n].str.contains(".", literal=True).any() for n in names if priced(n))
            read = _typed(piece, names, raw, member.name)
            yield Piece(mapped(read.frame, ask.clock), read.dropped)


def _typed(piece: Piece, names: list[str], raw: bool, member: str) -> Piece:
    """Columns of a CSV in their types; undefined prices and stamps are missing, an instrument without symbol its id."""
    stamps = [n for n in ("ts_recv", "ts_event") if n in names]
    frame = piece.frame.with_columns(_nanoseconds(n) for n in stamps)
    numbers = [n for n in names if n not in TEXT and (priced(n) or n in NUMBERS or n[3:6] in ("_sz", "_ct"))]
    whole = [n for n in names if n not in TEXT and n not in numbers]
    read = typed(Piece(frame, piece.dropped), number=numbers, whole=[*stamps, *whole], member=member)
    frame = read.frame.with_columns(defined(pl.col(n), raw).alias(n) for n in names if priced(n))
    named = "symbol" if "symbol" in names else pl.col("instrument_id").cast(pl.String).alias("symbol")
    return Piece(frame.with_columns(named), read.dropped)


def _nanoseconds(name: str) -> pl.Expr:
    """Nanoseconds as text from themselves, or from ISO text."""
    text = pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="ns", strict=False)
    return pl.coalesce(text.cast(pl.Int64).cast(pl.String), pl.col(name)).alias(name)


def defined(price: pl.Expr, raw: bool) -> pl.Expr:
    """A price in money, missing where undefined."""
    return pl.when(price.cast(pl.Float64) < float(UNDEFINED)).then(scaled(price, SCALE if raw else 1.0))


FORMATS = (
    Format("databento mbo csv", ("order", "trade"), _is_csv(lambda n: "order_id" in n), _pieces),
    Format("databento mbp-10 csv", ("book", "trade"), _is_csv(lambda n: "bid_px_01" in n), _pieces),
    Format("databento mbp-1 csv", ("quote", "trade"), _is_csv(lambda n: "bid_px_00" in n), _pieces),
    Format("databento trades csv", ("trade",), _is_csv(lambda n: "action" in n), _pieces),
    Format("databento ohlcv csv", ("bar",), _is_csv(lambda n: "open" in n), _pieces),
)
