"""Alpaca's market data as their REST API answers it, a page or one page a line, and their websocket's crypto books.

    bars              bar     t is the bar's first moment; its length is `starts`, else the smallest step in the file
    trades            trade   side is the taker's where there is one (crypto), else missing
    quotes            quote   a price of 0 is no quote: missing
    option snapshots  chain   symbol is the underlying; greeks and implied volatility as far as there are
    {"T":"o"} lines   diff    r: true is a whole book

A row's `line` is its number among all rows of the file.

Source: docs.alpaca.markets, Market Data API v2 and v1beta3, real-time crypto data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from quantlib.data.format import Ask, DataError, Format, Piece, sieve, told
from quantlib.data.lengths import length
from quantlib.data.levels import PAIRS, levelled
from quantlib.data.scaled import scaled
from quantlib.data.sources import Glimpse, Member
from quantlib.data.stamps import INSTANT, closing, day
from quantlib.data.text import LONGEST, lines

CONTRACT = r"^(?<symbol>[A-Z.]+\d?)(?<expiry>\d{6})(?<right>[CP])(?<strike>\d{8})$"
SIDES = {"B": 1.0, "S": -1.0}
BARS = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "n": "trades", "vw": "vwap"}
QUOTES = {"bp": "bid", "ap": "ask", "bs": "bid_size", "as": "ask_size"}
GREEKS = ("delta", "gamma", "theta", "vega", "rho")
SNAPSHOT: dict[str, pl.DataType] = {
    "contract": pl.String(), "t": pl.String(),
    **{name: pl.Float64() for name in ("last", *QUOTES, *GREEKS, "implied_volatility")},
}  # fmt: skip
BOOK: dict[str, pl.DataType] = {
    "t": pl.String(), "symbol": pl.String(), "snapshot": pl.Int8(), "b": PAIRS, "a": PAIRS, "line": pl.Int64(),
}  # fmt: skip


def _is_page(key: str, row: str) -> Callable[[Glimpse], bool]:
    pattern = re.compile(rf'\s*\{{.*"{key}"\s*:\s*[\{{\[].*"{row}"\s*:', re.DOTALL)
    return lambda glimpse: pattern.match(glimpse.head.decode("utf-8", "replace")) is not None


def _is_stream(glimpse: Glimpse) -> bool:
    return bool(glimpse.lines) and re.match(r'\[?\{"T":"o"', glimpse.lines[0].replace(" ", "")) is not None


def _pages(member: Member, ask: Ask) -> Iterator[dict[str, Any]]:
    """The pages of a file: one document, or one a line."""
    with member.open() as stream:
        text = stream.read().decode("utf-8", "replace")
    try:
        yield json.loads(text)
        return
    except json.JSONDecodeError as error:
        if "\n" not in text.strip():
            raise DataError(f"read: {ask.path} is no JSON, or cut short ({error}); fetch it again") from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"read: {ask.path}, line {number} is no JSON, or cut short ({error})") from error


def _rows(members: list[Member], ask: Ask, key: str) -> pl.DataFrame:
    """All rows under a key, with `symbol` and `line`; the columns are the rows' own."""
    rows: list[dict[str, Any]] = []
    for member in members:
        for page in _pages(member, ask):
            found = page.get(key) or {}
            by_symbol = found if isinstance(found, dict) else {page.get("symbol", ask.symbol): found}
            for symbol, several in by_symbol.items():
                rows += [{**one, "symbol": symbol} for one in (several if isinstance(several, list) else [several])]
    scalars = [{k: v for k, v in row.items() if not isinstance(v, (list, dict))} for row in rows]
    frame = pl.DataFrame(scalars, infer_schema_length=None) if scalars else pl.DataFrame({"symbol": [], "t": []})
    return frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("line"))


def _stamped(frame: pl.DataFrame) -> Piece:
    """Rows with `t` as an instant; a stamp that cannot be read is told."""
    t = pl.col("t").cast(pl.String).str.to_datetime(time_unit="ns", time_zone="UTC", strict=False).alias("at")
    return sieve(Piece(frame.with_columns(t)), pl.col("at").is_null(), "has no time that can be read", ["t"])


def _number(frame: pl.DataFrame, names: dict[str, str]) -> list[pl.Expr]:
    return [pl.col(old).cast(pl.Float64).alias(new) for old, new in names.items() if old in frame.columns]


def _bars(members: list[Member], ask: Ask) -> Iterator[Piece]:
    piece = _stamped(_rows(members, ask, "bars"))
    step = length(ask.path, piece.frame["at"], ask.starts)
    ts = (pl.col("at") + step).cast(INSTANT).alias("ts")
    columns = ts, pl.col("at").alias("ts_event"), pl.col("symbol"), *_number(piece.frame, BARS)
    yield Piece(piece.frame.select(*columns, "line"), piece.dropped)


