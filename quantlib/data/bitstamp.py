"""Bitstamp's order log: `<local ms> <event> <json>` a line, as recorded for ob-analytics.

    order_created, order_changed, order_deleted   order   one message each
    order_book (the best 20 a side)               order   LEVEL rows, which seed and correct what is rebuilt
                                                  book
    trade                                         trade   the aggressor is not told: side is missing

ts is the local stamp, ts_event the venue's in whole seconds.  Sizes have 8 decimals: rebuild with
units=1e8, empty=False.

Source: Bitstamp, websocket API v1 (live orders, live order book, live trades).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from quantlib.data.format import Ask, Format, Piece, told
from quantlib.data.levels import PAIRS, levelled
from quantlib.data.sources import Glimpse, Member
from quantlib.data.stamps import epoch, instant
from quantlib.data.text import LONGEST, lines, sifted
from quantlib.rebuild.orders import ADD, LEVEL, REMOVE, SET

LINE = re.compile(r"\d{13} (order_(created|changed|deleted|book)|trade) \{")
ACTIONS = {"order_created": ADD, "order_changed": SET, "order_deleted": REMOVE}
BOOK = pl.Struct({"bids": PAIRS, "asks": PAIRS})
ORDER = pl.Struct(
    {"price": pl.String, "amount": pl.String, "datetime": pl.String, "id": pl.Int64, "order_type": pl.Int64}
)
TRADE = pl.Struct({"price": pl.Float64, "amount": pl.Float64, "id": pl.Int64})
LEVELS = 20


def _is_log(glimpse: Glimpse) -> bool:
    return bool(glimpse.lines) and LINE.match(glimpse.lines[0]) is not None


def _pieces(members: list[Member], ask: Ask) -> Iterator[Piece]:
    read = {"order": _orders, "trade": _trades, "book": _books}[ask.clock]
    for member in members:
        for texts in lines(member, ask.block):
            parts = pl.col("text").str.extract_groups(r"^(?<local>\d{13}) (?<kind>\w+) (?<json>\{.*\})\s*$")
            split = texts.with_columns(parts.alias("parts")).unnest("parts")
            ts = epoch(pl.col("local").cast(pl.Int64))
            known = (pl.col("kind").is_in([*ACTIONS, "order_book", "trade"]) & (ts > 0)).fill_null(False)
            good = split.filter(known).with_columns(instant(ts).alias("ts"), pl.lit(ask.symbol).alias("symbol"))
            frames, unread = sifted(good, read)
            strange = pl.concat([split.filter(~known), *(rows.select(split.columns) for rows in unread)])
            dropped = told(
                strange.with_columns(pl.col("text").str.head(LONGEST)),
                "no event that can be read",
                ["text"],
                member.name,
            )
            yield Piece(pl.concat(frames) if frames else pl.DataFrame(), dropped)


def _decoded(split: pl.DataFrame, kinds: list[str], shape: pl.Struct) -> pl.DataFrame:
    rows = split.filter(pl.col("kind").is_in(kinds))
    return rows.with_columns(rows["json"].str.json_decode(shape).alias("body")).unnest("body")


def _trades(split: pl.DataFrame) -> pl.DataFrame:
    side = pl.lit(None, pl.Float64).alias("side")
    return _decoded(split, ["trade"], TRADE).select(
        "ts", "symbol", "price", pl.col("amount").alias("size"), side, "id", "line"
    )


def _orders(split: pl.DataFrame) -> pl.DataFrame:
    orders = _decoded(split, list(ACTIONS), ORDER).select(
        "ts",
        pl.min_horizontal("ts", instant(epoch(pl.col("datetime").cast(pl.Int64)))).alias("ts_event"),
        "symbol",
        pl.col("id").alias("order"),
        pl.col("kind").replace_strict(ACTIONS, return_dtype=pl.Int8).alias("action"),
        pl.when(pl.col("order_type") == 0).then(1).otherwise(-1).cast(pl.Int8).alias("side"),
        pl.col("price").cast(pl.Float64),
        pl.col("amount").cast(pl.Float64).alias("size"),
        pl.lit(1, pl.Int8).alias("last"),
        "line",
    )
    return pl.concat([orders, _levels(split)]).sort("line", maintain_order=True)


def _levels(split: pl.DataFrame) -> pl.DataFrame:
    """The books that the venue sent, as rows that tell of levels."""
    books = _decoded(split, ["order_book"], BOOK)
    rows = levelled(books.select("ts", "symbol", pl.col("bids").alias("b"), pl.col("asks").alias("a"), "line"))
    return rows.filter(pl.col("side") != 0).select(
        "ts",
        pl.col("ts").alias("ts_event"),
        "symbol",
        pl.lit(0, pl.Int64).alias("order"),
        pl.lit(LEVEL, pl.Int8).alias("action"),
        *("side", "price", "size", "last", "line"),
    )


def _books(split: pl.DataFrame) -> pl.DataFrame:
    books = _decoded(split, ["order_book"], BOOK)
    columns = []
    for k in range(LEVELS):
        for name, stem in (("bids", "bid"), ("asks", "ask")):
            level = pl.col(name).list.get(k, null_on_oob=True)
            columns += [level.list.get(0).cast(pl.Float64).alias(f"{stem}_{k}")]
            columns += [level.list.get(1).cast(pl.Float64).alias(f"{stem}_size_{k}")]
    return books.select("ts", "symbol", *columns, "line")


FORMATS = (Format("bitstamp orders", ("order", "trade", "book"), _is_log, _pieces),)
