"""What the rows of each clock are: their columns, units, and what the door asks of them.

    clock   required columns                                        optional
    bar     ts open high low close                                  ts_event symbol volume
    trade   ts price size side                                      ts_event symbol
    quote   ts bid ask bid_size ask_size                            ts_event symbol
    book    ts bid_k bid_size_k ask_k ask_size_k  (k = 0, 1, …)      ts_event symbol
    chain   ts expiry strike right bid ask                          ts_event symbol bid_size ask_size

`ts` is when we knew the row (for a bar: its end), `ts_event` when it happened (for a bar: its first moment).  Both are
int64 nanoseconds UTC.  NaN in a market column is a missing value and always allowed; every rule is about the values
that are there.  Further numeric columns are welcome and travel along as float64.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np


class TableError(ValueError):
    """Rows that break the schema of their clock: who, which row, the rule, the values and the cure."""


class Column(NamedTuple):
    """One column of a schema.

    name      as features spell it
    dtype     "int64", "int32" or "float64"
    unit      of its numbers
    rule      what is asked of every value that is not NaN
    required  whether rows may come without it
    """

    name: str
    dtype: str
    unit: str
    rule: str
    required: bool = True


class Schema(NamedTuple):
    """The columns of one clock."""

    clock: str
    columns: tuple[Column, ...]
    levels: int = 0  # of a book

    @property
    def door(self) -> str:
        """The function that lets such rows in, which is how errors name them."""
        return self.clock + "s"

    @property
    def names(self) -> tuple[str, ...]:
        """Every column, optional ones included."""
        return tuple(c.name for c in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that rows must bring."""
        return tuple(c.name for c in self.columns if c.required)

    @property
    def market(self) -> tuple[str, ...]:
        """The float64 columns."""
        return tuple(c.name for c in self.columns if c.dtype == "float64")


HEAD = (
    Column("ts", "int64", "ns UTC", "never missing, ascending"),
    Column("ts_event", "int64", "ns UTC", "not after ts", required=False),
    Column("symbol", "int32", "code into symbols", "known; may be left out when there is one symbol", required=False),
)


def _price(name: str) -> Column:
    return Column(name, "float64", "quote currency", "positive and finite")


def _size(name: str, required: bool = True) -> Column:
    return Column(name, "float64", "shares, contracts or coins", "not negative, finite", required)


BAR = Schema(
    "bar",
    (
        *HEAD,
        _price("open"),
        Column("high", "float64", "quote currency", "at least open, close and low"),
        Column("low", "float64", "quote currency", "at most open, close and high"),
        _price("close"),
        _size("volume", required=False),
    ),
)
TRADE = Schema(
    "trade",
    (*HEAD, _price("price"), _size("size"), Column("side", "float64", "aggressor", "1 a buyer, -1 a seller")),
)
QUOTE = Schema("quote", (*HEAD, _price("bid"), _price("ask"), _size("bid_size"), _size("ask_size")))
CHAIN = Schema(
    "chain",
    (
        *HEAD,
        Column("expiry", "int64", "ns UTC", "never missing"),
        _price("strike"),
        Column("right", "float64", "", "1 a call, -1 a put"),
        Column("bid", "float64", "quote currency", "not negative, finite"),
        Column("ask", "float64", "quote currency", "not negative, finite"),
        _size("bid_size", required=False),
        _size("ask_size", required=False),
    ),
)


SIDES = ("bid", "ask", "bid_size", "ask_size")  # what each level of a book has


@cache
def book(levels: int) -> Schema:
    """The schema of a book of so many levels a side; level 0 is the best, and each further one is strictly worse.

    Raises:
        ValueError: if levels is not positive.
    """
    if levels < 1:
        raise ValueError(f"book: levels must be at least 1, got {levels}")
    columns = []
    for k in range(levels):
        columns += [_price(f"bid_{k}"), _size(f"bid_size_{k}"), _price(f"ask_{k}"), _size(f"ask_size_{k}")]
    return Schema("book", (*HEAD, *columns), levels)


def levels_of(names: Iterable[str]) -> int:
    """How many levels the columns of a book name: k + 1 of the last of bid_0, bid_1, … that is there."""
    present = set(names)
    levels = 0
    while f"bid_{levels}" in present or f"ask_{levels}" in present:
        levels += 1
    return levels


def schema_of(clock: str, levels: int = 1) -> Schema:
    """The schema of a clock by its name.

    Raises:
        ValueError: if there is no such clock.
    """
    known = {"bar": BAR, "trade": TRADE, "quote": QUOTE, "chain": CHAIN}
    if clock == "book":
        return book(levels)
    if clock not in known:
        raise ValueError(f"schema: no clock {clock!r}; there are {sorted([*known, 'book'])}")
    return known[clock]


SYNONYMS: dict[str, tuple[str, ...]] = {
    "ts": ("timestamp", "time", "datetime", "date", "close_time", "ts_recv", "local_timestamp", "t", "trade_date"),
    "ts_event": ("open_time", "event_time", "transact_time", "exchange_timestamp"),
    "symbol": ("ticker", "instrument", "asset", "code", "sym", "underlying"),
    "open": ("o", "open_price", "first", "px_open"),
    "high": ("h", "high_price", "max", "px_high"),
    "low": ("l", "low_price", "min", "px_low"),
    "close": ("c", "close_price", "last", "px_last", "adj_close"),
    "volume": ("v", "vol", "qty", "base_volume"),
    "price": ("px", "p", "trade_price"),
    "size": ("qty", "quantity", "amount", "volume", "sz"),
    "side": ("aggressor", "direction", "taker_side"),
    "bid": ("bid_price", "best_bid_price", "bid_px", "bp", "bid_0", "bid_px_00"),
    "ask": ("ask_price", "best_ask_price", "ask_px", "ap", "offer", "ask_0", "ask_px_00"),
    "bid_size": ("bid_qty", "best_bid_qty", "bid_amount", "bid_sz", "bs", "bid_size_0", "bid_sz_00"),
    "ask_size": ("ask_qty", "best_ask_qty", "ask_amount", "ask_sz", "as", "offer_size", "ask_size_0", "ask_sz_00"),
    "expiry": ("expiration", "expire_date", "maturity"),
    "strike": ("strike_price", "k"),
    "right": ("type", "option_type", "put_call", "cp", "call_put"),
}


def plain(name: str) -> str:
    """A column's name as synonyms are compared: lower case, words joined by one underscore."""
    return "_".join(name.lower().replace("-", " ").replace("_", " ").replace(".", " ").split())


def synonym(name: str, names: Iterable[str]) -> str | None:
    """Which of `names` most likely means the column `name`: the same word in another case, else a known synonym."""
    by_plain = {plain(n): n for n in reversed(list(names))}
    return next((by_plain[w] for w in (name, *SYNONYMS.get(name, ())) if w in by_plain), None)


def moment(ts: int) -> str:
    """Nanoseconds UTC as errors spell them: 2024-01-02T14:31:00Z, with as much of the second as there is."""
    spelled = str(np.datetime64(int(ts), "ns"))
    return spelled.rstrip("0").rstrip(".") + "Z" if "." in spelled else spelled