def _trades(members: list[Member], ask: Ask) -> Iterator[Piece]:
    piece = _stamped(_rows(members, ask, "trades"))
    taker = pl.col("tks") if "tks" in piece.frame.columns else pl.lit(None, pl.String)
    side = taker.replace_strict(SIDES, default=None, return_dtype=pl.Float64).alias("side")
    further = [
        pl.col(old).alias(new)
        for old, new in (("i", "id"), ("x", "exchange"), ("z", "tape"))
        if old in piece.frame.columns
    ]
    columns = pl.col("at").alias("ts"), pl.col("symbol"), *_number(piece.frame, {"p": "price", "s": "size"}), side
    yield Piece(piece.frame.select(*columns, *further, "line"), piece.dropped)


def _quotes(members: list[Member], ask: Ask) -> Iterator[Piece]:
    piece = _stamped(_rows(members, ask, "quotes"))
    columns = pl.col("at").alias("ts"), pl.col("symbol"), *_quoted(piece.frame)
    yield Piece(piece.frame.select(*columns, "line"), piece.dropped)


def _quoted(frame: pl.DataFrame) -> list[pl.Expr]:
    columns = []
    for price, size in (("bp", "bs"), ("ap", "as")):
        there = pl.col(price) > 0
        columns += [pl.when(there).then(pl.col(n).cast(pl.Float64)).alias(QUOTES[n]) for n in (price, size)]
    return columns


def _snapshots(members: list[Member], ask: Ask) -> Iterator[Piece]:
    rows = []
    for member in members:
        for page in _pages(member, ask):
            for contract, one in page["snapshots"].items():
                quote, trade, greeks = (one.get(n) or {} for n in ("latestQuote", "latestTrade", "greeks"))
                row = {"contract": contract, "t": quote.get("t") or trade.get("t"), "last": trade.get("p")}
                row |= {n: quote.get(n) for n in QUOTES} | {n: greeks.get(n) for n in GREEKS}
                rows.append(row | {"implied_volatility": one.get("impliedVolatility")})
    frame = pl.DataFrame(rows, SNAPSHOT).with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("line"))
    parts = pl.col("contract").str.extract_groups(CONTRACT)
    piece = _stamped(frame.with_columns(parts.alias("parts")).unnest("parts"))
    piece = sieve(piece, pl.col("strike").is_null(), "is no option's symbol", ["contract"])
    selected = piece.frame.select(
        pl.col("at").alias("ts"),
        "symbol",
        closing(day(pl.col("expiry"), "%y%m%d")).alias("expiry"),
        scaled(pl.col("strike"), 1000.0),
        pl.when(pl.col("right") == "C").then(1.0).otherwise(-1.0).alias("right"),
        *_quoted(piece.frame),
        *("contract", "last", "implied_volatility", *GREEKS, "line"),
    )
    yield Piece(selected.sort("ts", maintain_order=True), piece.dropped)


def _books(members: list[Member], ask: Ask) -> Iterator[Piece]:
    """Order book messages; a line without one is told."""
    count = 0
    for member in members:
        for texts in lines(member, ask.block):
            found = [_book_messages(text) for text in texts["text"]]
            rows = [(*row, count + k + 1) for k, row in enumerate(row for several in found for row in several)]
            count += len(rows)
            silent = texts.filter(pl.Series([not several for several in found], dtype=pl.Boolean))
            stamped = _stamped(pl.DataFrame(rows, BOOK, orient="row"))
            dropped = told(
                silent.with_columns(pl.col("text").str.head(LONGEST)), "no order book", ["text"], member.name
            )
            frame = stamped.frame.select(pl.col("at").alias("ts"), pl.exclude("at", "t"))
            yield Piece(levelled(frame), pl.concat([stamped.dropped, dropped]))


def _book_messages(text: str) -> list[tuple[Any, ...]]:
    """The order books in a line: stamp, symbol, whether it is whole, bids, asks."""
    try:
        messages = json.loads(text)
    except json.JSONDecodeError:
        return []
    found = []
    for one in messages if isinstance(messages, list) else [messages]:
        try:
            if one["T"] == "o":
                sides = ([[str(level["p"]), str(level["s"])] for level in one.get(side, [])] for side in ("b", "a"))
                found.append((one["t"], one["S"], int(bool(one.get("r"))), *sides))
        except (KeyError, TypeError):
            continue
    return found


FORMATS = (
    Format("alpaca bars", ("bar",), _is_page("bars", "o"), _bars),
    Format("alpaca trades", ("trade",), _is_page("trades", "p"), _trades),
    Format("alpaca quotes", ("quote",), _is_page("quotes", "bp"), _quotes),
    Format("alpaca option snapshots", ("chain",), _is_page("snapshots", "latestQuote|latestTrade"), _snapshots),
    Format("alpaca crypto books", ("diff",), _is_stream, _books),
)
