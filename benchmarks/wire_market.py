"""A made-up market of many symbols: bars at a pace, and trades and quotes around them at a rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Columns
from quantlib.table import Table, bars, quotes, trades

SECOND = 1_000_000_000
HISTORY = 100  # bars of each symbol that were before
SILENCE = 60  # seconds between them and the first that is heard
TICK = 0.01  # quote currency


class Wire(NamedTuple):
    """How much comes over the wire.

    symbols   that have a bar at each moment
    seconds   for how long
    pace      seconds from one bar to the next
    rate      trades and quotes a second, half of each
    """

    symbols: int
    seconds: int
    pace: int
    rate: int

    @property
    def names(self) -> tuple[str, ...]:
        """Of the symbols."""
        return tuple(f"S{k:03d}" for k in range(self.symbols))

    @property
    def moments(self) -> int:
        """Bars of each symbol."""
        return self.seconds // self.pace + 1

    @property
    def messages(self) -> int:
        """All that there is to hear."""
        return self.moments * self.symbols + self.seconds * self.rate // 2 * 2


def made_up(wire: Wire, begin: int, seed: int = 1) -> tuple[Table, Table, Table]:
    """Bars, trades and quotes; the first bars but for a history are known at `begin`, ns UTC, all else after it."""
    rng = np.random.default_rng(seed)
    close = walk(HISTORY + wire.moments, wire.symbols, rng)
    ts = begin + np.arange(-HISTORY, wire.moments) * wire.pace * SECOND
    ts[:HISTORY] -= SILENCE * SECOND
    count = wire.seconds * wire.rate // 2
    deals, tops = (_places(wire, count, close[HISTORY:], rng) for _ in range(2))
    size = rng.integers(1, 500, count).astype(float)
    traded = {"price": deals.pop("price") + TICK * rng.integers(-1, 2, count), "size": size}
    bid = np.round(tops.pop("price") - TICK, 2)
    quoted = {"bid": bid, "ask": np.round(bid + 2 * TICK, 2), "bid_size": size, "ask_size": size}
    traded |= {"side": np.where(size > 250, 1.0, -1.0)}
    return (
        bars(candles(close, ts, wire.pace, rng), symbols=wire.names),
        trades(deals | traded | {"ts": deals["ts"] + begin}, symbols=wire.names),
        quotes(tops | quoted | {"ts": tops["ts"] + begin}, symbols=wire.names),
    )


def day(moments: int, symbols: int, begin: int, seed: int = 1) -> Table:
    """One-minute bars alone."""
    rng = np.random.default_rng(seed)
    ts = begin + np.arange(moments) * 60 * SECOND
    return bars(candles(walk(moments, symbols, rng), ts, 60, rng), symbols=Wire(symbols, 0, 60, 0).names)


def walk(moments: int, symbols: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Closes that wander, (moments, symbols)."""
    steps = rng.normal(0.0, 1e-3, (moments, symbols))
    return np.asarray(np.round(100.0 * np.exp(np.cumsum(steps, axis=0)), 2))


def candles(close: NDArray[np.float64], ts: NDArray[np.int64], pace: int, rng: np.random.Generator) -> Columns:
    """Bars with these closes, known at these times."""
    moments, symbols = close.shape
    opened = np.vstack([close[:1], close[:-1]])
    reach = np.round(np.abs(rng.normal(0.0, 0.05, (2, *close.shape))), 2)
    high, low = np.maximum(opened, close) + reach[0], np.minimum(opened, close) - reach[1]
    ts = np.repeat(ts, symbols)
    return {
        "ts": ts, "ts_event": ts - pace * SECOND, "symbol": np.tile(np.arange(symbols, dtype=np.int32), moments),
        "open": opened.ravel(), "high": np.round(high, 2).ravel(), "low": np.round(low, 2).ravel(),
        "close": close.ravel(), "volume": rng.integers(100, 9_000, close.size).astype(float),
    }  # fmt: skip


def _places(wire: Wire, count: int, close: NDArray[np.float64], rng: np.random.Generator) -> Columns:
    """When, about whom, and near which price: the last close."""
    ts = np.sort(rng.integers(1, wire.seconds * SECOND, count))
    symbol = rng.integers(0, wire.symbols, count, dtype=np.int32)
    return {"ts": ts, "symbol": symbol, "price": close[ts // (wire.pace * SECOND), symbol]}
