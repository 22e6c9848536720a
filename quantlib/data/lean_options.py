"""QuantConnect LEAN's option zips, option universes, and its factor and map files.

    {date}_quote_{style}.zip, minute       chain   the bar's last bid and ask, known at its end
    {date}_trade_{style}.zip, minute       bar     symbol is the contract
    {date}_openinterest_{style}.zip        chain   bid and ask missing, `open_interest` beside them
    option/usa/universes/{und}/{date}.csv  chain   a day's last: bid and ask missing; known at midnight after it
    factor_files/{symbol}.csv              other   price_factor and split_factor hold up to and including the day
    map_files/{symbol}.csv                 other   the ticker up to and including the day

One zip holds a file for each contract, and all are needed to put its rows in order: it is read at once.

Source: github.com/QuantConnect/Lean, Data/option/readme.md, Data/equity/usa/factor_files and map_files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import polars as pl

from quantlib.data.format import OTHER, Ask, DataError, Format, Piece, sieve
from quantlib.data.lean import LENGTHS, QUOTE_BAR, TRADE_BAR, market, shaped, stamp
from quantlib.data.sources import Glimpse, Member
from quantlib.data.stamps import NEW_YORK, at, closing, day
from quantlib.data.text import header, tables, typed

CONTRACT = re.compile(
    r"(?P<day>\d{8})_(?P<symbol>.+?)_(?P<length>minute|second)_(?P<kind>trade|quote|openinterest)_(american|european)_"
    r"(?P<right>call|put)_(?P<strike>\d+)_(?P<expiry>\d{8})\.csv"
)
UNIVERSE = (
    "#expiry", "strike", "right", "open", "high", "low", "close", "volume", "open_interest", "implied_volatility",
    "delta", "gamma", "vega", "theta", "rho",
)  # fmt: skip
DATE = re.compile(r"\d{8}")
RIGHTS = {"call": 1.0, "put": -1.0, "C": 1.0, "P": -1.0}
OPEN_INTEREST = ("time", "open_interest")
FACTORS = ("date", "price_factor", "split_factor", "reference_price")
TERMS = ("ts", "symbol", "expiry", "strike", "right")
MISSING = [pl.lit(None, pl.Float64).alias(name) for name in ("bid", "ask")]


def _is_contracts(kind: str) -> Callable[[Glimpse], bool]:
    def known(glimpse: Glimpse) -> bool:
        match = CONTRACT.fullmatch(glimpse.member)
        return match is not None and match["kind"] == kind

    return known


def _contracts(members: list[Member], ask: Ask) -> Iterator[Piece]:
    pieces = [piece for member in members for piece in _contract(member, ask)]
    frame = pl.concat(piece.frame for piece in pieces).sort("ts", maintain_order=True)
    yield Piece(frame, pl.concat(piece.dropped for piece in pieces))


def _contract(member: Member, ask: Ask) -> Iterator[Piece]:
    match = CONTRACT.fullmatch(PurePosixPath(member.name).name)
    if match is None:
        raise DataError(f"read: {ask.path} holds {member.name}, which is no contract's day as LEAN names it")
    zone, scale = market(Path(ask.path), [])
    names = {"trade": TRADE_BAR, "quote": QUOTE_BAR, "openinterest": OPEN_INTEREST}[match["kind"]]
    underlying = match["symbol"].upper()
    strike = int(match["strike"]) / 10_000
    contract = f"{underlying}{match['expiry'][2:]}{match['right'][0].upper()}{int(match['strike']) // 10:08}"
    terms = [
        closing(day(pl.lit(match["expiry"]))).alias("expiry"),
        pl.lit(strike).alias("strike"),
        pl.lit(RIGHTS[match["right"]]).alias("right"),
        pl.lit(contract).alias("contract"),
        pl.lit(member.name).alias("member"),
    ]
    for raw in tables(member, names, ask.block):
        piece = typed(raw, number=names[1:], whole=("time",), member=member.name)
        begin = stamp(day(pl.lit(match["day"])), pl.col("time"), zone).alias("ts_event")
        symbol = pl.lit(contract if match["kind"] == "trade" else underlying).alias("symbol")
        frame = piece.frame.with_columns(begin, symbol, *terms)
        if match["kind"] == "openinterest":
            frame = frame.with_columns(pl.col("ts_event").alias("ts"))
            frame = frame.select(*TERMS, *MISSING, "contract", "open_interest", "member", "line")
        else:
            frame = frame.with_columns((pl.col("ts_event") + LENGTHS[match["length"]]).alias("ts"))
            frame = shaped(frame, names, scale, *TERMS[2:], "contract", "member")
        yield Piece(frame, piece.dropped)


def _is_universe(glimpse: Glimpse) -> bool:
    return tuple(glimpse.header) == UNIVERSE


def _universe(members: list[Member], ask: Ask) -> Iterator[Piece]:
    """A day's contracts; the first row is the underlying, whose close goes beside them."""
    date = DATE.search(Path(ask.path).name)
    if date is None:
        raise DataError(f"read: {ask.path} is a universe of LEAN, which its name must date: 20140606.csv")
    symbol = Path(ask.path).parent.name.upper() or ask.symbol
    known = at(day(pl.lit(date[0])).dt.offset_by("1d"), NEW_YORK).alias("ts")
    close: float | None = None
    for member in members:
        for raw in tables(member, UNIVERSE, ask.block, skip=1):
            numbers = [n for n in UNIVERSE[1:] if n != "right"]
            piece = typed(raw, number=numbers, member=member.name)
            first = piece.frame.filter(pl.col("#expiry").is_null())
            close = first["close"][0] if first.height else close
            rows = piece.frame.filter(pl.col("#expiry").is_not_null())
            right = pl.col("right").replace_strict(RIGHTS, default=None, return_dtype=pl.Float64)
            rows = rows.with_columns(closing(day(pl.col("#expiry"))).alias("expiry"), right)
            rows = rows.with_columns(
                known, pl.lit(symbol).alias("symbol"), pl.lit(close, pl.Float64).alias("underlying_close")
            )
            good = sieve(Piece(rows, piece.dropped), pl.col("expiry").is_null(), "has no date of expiry", ["#expiry"])
            frame = good.frame.select(*TERMS, *MISSING, *UNIVERSE[3:], "underlying_close", "line")
            yield Piece(frame, good.dropped)


