"""Seconds an update of books rebuilt from diffs and from orders, and a row of a vendor's file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import Row, row
from benchmarks.timing import Scale, seconds
from quantlib.data import load
from quantlib.rebuild import diffs, orders
from quantlib.rebuild.orders import ADD, DO_NOTHING, REMOVE

MIDDLE, TICK = 60_000.0, 0.1
MESSAGE = 64  # rows of one message: what a futures venue sends every 100 ms or so
DEPTH = 300  # ticks from the touch, on average
REMOVED = 0.22  # of all updates, as in recordings of Binance
RESTING = 2_000  # orders alive
LINE = "binance-futures,BTCUSDT,{at},{at},{k},buy,{price:.1f},0.125\n"


def updates(scale: Scale) -> Row:
    """A row of diffs through books of ten levels."""
    events = _diffs(scale.rows)
    return _measured("rebuild.diffs", scale, lambda: diffs.advance(diffs.start(("X",), levels=10), events))


def messages(scale: Scale) -> Row:
    """An order's event through books of ten levels, one book each."""
    events = _orders(scale.rows)
    return _measured("rebuild.orders", scale, lambda: orders.advance(orders.start(("X",), levels=10), events))


def trades(scale: Scale) -> Row:
    """A row of a CSV file of trades of Tardis, read and checked."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trades.csv"
        at = 1_700_000_000_000_000
        lines = (LINE.format(at=at + k, k=k, price=MIDDLE + k % 100) for k in range(scale.rows))
        path.write_text("exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n" + "".join(lines))
        return _measured("data.trades", scale, partial(load, path))


def _measured(name: str, scale: Scale, work: Callable[[], object]) -> Row:
    runs = [s / scale.rows for s in seconds(work, scale.repeat)]
    made = row(name, "s/row", runs)
    return made._replace(note=f"{1e-6 / made.value:.1f} M a second")


def _diffs(rows: int) -> dict[str, NDArray[np.generic]]:
    """Messages of updates about a touch that stays, after a snapshot of one level a side."""
    random = np.random.default_rng(1)
    side = random.choice(np.array([1, -1], np.int8), rows)
    ticks = 1 + np.floor(random.exponential(DEPTH, rows))
    message = np.arange(rows) // MESSAGE + 1
    last = np.diff(message, append=message[-1] + 1) > 0
    return {
        "ts": message * 1_000_000,
        "symbol": np.zeros(rows, np.int32),
        "first_id": message,
        "last_id": message,
        "prev_id": message - 1,
        "snapshot": (message == 1).astype(np.int8),
        "side": side,
        "price": np.round(MIDDLE - side * ticks * TICK, 1),
        "size": np.where(random.random(rows) < REMOVED, 0.0, np.round(random.exponential(1.0, rows), 3)),
        "last": last.astype(np.int8),
    }


def _orders(rows: int) -> dict[str, NDArray[np.generic]]:
    """Orders added one after the other, each taken away when so many more have come."""
    random = np.random.default_rng(2)
    pairs = -(-rows // 2)
    side = random.choice(np.array([1, -1], np.int8), pairs)
    price = np.round(MIDDLE - side * (1 + np.floor(random.exponential(DEPTH, pairs))) * TICK, 1)
    order, old = np.arange(pairs), np.maximum(np.arange(pairs) - RESTING, 0)
    leaving = np.where(order < RESTING, DO_NOTHING, REMOVE)
    return {
        "ts": np.arange(rows),
        "symbol": np.zeros(rows, np.int32),
        "order": np.ravel(np.column_stack([order, old]))[:rows],
        "action": np.ravel(np.column_stack([np.full(pairs, ADD), leaving]))[:rows].astype(np.int8),
        "side": np.ravel(np.column_stack([side, side[old]]))[:rows],
        "price": np.ravel(np.column_stack([price, price[old]]))[:rows],
        "size": np.ones(rows),
        "last": np.ones(rows, np.int8),
    }


BENCHES: dict[str, Callable[[Scale], Row]] = {
    "rebuild.diffs": updates,
    "rebuild.orders": messages,
    "data.trades": trades,
}
