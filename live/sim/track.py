"""The recorded rows of one clock, ready to be told: when, about whom, and as which bytes."""

from __future__ import annotations

from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from live.sim.messages import SHAPES, moment, packed
from live.sim.wire import asset_class
from live.words import records_of
from quantlib.schema import levels_of
from quantlib.table import Table

CHUNK = 8192  # rows packed at once
PRICES = {
    "bar": ("open", "high", "low", "close"), "trade": ("price", "size"),
    "quote": ("bid", "ask", "bid_size", "ask_size"), "book": (),
}  # fmt: skip


class Track:
    """Rows of one clock.

    On the wire a bar carries its beginning, so `t` is `ts` less the timeframe; all else carries its `ts`, so that who
    listens rebuilds the rows as they were.  A row that lacks a price is never told.  Where bars bring no columns
    `count` and `vwap`, one trade at the typical price is told of.

    Args:
        table: bars, trades, quotes or books.
        timeframe: of bars, ns.
    """

    def __init__(self, table: Table, timeframe: int = 0) -> None:
        self.clock, self.symbols, self.timeframe = table.clock, table.symbols, timeframe
        self.ts: NDArray[np.int64] = table.columns["ts"]
        self.columns = table.columns | told_of(table, timeframe)
        self.t: NDArray[np.int64] = self.columns["t"]
        self.told = np.all([~np.isnan(table.columns[name]) for name in PRICES[table.clock]] or [self.ts >= 0], axis=0)
        self.classes = [asset_class(symbol) for symbol in table.symbols]
        self._records = records_of(table.columns)
        codes = table.columns["symbol"]
        order = np.argsort(codes, kind="stable")
        cuts = np.searchsorted(codes[order], np.arange(len(table.symbols) + 1))
        self._places = [order[a:b] for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)]
        self._chunks: dict[int, list[bytes]] = {}

    def places(self, code: int) -> NDArray[np.int64]:
        """The rows of a symbol that are told, in the order of time."""
        places = self._places[code]
        return places[self.told[places]]

    def past(self, ts: int) -> int:
        """How many rows are known at `ts`."""
        return int(np.searchsorted(self.ts, ts, "right"))

    def records(self, first: int, past: int) -> NDArray[Any]:
        """Rows as records, but for those that are not told."""
        return self._records[first:past][self.told[first:past]]

    def silence(self, symbol: str, begin: int, end: int) -> None:
        """Tell no rows of a symbol that were known from `begin` on and before `end`, ns UTC."""
        places = self._places[self.symbols.index(symbol)]
        self.told[places[(self.ts[places] >= begin) & (self.ts[places] < end)]] = False

    def messages(self, rows: NDArray[np.int64]) -> list[bytes]:
        """Rows as the websocket has them, wherever they are."""
        return self._packed(rows)

    def upcoming(self, rows: NDArray[np.int64]) -> list[bytes]:
        """Rows as the websocket has them: those of a replay, which asks for one after another."""
        return [self._kept(row // CHUNK)[row % CHUNK] for row in rows.tolist()]

    def book(self, row: int) -> bytes:
        """A whole book, which is what somebody who has just come is told."""
        return msgpack.packb(self._book(row, {}, {}) | {"r": True})

    def _kept(self, chunk: int) -> list[bytes]:
        if chunk not in self._chunks:
            last = min((chunk + 1) * CHUNK, len(self.ts))
            self._chunks = {chunk: self._packed(np.arange(chunk * CHUNK, last))}
        return self._chunks[chunk]

    def _packed(self, rows: NDArray[np.int64]) -> list[bytes]:
        if self.clock == "book":
            return [self._book_message(row) for row in rows.tolist()]
        messages = np.empty(len(rows), object)
        coins = np.array([kind == "crypto" for kind in self.classes])[self.columns["symbol"][rows]]
        for kind, chosen in (("us_equity", ~coins), ("crypto", coins)):
            if chosen.any():
                some = {name: column[rows[chosen]] for name, column in self.columns.items()}
                messages[chosen] = packed(SHAPES[self.clock, kind], self.symbols, some)
        return list(messages)

    def _book_message(self, row: int) -> bytes:
        places = self._places[int(self.columns["symbol"][row])]
        at = int(np.searchsorted(places, row))
        if at == 0:
            return self.book(row)
        before = int(places[at - 1])
        return msgpack.packb(self._book(row, self._side(before, "bid"), self._side(before, "ask")))

    def _book(self, row: int, bids: dict[float, float], asks: dict[float, float]) -> dict[str, Any]:
        sides = [changes(before, self._side(row, name)) for before, name in ((bids, "bid"), (asks, "ask"))]
        symbol = self.symbols[int(self.columns["symbol"][row])]
        return {"T": "o", "S": symbol, "b": sides[0], "a": sides[1], "t": moment(int(self.t[row]))}

    def _side(self, row: int, side: str) -> dict[float, float]:
        levels = range(levels_of(self.columns))
        pairs = [
            (float(self.columns[f"{side}_{k}"][row]), float(self.columns[f"{side}_size_{k}"][row])) for k in levels
        ]
        return {price: size for price, size in pairs if price == price and size > 0}


def changes(before: dict[float, float], after: dict[float, float]) -> list[dict[str, float]]:
    """What turns one side of a book into another: levels with their sizes, 0 for those that are gone."""
    gone = {price: 0.0 for price in before if price not in after}
    news = {price: size for price, size in after.items() if before.get(price) != size}
    return [{"p": price, "s": size} for price, size in (news | gone).items()]


def told_of(table: Table, timeframe: int) -> dict[str, NDArray[Any]]:
    """What a message holds beside the columns of its row."""
    columns, rows = table.columns, table.rows
    told: dict[str, NDArray[Any]] = {"t": columns["ts"] - timeframe, "number": np.arange(1, rows + 1)}
    if table.clock == "trade":
        return told | {"side": np.nan_to_num(columns["side"], nan=1.0)}
    if table.clock != "bar":
        return told
    typical = (columns["high"] + columns["low"] + columns["close"]) / 3
    blank = np.zeros(rows)
    return told | {
        "volume": np.nan_to_num(columns.get("volume", blank)), "count": np.nan_to_num(columns.get("count", blank + 1)),
        "vwap": columns.get("vwap", typical),
    }  # fmt: skip
