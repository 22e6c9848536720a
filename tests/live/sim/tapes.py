"""Small tables for the tests of the loopback's data side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from quantlib.table import Table, bars, books, quotes, trades

MINUTE = 60_000_000_000
OPEN = 1_550_154_600_000_000_000  # 2019-02-14 14:30 UTC: New York opens
STOCKS, COINS = ("AAPL", "F", "GOOGL"), ("BTC/USD", "ETH/USD")
SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def minutes(rows: int = 5, symbols: tuple[str, ...] = STOCKS, seed: int = 3, begin: int = OPEN) -> Table:
    """Bars of whole volumes at prices with as many digits as floats have."""
    rng = np.random.default_rng(seed)
    count = rows * len(symbols)
    ts = begin + np.repeat(np.arange(1, rows + 1), len(symbols)) * MINUTE
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, (rows, len(symbols))), axis=0)).ravel()
    first = close * (1 + rng.normal(0, 1e-3, count))
    high, low = np.maximum(close, first) * 1.001, np.minimum(close, first) * 0.999
    columns: dict[str, Any] = {"ts": ts, "symbol": np.tile(symbols, rows), "open": first, "high": high, "low": low}
    columns |= {"close": close, "volume": rng.integers(0, 9999, count).astype(float)}
    return bars(pl.DataFrame(columns), symbols=symbols)


def two_days() -> tuple[Table, Table, Table]:
    """The first minutes of two days, apart and joined."""
    first, second = minutes(3), minutes(2, seed=9, begin=OPEN + 86_400 * 10**9)
    return first, second, bars(first.frame().vstack(second.frame()), symbols=STOCKS)


def prints(count: int = 40, symbols: tuple[str, ...] = STOCKS, seed: int = 4, whole: bool = True) -> Table:
    """Trades, some milliseconds apart, within the first minutes."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 500, count).astype(float)
    return trades(
        pl.DataFrame(
            {
                "ts": OPEN + np.cumsum(rng.integers(1, 7 * 10**9, count)), "price": rng.uniform(10, 20, count),
                "symbol": np.array(symbols)[rng.integers(0, len(symbols), count)],
                "size": size if whole else size / 64, "side": rng.choice([-1.0, 1.0], count),
            }
        ), symbols=symbols,
    )  # fmt: skip


def tops(count: int = 40, symbols: tuple[str, ...] = STOCKS, seed: int = 5) -> Table:
    """Quotes, some milliseconds apart, within the first minutes."""
    rng = np.random.default_rng(seed)
    bid = rng.uniform(10, 20, count)
    return quotes(
        pl.DataFrame(
            {
                "ts": OPEN + np.cumsum(rng.integers(1, 7 * 10**9, count)), "bid": bid, "ask": bid + 0.01,
                "symbol": np.array(symbols)[rng.integers(0, len(symbols), count)],
                "bid_size": rng.integers(1, 9, count).astype(float),
                "ask_size": rng.integers(1, 9, count).astype(float),
            }
        ), symbols=symbols,
    )  # fmt: skip


def ladders(count: int = 12, symbols: tuple[str, ...] = COINS, seed: int = 6, levels: int = 3) -> Table:
    """Books of a few levels, several a minute."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "ts": OPEN + np.arange(1, count + 1) * 20 * 10**9, "symbol": np.tile(symbols, count)[:count],
    }  # fmt: skip
    for k in range(levels):
        columns |= {
            f"bid_{k}": 100.0 - k - rng.integers(0, 2, count) / 4,
            f"bid_size_{k}": rng.integers(1, 4, count) / 2,
        }
        columns |= {
            f"ask_{k}": 101.0 + k + rng.integers(0, 2, count) / 4,
            f"ask_size_{k}": rng.integers(1, 4, count) / 2,
        }
    return books(pl.DataFrame(columns), symbols=symbols)


def recorded() -> Table:
    """Minute bars of 24 stocks over five days, recorded by their exchange."""
    path = SHARED / "klines_1m" / "equity" / "us_24tickers_20190211-15.parquet"
    if not path.exists():
        pytest.skip(f"the recorded bars are not here (../shared/data/{path.relative_to(SHARED)})")
    frame = pl.read_parquet(path).sort("open_time", "symbol")
    known = (pl.col("open_time") + pl.duration(minutes=1)).alias("ts")
    return bars(frame.select(known, "symbol", "open", "high", "low", "close", "volume"))
