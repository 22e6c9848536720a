"""Binance's websockets as hftbacktest records them: `<local ns> <message>` a line, REST snapshots among them.

    depthUpdate, REST depth   diff    rows of one message; ids U, u, pu, or lastUpdateId
    bookTicker                quote
    trade                     trade   side is the aggressor's

ts is the local stamp.  ts_event is the venue's, but not after ts: where the local clock is behind, they are equal and
`venue` keeps what the venue said.  A snapshot names no symbol: it has that of the file's first message.

Source: Binance, Spot and USD-M Futures, web socket streams; hftbacktest, data format of its collector.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import polars as pl

from quantlib.data.format import Ask, Format, Piece, told
from quantlib.data.levels import PAIRS, levelled
from quantlib.data.sources import Glimpse, Member
from quantlib.data.stamps import epoch, instant
from quantlib.data.text import LONGEST, lines, sifted

LINE = re.compile(r'\d{16,19} \{"(stream|lastUpdateId|e|u)"')
SYMBOL = re.compile(r'"s":"(\w+)"')
HEAD = {"E": pl.Int64, "T": pl.Int64, "s": pl.String}
DEPTH = pl.Struct(HEAD | {"U": pl.Int64, "u": pl.Int64, "pu": pl.Int64, "b": PAIRS, "a": PAIRS})
SNAPSHOT = pl.Struct({"E": pl.Int64, "T": pl.Int64, "lastUpdateId": pl.Int64, "bids": PAIRS, "asks": PAIRS})
TRADE = pl.Struct(HEAD | {"t": pl.Int64, "p": pl.String, "q": pl.String, "m": pl.Boolean})
TICKER = pl.Struct(HEAD | {"u": pl.Int64, "b": pl.String, "B": pl.String, "a": pl.String, "A": pl.String})
MARKS = {  # what a line of that kind has in it
    "snapshot": pl.col("text").str.contains('"lastUpdateId"', literal=True),
    "depth": pl.col("text").str.contains('"depthUpdate"', literal=True),
    "trade": pl.col("text").str.contains('"e":"trade"', literal=True),
    "quote": pl.col("text").str.contains('"B":"', literal=True) & pl.col("text").str.contains('"A":"', literal=True),
}


def _is_recording(glimpse: Glimpse) -> bool:
    return bool(glimpse.lines) and LINE.match(glimpse.lines[0]) is not None


def _pieces(members: list[Member], ask: Ask) -> Iterator[Piece]:
    read = {"diff": _diffs, "trade": _trades, "quote": _quotes}[ask.clock]
    symbol = ""
    for member in members:
        for texts in lines(member, ask.block):
            split = texts.with_columns(
                pl.col("text").str.extract(r"^(\d+) ").cast(pl.Int64, strict=False).alias("local"),
                pl.col("text").str.extract(r"^\d+ (\{.*\})\s*$").alias("json"),
            )
            kind = pl.coalesce(*(pl.when(mark).then(pl.lit(name)) for name, mark in MARKS.items())).alias("kind")
            split = split.with_columns(kind)
            symbol = symbol or next((m[1] for t in texts["text"] if (m := SYMBOL.search(t))), "")
            timed = (epoch(pl.col("local")) > 0).fill_null(False)
            known = pl.all_horizontal(pl.col("json", "kind").is_not_null(), timed)
            frames, unread = sifted(split.filter(known), partial(read, symbol=symbol or ask.symbol))
            strange = pl.concat([split.filter(~known), *unread]).with_columns(pl.col("text").str.head(LONGEST))
            frame = pl.concat(frames) if frames else pl.DataFrame()
            yield Piece(frame, told(strange, "no message that can be read", ["text"], member.name))


def _decoded(split: pl.DataFrame, kind: str, shape: pl.Struct) -> pl.DataFrame:
    """Messages of a kind, as the columns of their shape; those in an envelope are taken out of it."""
    whole = split.filter(pl.col("kind") == kind)
    enveloped = pl.col("json").str.starts_with('{"stream"')
    body = pl.when(enveloped).then(pl.col("json").str.extract(r'"data":(\{.*\})\}$')).otherwise(pl.col("json"))
    whole = whole.with_columns(body.alias("body"))
    return whole.with_columns(whole["body"].str.json_decode(shape).alias("body")).unnest("body")


def _stamps(symbol: pl.Expr) -> list[pl.Expr]:
    venue = epoch(pl.coalesce("T", "E"))
    ts = epoch(pl.col("local"))
    return [
        instant(ts).alias("ts"),
        instant(pl.min_horizontal(ts, venue)).alias("ts_event"),
        instant(venue).alias("venue"),
        symbol.alias("symbol"),
    ]


def _trades(split: pl.DataFrame, symbol: str) -> pl.DataFrame:
    side = pl.when(pl.col("m")).then(-1.0).when(~pl.col("m")).then(1.0).alias("side")
    price, size = pl.col("p").cast(pl.Float64).alias("price"), pl.col("q").cast(pl.Float64).alias("size")
    return _decoded(split, "trade", TRADE).select(
        *_stamps(pl.col("s")), price, size, side, pl.col("t").alias("id"), "line"
    )


def _quotes(split: pl.DataFrame, symbol: str) -> pl.DataFrame:
    names = {"bid": "b", "ask": "a", "bid_size": "B", "ask_size": "A"}
    numbers = [pl.col(old).cast(pl.Float64).alias(new) for new, old in names.items()]
    return _decoded(split, "quote", TICKER).select(*_stamps(pl.col("s")), *numbers, pl.col("u").alias("id"), "line")


def _diffs(split: pl.DataFrame, symbol: str) -> pl.DataFrame:
    update = _decoded(split, "depth", DEPTH).select(
        *_stamps(pl.col("s")),
        pl.col("U").alias("first_id"),
        pl.col("u").alias("last_id"),
        pl.col("pu").fill_null(-1).alias("prev_id"),
        pl.lit(0, pl.Int8).alias("snapshot"),
        *("b", "a", "line"),
    )
    rest = _decoded(split, "snapshot", SNAPSHOT).select(
        *_stamps(pl.lit(symbol)),
        pl.col("lastUpdateId").alias("first_id"),
        pl.col("lastUpdateId").alias("last_id"),
        pl.lit(-1, pl.Int64).alias("prev_id"),
        pl.lit(1, pl.Int8).alias("snapshot"),
        pl.col("bids").alias("b"),
        pl.col("asks").alias("a"),
        "line",
    )
    return levelled(pl.concat([update, rest]))


FORMATS = (Format("binance stream", ("diff", "quote", "trade"), _is_recording, _pieces),)
