"""QuantConnect LEAN's zips of bars and ticks: equity, crypto; options and reference files are in `lean_options`.

    {date}_trade.zip, minute or second    bar
    {date}_quote.zip, minute or second    quote   the bar's last bid and ask, known at its end; bid_open … beside them
    {symbol}.zip, hour or daily           bar
    {date}_trade.zip, tick                trade   the aggressor is not told: side is missing
    {date}_quote.zip, tick                quote   one side a row: bid and ask are each carried on

Stamps are milliseconds after midnight where the market is (New York; UTC for crypto).  Prices of equities and options
are dollars times 10,000, of crypto as they are.  Which market it is says the folder (`equity`, `crypto`); without one,
prices with a point are crypto's.  Ticks that their vendor marked suspicious are dropped and told.

Source: github.com/QuantConnect/Lean, Data/*/readme.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import polars as pl

from quantlib.data.format import Ask, DataError, Format, Piece, sieve
from quantlib.data.scaled import scaled
from quantlib.data.sources import Glimpse, Member
from quantlib.data.stamps import NEW_YORK, at, day
from quantlib.data.text import header, tables, typed

DAY_FILE = re.compile(
    r"(?P<day>\d{8})_(?P<symbol>.+?)_(?P<length>minute|second)_(?P<kind>trade|quote)\.csv", re.IGNORECASE
)
TICK_FILE = re.compile(r"(?P<day>\d{8})_(?P<symbol>.+?)_(?:tick_)?(?P<kind>trade|quote)(?:_tick)?\.csv", re.IGNORECASE)
DATED = re.compile(r"\d{8} \d\d:\d\d")
TRADE_BAR = ("time", "open", "high", "low", "close", "volume")
SIDE = ("open", "high", "low", "close", "size")
QUOTE_BAR = ("time", *(f"bid_{n}" for n in SIDE), *(f"ask_{n}" for n in SIDE))
TRADE = ("time", "price", "size", "exchange", "condition", "suspicious")
QUOTE = ("time", "bid", "bid_size", "ask", "ask_size", "exchange", "condition", "suspicious")
CRYPTO_TRADE, CRYPTO_QUOTE = 3, 5  # columns that crypto's ticks have of these
SCALE = 10_000.0
MARKETS = {
    "equity": (NEW_YORK, SCALE),
    "option": (NEW_YORK, SCALE),
    "indexoption": (NEW_YORK, SCALE),
    "crypto": ("UTC", 1.0),
}
LENGTHS = {"second": pl.duration(seconds=1), "minute": pl.duration(minutes=1), "hour": pl.duration(hours=1)}
SUSPICIOUS = "marked suspicious by its vendor"


def market(path: Path, row: list[str]) -> tuple[str, float]:
    """The time zone and the scale of prices."""
    for part in reversed(path.parts):
        if part in MARKETS:
            return MARKETS[part]
    return MARKETS["crypto" if any("." in field for field in row[1:5]) else "equity"]


def stamp(date: pl.Expr, milliseconds: pl.Expr, zone: str) -> pl.Expr:
    """The instant at which clocks of a zone show so many milliseconds after midnight."""
    return at(date + (milliseconds * 1_000_000).cast(pl.Duration("ns")), zone)


def _in_day(member: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
    return pattern.fullmatch(PurePosixPath(member).name)


def _is_day(kind: str) -> Callable[[Glimpse], bool]:
    def known(glimpse: Glimpse) -> bool:
        match = _in_day(glimpse.member, DAY_FILE)
        return match is not None and match["kind"].lower() == kind

    return known


def _is_tick(kind: str) -> Callable[[Glimpse], bool]:
    def known(glimpse: Glimpse) -> bool:
        match = _in_day(glimpse.member, TICK_FILE)
        return match is not None and match["kind"].lower() == kind and not _in_day(glimpse.member, DAY_FILE)

    return known


def _is_long(glimpse: Glimpse) -> bool:
    return (
        len(glimpse.header) in (6, 11) and DATED.fullmatch(glimpse.header[0]) is not None and "_" not in glimpse.member
    )


def _day_bars(members: list[Member], ask: Ask) -> Iterator[Piece]:
    for member in members:
        match = _in_day(member.name, DAY_FILE)
        if match is None:
            raise DataError(f"read: {ask.path} holds {member.name}, which is no bars of a day as LEAN names them")
        zone, scale = market(Path(ask.path), header(member))
        names = TRADE_BAR if match["kind"].lower() == "trade" else QUOTE_BAR
        for raw in tables(member, names, ask.block):
            piece = typed(raw, number=names[1:], whole=("time",), member=member.name)
            start = stamp(day(pl.lit(match["day"])), pl.col("time"), zone)
            frame = piece.frame.with_columns(start.alias("ts_event"), pl.lit(match["symbol"].upper()).alias("symbol"))
            frame = frame.with_columns((pl.col("ts_event") + LENGTHS[match["length"].lower()]).alias("ts"))
            yield Piece(shaped(frame, names, scale), piece.dropped)


def shaped(frame: pl.DataFrame, names: tuple[str, ...], scale: float, *more: str) -> pl.DataFrame:
    """Columns of trade or quote bars in money; of quotes the last bid and ask are what is known at the end."""
    head = ("ts", "ts_event", "symbol", *more)
    prices = {n: scaled(pl.col(n), scale) for n in names[1:] if not n.endswith(("size", "volume"))}
    if "volume" in names:
        return frame.select(*head, *(e.alias(n) for n, e in prices.items()), "volume", "line")
    last = [prices["bid_close"].alias("bid"), prices["ask_close"].alias("ask")]
    sizes = [
        pl.when(pl.col(f"{s}_close").is_not_null()).then(pl.col(f"{s}_size")).alias(f"{s}_size") for s in ("bid", "ask")
    ]
    rest = [e.alias(n) for n, e in prices.items() if not n.endswith("_close")]
    return frame.select(*head, *last, *sizes, *rest, "line")


def _long_bars(members: list[Member], ask: Ask) -> Iterator[Piece]:
    for member in members:
        symbol = PurePosixPath(member.name).stem.upper()
        zone, scale = market(Path(ask.path), header(member))
        daily = "daily" in Path(ask.path).parts or ("hour" not in Path(ask.path).parts and _midnights(member))
        names = TRADE_BAR if len(header(member)) == len(TRADE_BAR) else QUOTE_BAR
        for raw in tables(member, names, ask.block):
            piece = typed(raw, number=names[1:], member=member.name)
            local = pl.col("time").str.to_datetime("%Y%m%d %H:%M", time_unit="ns", strict=False)
            end = local.dt.offset_by("1d") if daily else local.dt.offset_by("1h")
            frame = piece.frame.with_columns(
                at(local, zone).alias("ts_event"), at(end, zone).alias("ts"), pl.lit(symbol).alias("symbol")
            )
            unread = pl.col("ts").is_null() | pl.col("ts_event").is_null()
            good = sieve(Piece(frame, piece.dropped), unread, "has no time that can be read", ["time"], member.name)
            yield Piece(shaped(good.frame, names, scale), good.dropped)


def _midnights(member: Member) -> bool:
    """Whether the first rows' times are all midnight, so that bars are of days."""
    piece = next(tables(member, [f"c{k}" for k in range(len(header(member)))], 1 << 16))
    return bool(piece.frame["c0"].head(24).str.ends_with("00:00").all())


