"""Tardis.dev's CSV files: ts is the local timestamp, ts_event the exchange's, both in microseconds.

    trades               trade
    incremental_book_L2  diff    rows of one local timestamp are one message
    book_snapshot_N      book
    quotes               quote
    derivative_ticker    other
    options_chain        chain   symbol is the underlying, `contract` the option

Source: docs.tardis.dev, Downloadable CSV files, Data types.
Differs: a side that the venue does not tell is missing, not "unknown".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import polars as pl

from quantlib.data.format import OTHER, Ask, Format, Piece, renamed, sieve
from quantlib.data.sources import Glimpse, Member, headed
from quantlib.data.stamps import epoch, instant
from quantlib.data.text import header, tables, typed

HEAD = ("exchange", "symbol", "timestamp", "local_timestamp")
STAMPS = HEAD[2:]
TRADES = (*HEAD, "id", "side", "price", "amount")
DIFFS = (*HEAD, "is_snapshot", "side", "price", "amount")
QUOTES = (*HEAD, "ask_amount", "ask_price", "bid_price", "bid_amount")
TICKER = (
    *HEAD, "funding_timestamp", "funding_rate", "predicted_funding_rate", "open_interest", "last_price", "index_price",
    "mark_price",
)  # fmt: skip
CHAIN = (
    *HEAD, "type", "strike_price", "expiration", "open_interest", "last_price", "bid_price", "bid_amount", "bid_iv",
    "ask_price", "ask_amount", "ask_iv", "mark_price", "mark_iv", "underlying_index", "underlying_price", "delta",
    "gamma", "vega", "theta", "rho",
)  # fmt: skip
GREEKS = ("delta", "gamma", "vega", "theta", "rho")
LEVEL = re.compile(r"(asks|bids)\[(\d+)\]\.(price|amount)")


def _is_books(glimpse: Glimpse) -> bool:
    rest = glimpse.header[len(HEAD) :]
    return tuple(glimpse.header[: len(HEAD)]) == HEAD and bool(rest) and all(LEVEL.fullmatch(name) for name in rest)


def _stamps() -> list[pl.Expr]:
    return [
        instant(epoch(pl.col("local_timestamp"))).alias("ts"),
        instant(epoch(pl.col("timestamp"))).alias("ts_event"),
    ]


def _trades(raw: Piece) -> Piece:
    piece = typed(raw, number=("price", "amount"), stamp=STAMPS)
    side = pl.when(pl.col("side") == "buy").then(1.0).when(pl.col("side") == "sell").then(-1.0).alias("side")
    frame = piece.frame.select(*_stamps(), "symbol", "price", pl.col("amount").alias("size"), side, "id", "line")
    return Piece(frame, piece.dropped)


def _quotes(raw: Piece) -> Piece:
    piece = typed(raw, number=QUOTES[4:], stamp=STAMPS)
    names = {"bid": "bid_price", "ask": "ask_price", "bid_size": "bid_amount", "ask_size": "ask_amount"}
    return Piece(piece.frame.select(*_stamps(), "symbol", *renamed(names), "line"), piece.dropped)


def _books(raw: Piece) -> Piece:
    levels = {n: LEVEL.fullmatch(n) for n in raw.frame.columns if LEVEL.fullmatch(n)}
    piece = typed(raw, number=list(levels), stamp=STAMPS)
    names = {}
    for old, match in levels.items():
        if match:
            stem = {"asks": "ask", "bids": "bid"}[match[1]] + ("_size" if match[3] == "amount" else "")
            names[f"{stem}_{match[2]}"] = old
    return Piece(piece.frame.select(*_stamps(), "symbol", *renamed(names), "line"), piece.dropped)


def _ticker(raw: Piece) -> Piece:
    piece = typed(raw, number=TICKER[5:], stamp=STAMPS)
    at = epoch(pl.col("funding_timestamp").cast(pl.Int64, strict=False))
    never = pl.col("funding_timestamp").is_not_null() & ~(at > 0).fill_null(False)
    piece = sieve(piece, never, "funding_timestamp is no time from 1970 to 2262", ["funding_timestamp"])
    funding = instant(at).alias("funding_timestamp")
    return Piece(piece.frame.select(*_stamps(), "symbol", funding, *TICKER[5:], "line"), piece.dropped)


def _chain(raw: Piece) -> Piece:
    numbers = [n for n in CHAIN[5:] if n not in ("expiration", "underlying_index")]
    piece = typed(raw, number=numbers, stamp=(*STAMPS, "expiration"))
    right = pl.when(pl.col("type") == "call").then(1.0).when(pl.col("type") == "put").then(-1.0).alias("right")
    names = {"bid": "bid_price", "ask": "ask_price", "bid_size": "bid_amount", "ask_size": "ask_amount"}
    frame = piece.frame.select(
        *_stamps(),
        pl.col("symbol").str.split("-").list.first().alias("symbol"),
        instant(epoch(pl.col("expiration"))).alias("expiry"),
        pl.col("strike_price").alias("strike"),
        right,
        *renamed(names),
        pl.col("symbol").alias("contract"),
        *("underlying_price", "mark_price", "last_price", "mark_iv", "bid_iv", "ask_iv", "open_interest"),
        *GREEKS,
        "line",
    )
    return Piece(frame, piece.dropped)


def _diffs(raw: Piece) -> Piece:
    values = ["side", "price", "amount"]
    piece = typed(raw, number=values[1:], stamp=STAMPS)
    level = pl.col("side").is_in(["bid", "ask"]) & (pl.col("price") > 0) & (pl.col("amount") >= 0)
    piece = sieve(piece, ~level.fill_null(False), "a level has a side, a price and a size", values)
    frame = piece.frame.select(
        *_stamps(),
        "symbol",
        (pl.col("is_snapshot").str.to_lowercase() == "true").cast(pl.Int8).alias("snapshot"),
        pl.when(pl.col("side") == "bid").then(1).otherwise(-1).cast(pl.Int8).alias("side"),
        *renamed({"price": "price", "size": "amount"}),
        "line",
    )
    return Piece(frame, piece.dropped)


def _messages(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Diffs with `last`, which needs the row after: the last message of a piece waits for the next one."""
    rest, message = None, ("ts", "symbol", "snapshot")
    for piece in pieces:
        frame = piece.frame if rest is None else pl.concat([rest, piece.frame])
        same = pl.all_horizontal(pl.col(n).eq_missing(pl.col(n).shift(-1)) for n in message)
        frame = frame.with_columns((~same).cast(pl.Int8).alias("last"))
        ends = frame["last"].to_numpy()[:-1].nonzero()[0]
        whole = int(ends[-1]) + 1 if len(ends) else 0
        rest = frame.tail(frame.height - whole).drop("last")
        yield Piece(frame.head(whole), piece.dropped)
    if rest is not None and rest.height:
        last = [0] * (rest.height - 1) + [1]
        yield Piece(rest.with_columns(pl.Series("last", last, pl.Int8)))


def _reader(mapped: Callable[[Piece], Piece]) -> Callable[[list[Member], Ask], Iterator[Piece]]:
    def pieces(members: list[Member], ask: Ask) -> Iterator[Piece]:
        for member in members:
            for raw in tables(member, header(member), ask.block, skip=1):
                yield mapped(raw)

    return pieces


def _diff_reader(members: list[Member], ask: Ask) -> Iterator[Piece]:
    return _messages(_reader(_diffs)(members, ask))


FORMATS = (
    Format("tardis trades", ("trade",), headed(TRADES), _reader(_trades)),
    Format("tardis incremental_book_L2", ("diff",), headed(DIFFS), _diff_reader),
    Format("tardis book_snapshot", ("book",), _is_books, _reader(_books)),
    Format("tardis quotes", ("quote",), headed(QUOTES), _reader(_quotes)),
    Format("tardis derivative_ticker", (OTHER,), headed(TICKER), _reader(_ticker)),
    Format("tardis options_chain", ("chain",), headed(CHAIN), _reader(_chain)),
)
