"""CBOE's delayed quotes: an option chain at one moment, calls and puts of a strike on one line.

    quotedata csv   chain   symbol is the shortest root of the contracts; what the underlying did goes beside them

Columns have their names twice, so they are read by their place.  ts is the download's, which the head says; on a
weekend the quotes are those of the close before.  Bids of 0 are real.

Source: cboe.com, Delayed quotes, Quotes table, Download CSV.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import polars as pl

from quantlib.data.format import Ask, DataError, Format, Piece, sieve
from quantlib.data.sources import Glimpse, Member
from quantlib.data.stamps import NEW_YORK, at, closing
from quantlib.data.text import tables, typed

TABLE = "Expiration Date,Calls,"
QUOTED = ("contract", "last", "net", "bid", "ask", "volume", "iv", "delta", "gamma", "open_interest")
COLUMNS = ("expiration", *(f"call_{n}" for n in QUOTED), "strike", *(f"put_{n}" for n in QUOTED))
WRITTEN = re.compile(r"Date:\s+(\w+ \d+,? \d{4}),? (?:at )?(\d+:\d\d [AP]M)")
NUMBER = r"\s*(-?[\d,]*\.?\d+)"
ROOT = re.compile(r"[A-Z]+")


def _is_chain(glimpse: Glimpse) -> bool:
    return any(line.startswith(TABLE) for line in glimpse.lines[:10])


def _pieces(members: list[Member], ask: Ask) -> Iterator[Piece]:
    for member in members:
        with member.open() as stream:
            lines = stream.read(4096).decode("utf-8", "replace").splitlines()
        head = next(k for k, line in enumerate(lines) if line.startswith(TABLE))
        preamble = " ".join(lines[:head])
        ts, underlying = _moment(ask.path, preamble), _underlying(preamble)
        for raw in tables(member, COLUMNS, ask.block, skip=head + 1):
            numbers = [
                n for n in COLUMNS if not n.endswith("contract") and n not in ("expiration", "call_net", "put_net")
            ]
            piece = typed(raw, number=numbers, member=member.name)
            day = pl.col("expiration").str.to_date("%a %b %d %Y", strict=False)
            piece = Piece(piece.frame.with_columns(day.alias("day")), piece.dropped)
            good = sieve(piece, pl.col("day").is_null(), "has no date of expiry", ["expiration"], member.name)
            yield Piece(_rows(good.frame, ts, underlying), good.dropped)


def _moment(path: str, preamble: str) -> pl.Expr:
    """When the file was made, which the clocks of New York say in words."""
    match = WRITTEN.search(preamble)
    if match is None:
        raise DataError(f"read: {path} is a chain of CBOE without a date in its head; fetch it again")
    local = datetime.strptime(f"{match[1].replace(',', '')} {match[2]}", "%B %d %Y %I:%M %p")
    return at(pl.lit(local), NEW_YORK).alias("ts")


def _underlying(preamble: str) -> list[pl.Expr]:
    """The underlying's last, bid and ask, as far as the head says."""
    found = {name: re.search(name + ":" + NUMBER, preamble) for name in ("Last", "Bid", "Ask")}
    return [
        pl.lit(float(match[1].replace(",", "")) if match else None, pl.Float64).alias(f"underlying_{name.lower()}")
        for name, match in found.items()
    ]


def _rows(frame: pl.DataFrame, ts: pl.Expr, underlying: list[pl.Expr]) -> pl.DataFrame:
    """Two rows of each line: the call and the put."""
    sides = []
    for name, right in (("call", 1.0), ("put", -1.0)):
        sides.append(
            frame.select(
                ts,
                closing(pl.col("day")).alias("expiry"),
                "strike",
                pl.lit(right).alias("right"),
                *(pl.col(f"{name}_{n}").alias(n) for n in QUOTED if n != "net"),
                *underlying,
                "line",
            )
        )
    rows = pl.concat(sides).sort("line", maintain_order=True)
    roots = {match[0] for text in rows["contract"].drop_nulls() if (match := ROOT.match(text))}
    symbol = pl.lit(min(roots, key=len, default="")).alias("symbol")
    first = ("ts", symbol, "expiry", "strike", "right", "bid", "ask")
    return rows.select(*first, pl.exclude("ts", "expiry", "strike", "right", "bid", "ask"))


FORMATS = (Format("cboe quotedata", ("chain",), _is_chain, _pieces),)
