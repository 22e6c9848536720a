"""Made-up and real trades for the tests of order flow, and how they are run."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quantlib.core import run, start

SECOND = 1_000_000_000
SHARED = Path(__file__).parents[1].parent / "shared"
REAL = {
    "spot": "data/l2/binance_spot_BTCUSDT_20240808-09",
    "perpetual": "data/l2/binance_usdm_ETHUSDT_20240808",
}


def trades(rows=3000, seed=0, tick=0.01, rate=3.0):
    """Trades of one symbol that bounce between a bid and an ask which wander by ticks; a few have size 0."""
    rng = np.random.default_rng(seed)
    mid = 100.0 + np.cumsum(rng.choice([-1, 0, 0, 0, 1], rows)) * tick
    side = rng.choice([-1.0, 1.0], rows)
    half = rng.integers(1, 4, rows) * tick / 2
    size = np.where(rng.random(rows) < 0.03, 0.0, np.round(rng.lognormal(2.0, 1.0, rows), 2))
    gap = (rng.exponential(1.0 / rate, rows) * SECOND).astype(np.int64)
    ts = 1_700_000_000_000_000_000 + np.cumsum(np.where(rng.random(rows) < 0.4, 0, gap))
    price = np.round((mid + side * half) * 1000) / 1000
    return {"ts": ts, "price": price, "size": size, "side": side, "bid": mid - half, "ask": mid + half}


def outputs(feature, columns):
    """What a feature writes on the rows of one symbol, by the end of the name: "" for the bare one."""
    rows = {name: columns[name] for name in feature.inputs}
    _, written = run([feature], start([feature], ["X"]), rows)
    return written


def real_trades(name, rows=None):
    """Trades of an exchange with the quotes held at each, or a visible skip."""
    folder = SHARED / REAL[name]
    if not folder.exists():
        pytest.skip(f"the recorded trades are not here (../shared/{REAL[name]})")
    trade = pl.read_parquet(folder / "trades.parquet").sort("ts_recv", maintain_order=True)
    quote = pl.read_parquet(folder / "book_ticker.parquet").sort("ts_recv", maintain_order=True)
    held = trade.join_asof(quote.select("ts_recv", "bid_px", "ask_px"), on="ts_recv", allow_exact_matches=False)
    held = held.drop_nulls(["bid_px", "ask_px"]).head(rows or len(held))
    sides = np.where((held["side"] == "buy").to_numpy(), 1.0, -1.0)
    numbers = {"price": "price", "size": "qty", "bid": "bid_px", "ask": "ask_px"}
    columns = {name: held[column].to_numpy().astype(np.float64) for name, column in numbers.items()}
    return {"ts": held["ts_recv"].dt.epoch("ns").to_numpy().astype(np.int64), "side": sides, **columns}
