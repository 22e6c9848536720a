"""LOBSTER's two files of a day: messages, and the book after each, line by line.

    book    from the orderbook file, with the messages' stamps
    order   from the message file; seeded with the first line of the orderbook file if it lies beside it, else empty
    trade   executions, visible and hidden, and crosses; the aggressor is who did not rest

Either file may be named; the other is looked for beside it.  Stamps are seconds after midnight in New York, prices
dollars times 10,000.  What lay deeper than the first book shows is in no message before it comes near: levels that came
into view later may be missing from a book rebuilt of messages.

Source: lobsterdata.com, Data structure (output files).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from quantlib.data.format import Ask, DataError, Format, Piece, told
from quantlib.data.scaled import scaled
from quantlib.data.sources import Glimpse, Member, members
from quantlib.data.stamps import INSTANT, NEW_YORK, at, day
from quantlib.data.text import header, tables, typed
from quantlib.rebuild.orders import ADD, DO_NOTHING, LEVEL, REDUCE, REMOVE

NAME = re.compile(
    r"(?P<symbol>.+?)_(?P<day>\d{4}-\d\d-\d\d)_(\d+_\d+_)?(?P<kind>message|orderbook)_(?P<levels>\d+)\.csv"
)
MESSAGE = ("time", "type", "order", "size", "price", "direction")
SCALE = 10_000.0  # of a dollar
NOTHING = 9_999_999_999.0  # the price of an empty level, less than nothing for a bid
ACTIONS = {1: ADD, 2: REDUCE, 3: REMOVE, 4: REDUCE, 5: DO_NOTHING, 6: DO_NOTHING, 7: DO_NOTHING}
EXECUTIONS, HIDDEN, CROSS = (4, 5, 6), 5, 6
DIGITS = "000000000"


def _is_lobster(glimpse: Glimpse) -> bool:
    match = NAME.fullmatch(glimpse.member)
    fields = len(glimpse.header)
    return match is not None and fields == (len(MESSAGE) if match["kind"] == "message" else 4 * int(match["levels"]))


def _pieces(streams: list[Member], ask: Ask) -> Iterator[Piece]:
    found = _pair(Path(ask.path), streams)
    name = NAME.fullmatch(Path(streams[0].name).name)
    if name is None or "message" not in found or (ask.clock == "book" and "orderbook" not in found):
        raise DataError(f"read: {ask.path} is one of two files of LOBSTER, and the other is not beside it; fetch both")
    messages = (_messages(raw, name["symbol"], name["day"]) for raw in tables(found["message"], MESSAGE, ask.block))
    if ask.clock == "book":
        yield from _books(messages, found["orderbook"], ask.block)
        return
    for k, piece in enumerate(messages):
        if ask.clock == "trade":
            yield Piece(_trades(piece.frame), piece.dropped)
            continue
        frame = _orders(piece.frame)
        if k == 0 and "orderbook" in found:
            frame = pl.concat([_seed(found["orderbook"], piece.frame), frame.filter(pl.col("line") > 1)])
        yield Piece(frame, piece.dropped)


def _pair(path: Path, streams: list[Member]) -> dict[str, Member]:
    """The two files by their kind: members of one zip, or one beside the other."""
    found = {}
    for stream in streams:
        match = NAME.fullmatch(Path(stream.name).name)
        if match:
            found[match["kind"]] = stream
    for kind, other in (("message", "orderbook"), ("orderbook", "message")):
        beside = path.with_name(path.name.replace(f"_{kind}_", f"_{other}_"))
        if other not in found and beside != path and beside.is_file():
            found[other] = members(beside)[0]
    return found


def _messages(raw: Piece, symbol: str, date: str) -> Piece:
    """Messages in their types; the stamp is read as text, since a double would lose its nanoseconds."""
    second = pl.col("time").str.extract(r"^(\d+)").cast(pl.Int64, strict=False) * 1_000_000_000
    part = pl.concat_str(pl.col("time").str.extract(r"\.(\d+)$").fill_null(""), pl.lit(DIGITS)).str.head(9)
    piece = typed(raw, number=("size", "price"), whole=("type", "order", "direction"))
    since = (second + part.cast(pl.Int64)).cast(pl.Duration("ns"))
    frame = piece.frame.with_columns(
        at(day(pl.lit(date), "%Y-%m-%d") + since, NEW_YORK).alias("ts"),
        pl.lit(symbol).alias("symbol"),
        scaled(pl.col("price"), SCALE),
    )
    return Piece(frame, piece.dropped)


def _trades(frame: pl.DataFrame) -> pl.DataFrame:
    side = pl.when(pl.col("type") != CROSS).then(-pl.col("direction").cast(pl.Float64)).alias("side")
    hidden = (pl.col("type") == HIDDEN).cast(pl.Float64).alias("hidden")
    rows = frame.filter(pl.col("type").is_in(EXECUTIONS))
    return rows.select("ts", "symbol", "price", "size", side, hidden, pl.col("order").alias("id"), "line")


def _orders(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        "ts",
        pl.col("ts").alias("ts_event"),
        "symbol",
        "order",
        pl.col("type").replace_strict(ACTIONS, default=DO_NOTHING, return_dtype=pl.Int8).alias("action"),
        pl.col("direction").cast(pl.Int8).alias("side"),
        *("price", "size"),
        pl.lit(1, pl.Int8).alias("last"),
        "line",
    )


def _levels(raw: Piece, levels: int) -> Piece:
    """The book's columns under their names, empty levels missing."""
    names = [f"{side}_{kind}" for side in ("ask", "bid") for kind in ("price", "size")]
    names = [f"{name}_{k}" for k in range(levels) for name in names]
    piece = typed(Piece(raw.frame.rename(dict(zip(raw.frame.columns, names, strict=False))), raw.dropped), number=names)
    columns = []
    for k in range(levels):
        for side in ("bid", "ask"):
            there = pl.col(f"{side}_price_{k}").abs() < NOTHING
            columns.append(pl.when(there).then(scaled(pl.col(f"{side}_price_{k}"), SCALE)).alias(f"{side}_{k}"))
            columns.append(pl.when(there).then(pl.col(f"{side}_size_{k}")).alias(f"{side}_size_{k}"))
    return Piece(piece.frame.select(*columns, "line"), piece.dropped)


