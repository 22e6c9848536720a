"""Into the book of the exchange: what a real broker does to one order at once, and the exchange at its next bar.

An order that sleeps is in the book and takes part in nothing: it waits for the market to open, or for its auction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from backtest.engine import NO_TIMES, NOTHING
from backtest.exchange import NEVER, Exchange, end_order
from backtest.loop import match_rows
from backtest.matching import arrive
from quantlib.desk.consult import Rows
from quantlib.desk.messages import PARTIAL
from quantlib.desk.orders import find, sweep
from quantlib.jit import kernel


@kernel
def hasten(x, s, id, ts):
    """What was asked of an order happens now, not when its next bar begins."""
    k = find(x.orders, x.books[s], id)
    if k == 0:
        return
    o = x.orders[k]
    wait, expires, triggered = o.wait, o.expires, o.triggered
    arrive(x, o, ts, NEVER)
    o.wait, o.expires, o.triggered = wait, expires, triggered
    x.books[s].settled = 0
    sweep(x.orders, x.state[0], x.books[s])


@kernel
def end(x, s, id, ts, kind, status):
    """An order ends now, for the venue's own reasons."""
    k = find(x.orders, x.books[s], id)
    if k != 0:
        end_order(x, x.orders[k], ts, kind, status, 0)
        sweep(x.orders, x.state[0], x.books[s])


def slots(x: Exchange, code: int) -> Iterator[Any]:
    """The working orders of a symbol, in the order of their arrival; writing to one writes to the book."""
    k = int(x.books["head"][code])
    while k:
        order = x.orders[k]
        if order["status"] <= PARTIAL:
            yield order
        k = int(order["next"])


def slot(x: Exchange, code: int, id: int) -> Any | None:
    """One working order; None if it has ended.  Its symbol is looked at whole in its next bar."""
    x.books["settled"][code] = 0
    return next((order for order in slots(x, code) if order["id"] == id), None)


def sleep(x: Exchange, code: int, id: int) -> None:
    """Let an order take part in nothing."""
    order = slot(x, code, id)
    if order is not None:
        order["active"] = NEVER


def wake(x: Exchange, code: int, id: int) -> None:
    """Let it take part again, in whatever begins after it was placed."""
    order = slot(x, code, id)
    if order is not None:
        order["active"] = order["placed"]


@contextmanager
def alone(x: Exchange, code: int, ids: set[int]) -> Iterator[None]:
    """While inside, only these orders of the symbol are awake."""
    before = [(int(order["id"]), int(order["active"])) for order in slots(x, code)]
    for order in slots(x, code):
        order["active"] = order["placed"] if int(order["id"]) in ids else NEVER
    x.books["settled"][code] = 0
    yield
    x.books["settled"][code] = 0
    for id, active in before:
        order = slot(x, code, id)
        if order is not None:
            order["active"] = active


def trade_at(x: Exchange, code: int, ts: int, price: float, volume: float = np.nan) -> None:
    """A moment of one price at which the symbol's orders that are awake may trade; bars begin where they did."""
    ended = x.books["ended"][code]
    one = np.full(1, price)
    rows = Rows(
        np.full(1, ts), np.full(1, NEVER - 1), np.full(1, code, np.int32), one, one, one, one, np.full(1, volume),
        NOTHING, NOTHING, NOTHING,
    )  # fmt: skip
    match_rows(x, rows, 0, 1)
    x.books["ended"][code] = ended


def market_rows(columns: dict[str, Any]) -> Rows:
    """Rows of one timestamp as the exchange reads them; trades, quotes and books are bars of one price."""
    c = columns
    start = c.get("ts_event", NO_TIMES)
    if "close" in c:
        prices = c["open"], c["high"], c["low"], c["close"]
    else:
        bid, ask = ("bid_0", "ask_0") if "bid_0" in c else ("bid", "ask")
        price = c["price"] if "price" in c else (c[bid] + c[ask]) / 2.0
        prices, start = (price, price, price, price), c["ts"]  # it begins as it ends: whatever was sent before is there
    volume = c["volume"] if "volume" in c else c.get("size", NOTHING)
    return Rows(c["ts"], start, c["symbol"], *prices, volume, NOTHING, NOTHING, NOTHING)
