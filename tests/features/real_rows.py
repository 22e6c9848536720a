"""Recorded markets as tapes: bars, trades, quotes and books, and what of one clock is known on another."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import quantlib
from quantlib.core import advance, inputs_of, start
from quantlib.features import sma, zscore_vwap
from quantlib.tapes import Tape, tape

FOLDER = Path(__file__).parents[2].parent / "shared" / "data"
SPOT = "l2/binance_spot_BTCUSDT_20240808-09"
BITSTAMP = "l2/bitstamp_BTCUSD_20150501_L3"
MOST = 12_000  # rows of a tape


def frame(path):
    if not FOLDER.exists():
        pytest.skip("recorded markets are not here (../shared/data)")
    return pl.read_parquet(FOLDER / path)


def bought(column):
    return pl.when(pl.col(column) == "buy").then(1.0).when(pl.col(column) == "sell").then(-1.0).otherwise(float("nan"))


@cache
def bars():
    """A week of minutes of 24 American shares, each moment's one after the other, with their market beside them."""
    rows = frame("klines_1m/equity/us_24tickers_20190211-15.parquet").sort("open_time", "symbol")
    rows = rows.with_columns(ts=pl.col("open_time") + pl.duration(minutes=1)).rename({"open_time": "ts_event"})
    return quantlib.bars(rows.head(MOST).with_columns(pl.col("volume").cast(pl.Float64)))


@cache
def quotes():
    """The best bid and ask of a coin, every change for ten minutes."""
    names = {"ts_recv": "ts", "bid_px": "bid", "ask_px": "ask", "bid_qty": "bid_size", "ask_qty": "ask_size"}
    rows = frame(f"{SPOT}/book_ticker.parquet").select(pl.col(old).alias(new) for old, new in names.items())
    return quantlib.quotes(rows.sort("ts", maintain_order=True).head(MOST))


@cache
def trades():
    """Its trades, with the quote before each."""
    rows = frame(f"{SPOT}/trades.parquet").select(
        pl.col("ts_recv").alias("ts"), "price", pl.col("qty").alias("size"), bought("side").alias("side")
    )
    rows = rows.sort("ts", maintain_order=True).head(MOST)
    return quantlib.trades(
        quantlib.held(rows, quotes(), ["bid", "ask", "bid_size", "ask_size"], clocks=("trade", "quote"))
    )


@cache
def books():
    """Twenty levels of a coin's book for five hours, with what takers had bought and sold before each."""
    rows = frame(f"{BITSTAMP}/book_snapshots_20.parquet")
    names = {"ts_recv": "ts"}
    for k in range(20):
        for side in ("bid", "ask"):
            names |= {f"{side}_px_{k:02d}": f"{side}_{k}", f"{side}_qty_{k:02d}": f"{side}_size_{k}"}
    made = frame(f"{BITSTAMP}/trades.parquet").select(
        pl.col("ts_recv").alias("ts"), "price", pl.col("qty").alias("size"), bought("side_inferred").alias("side")
    )
    taken = made.sort("ts", maintain_order=True).with_columns(
        pl.when(pl.col("side") == side).then("size").otherwise(0.0).cum_sum().alias(name)
        for side, name in ((1.0, "bought"), (-1.0, "sold"))
    )
    return quantlib.books(quantlib.held(rows.rename(names), taken, ["bought", "sold"], clocks=("book", "trade")))


TABLES = {"bar": bars, "trade": trades, "quote": quotes, "book": books}


def real(feature):
    """Recorded rows with every column that the feature reads; what no market brings is derived, or else made up."""
    table = TABLES[feature.clock]()
    columns = dict(table.columns)
    if feature.clock == "bar":
        columns |= derived(table)
    wanted = inputs_of([feature])
    made_up = tape(feature, len(columns["ts"]), 1, missing=0.0).columns
    for name in wanted:
        columns.setdefault(name, np.resize(made_up[name], len(columns["ts"])))
    return Tape({name: columns[name] for name in dict.fromkeys(("ts", "symbol", *wanted))}, table.symbols)


def derived(table):
    """What bar features read that bars do not bring: other features' columns, the market, sectors, members."""
    features = [sma(10, out="fast"), sma(30, out="slow"), zscore_vwap()]
    columns = advance(features, start(features, table.symbols), table.columns)
    rows = pl.DataFrame({n: table.columns[n] for n in ("ts", "close")})
    columns["benchmark"] = rows.select(pl.col("close").mean().over("ts")).to_series().to_numpy()
    columns["other"] = columns["benchmark"]
    columns["sector"] = (table.columns["symbol"] % 3).astype(np.float64)
    columns["member"] = (table.columns["symbol"] != 5).astype(np.float64)
    return columns