def _orderbook(member: Member, block: int) -> Iterator[Piece]:
    fields = len(header(member))
    names = [f"c{k}" for k in range(fields)]
    return map(partial(_levels, levels=fields // 4), tables(member, names, block))


def _books(messages: Iterator[Piece], member: Member, block: int) -> Iterator[Piece]:
    """Books with the stamp of the message on the same line; a line that only one of the files has is told."""
    stamps = pl.DataFrame(schema={"ts": INSTANT, "symbol": pl.String, "line": pl.Int64})
    read = 0
    for book in _orderbook(member, block):
        dropped, until = [book.dropped], int(book.frame.select(pl.col("line").max()).item() or 0)
        while read < until and (piece := next(messages, None)) is not None:
            stamps = pl.concat([stamps, piece.frame.select("ts", "symbol", "line")])
            read = int(stamps.select(pl.col("line").max()).item() or read)
            dropped.append(piece.dropped)
        ready = stamps.filter(pl.col("line") <= until)
        alone = ready.join(book.frame, on="line", how="anti"), book.frame.join(ready, on="line", how="anti")
        dropped += [
            told(f, f"no {what} on this line", ["line"]) for f, what in zip(alone, ("book", "message"), strict=True)
        ]
        stamps = stamps.filter(pl.col("line") > until)
        joined = ready.join(book.frame, on="line", maintain_order="left")
        yield Piece(joined.select(pl.exclude("line"), "line"), pl.concat(dropped))
    for piece in [Piece(stamps), *messages]:
        yield Piece(pl.DataFrame(), pl.concat([piece.dropped, told(piece.frame, "no book on this line", ["line"])]))


def _seed(member: Member, messages: pl.DataFrame) -> pl.DataFrame:
    """The first line of the orderbook file as rows that tell of levels, in the first message's place."""
    first = next(_orderbook(member, 1 << 16)).frame.row(0, named=True)
    rows = [
        (side, first[f"{stem}_{k}"], first[f"{stem}_size_{k}"])
        for stem, side in (("bid", 1), ("ask", -1))
        for k in range(sum(name.startswith("bid_size_") for name in first))
        if first[f"{stem}_{k}"] is not None
    ]
    seed = pl.DataFrame(rows, {"side": pl.Int8, "price": pl.Float64, "size": pl.Float64}, orient="row")
    ts = messages["ts"].head(1)
    return seed.select(
        pl.lit(ts).first().alias("ts"),
        pl.lit(ts).first().alias("ts_event"),
        pl.lit(messages["symbol"][0]).alias("symbol"),
        pl.lit(0, pl.Int64).alias("order"),
        pl.lit(LEVEL, pl.Int8).alias("action"),
        *("side", "price", "size"),
        (pl.int_range(pl.len()) == pl.len() - 1).cast(pl.Int8).alias("last"),
        pl.lit(1, pl.Int64).alias("line"),
    )


FORMATS = (Format("lobster", ("book", "order", "trade"), _is_lobster, _pieces),)