def _is_dated(folder: str, fields: tuple[int, ...]) -> Callable[[Glimpse], bool]:
    def known(glimpse: Glimpse) -> bool:
        row = glimpse.header
        return glimpse.path.parent.name == folder and len(row) in fields and DATE.fullmatch(row[0]) is not None

    return known


def _factors(members: list[Member], ask: Ask) -> Iterator[Piece]:
    yield from _dated(members, ask, FACTORS, FACTORS[1:])


def _map(members: list[Member], ask: Ask) -> Iterator[Piece]:
    fields = len(header(members[0]))
    yield from _dated(members, ask, ("date", "ticker", "exchange")[:fields], ())


def _dated(members: list[Member], ask: Ask, names: tuple[str, ...], numbers: tuple[str, ...]) -> Iterator[Piece]:
    """Rows that hold up to and including a day, whose ts is the end of it in New York; the day itself beside it."""
    for member in members:
        for raw in tables(member, names, ask.block):
            piece = typed(raw, number=numbers, member=member.name)
            date = pl.col("date").str.to_date("%Y%m%d", strict=False)
            frame = piece.frame.with_columns(date, at(day(pl.col("date")).dt.offset_by("1d"), NEW_YORK).alias("ts"))
            good = sieve(Piece(frame, piece.dropped), pl.col("ts").is_null(), "has no date", [names[1]], member.name)
            symbol = pl.lit(ask.symbol.upper()).alias("symbol")
            yield Piece(good.frame.select("ts", symbol, *names, "line"), good.dropped)


FORMATS = (
    Format("lean option quotes", ("chain",), _is_contracts("quote"), _contracts),
    Format("lean option trades", ("bar",), _is_contracts("trade"), _contracts),
    Format("lean open interest", ("chain",), _is_contracts("openinterest"), _contracts),
    Format("lean option universe", ("chain",), _is_universe, _universe),
    Format("lean factor file", (OTHER,), _is_dated("factor_files", (4,)), _factors),
    Format("lean map file", (OTHER,), _is_dated("map_files", (2, 3)), _map),
)