def _ticks(members: list[Member], ask: Ask) -> Iterator[Piece]:
    for member in members:
        match = _in_day(member.name, TICK_FILE)
        if match is None:
            raise DataError(f"read: {ask.path} holds {member.name}, which is no ticks of a day as LEAN names them")
        row = header(member)
        zone, scale = market(Path(ask.path), row)
        trade = match["kind"].lower() == "trade"
        names = (TRADE if trade else QUOTE)[: len(row)]
        bid, asked = (None, None), (None, None)
        for raw in tables(member, names, ask.block):
            numbers = [n for n in names[1:] if n not in ("exchange", "condition", "suspicious")]
            piece = typed(raw, number=numbers, whole=("time",), member=member.name)
            if "suspicious" in names:
                piece = sieve(piece, pl.col("suspicious") != "0", SUSPICIOUS, list(names), member.name)
            ts = stamp(day(pl.lit(match["day"])), pl.col("time"), zone).alias("ts")
            frame = piece.frame.with_columns(ts, pl.lit(match["symbol"].upper()).alias("symbol"))
            if trade:
                yield Piece(_trades(frame, scale), piece.dropped)
                continue
            frame = frame.with_columns(*_carried("bid", bid, scale), *_carried("ask", asked, scale))
            if frame.height:
                bid, asked = (frame.select(s, f"{s}_size").row(-1) for s in ("bid", "ask"))
            further = [n for n in ("exchange", "condition") if n in names]
            yield Piece(
                frame.select("ts", "symbol", "bid", "ask", "bid_size", "ask_size", *further, "line"), piece.dropped
            )


def _trades(frame: pl.DataFrame, scale: float) -> pl.DataFrame:
    further = [n for n in ("exchange", "condition") if n in frame.columns]
    side = pl.lit(None, pl.Float64).alias("side")
    return frame.select("ts", "symbol", scaled(pl.col("price"), scale), "size", side, *further, "line")


def _carried(side: str, before: tuple[float | None, float | None], scale: float) -> list[pl.Expr]:
    """Price and size of a side, the last ones where the row is about the other: there its price is 0."""
    there = pl.col(side) > 0
    price = pl.when(there).then(scaled(pl.col(side), scale)).forward_fill().fill_null(pl.lit(before[0], pl.Float64))
    size = pl.when(there).then(pl.col(f"{side}_size")).forward_fill().fill_null(pl.lit(before[1], pl.Float64))
    return [price.alias(side), size.alias(f"{side}_size")]


FORMATS = (
    Format("lean trade bars", ("bar",), _is_day("trade"), _day_bars),
    Format("lean quote bars", ("quote",), _is_day("quote"), _day_bars),
    Format("lean trade ticks", ("trade",), _is_tick("trade"), _ticks),
    Format("lean quote ticks", ("quote",), _is_tick("quote"), _ticks),
    Format("lean hour or daily", ("bar",), _is_long, _long_bars),
)
