"""How a feature looks on sample rows: real daily bars where they serve, made-up minutes, trades and books elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import polars as pl

from quantlib import catalog, compute, held
from quantlib.core import Feature, inputs_of
from quantlib.data import nasdaq, sp500
from quantlib.features import realised_volatility, sma, zscore_vwap
from quantlib.features.flow.taker_totals import taker_totals
from quantlib.plots.panels import panels
from quantlib.plots.theme import svg
from quantlib.synthetic import Market, bars, market

DAYS = 320  # of real bars
SHOWN = 700  # trades, quotes or books, after those before them
SEED = 7
TECH = ("AAA", "BBB", "CCC")  # one sector of the universe that is made up
UNIVERSE = (*TECH, "DDD", "EEE", "FFF")
SESSIONS = ("calendar", "profile")  # families that want several days of minutes


def picture(name: str, family: str) -> str:
    """The feature of that name, with its defaults, on rows that it can read: an `<svg>` element."""
    feature = catalog.feature(name)
    rows = compute(feature, sample(feature, family))
    shown = rows if feature.scope == "cross" or feature.clock == "bar" else rows.tail(SHOWN)
    return svg(panels(feature, shown), f"f{name.replace('_', '')}", f"{name} on sample rows")


def sample(feature: Feature, family: str) -> pl.DataFrame:
    """Rows of the feature's clock with every column that it reads."""
    if feature.scope == "cross":
        rows = universe()
    elif feature.clock == "bar":
        rows = minutes() if family in SESSIONS else days()
    else:
        rows = {"trade": trades, "quote": quotes, "book": books}[feature.clock]()
    for name in inputs_of([feature]):
        if name not in rows.columns:
            rows = rows.with_columns(MEANINGS[name](rows).alias(name))
    return rows


@cache
def days() -> pl.DataFrame:
    """The S&P 500, with the NASDAQ Composite as what it is compared to, and what signals read."""
    other = nasdaq().select("ts", benchmark="close", other="close")
    rows = sp500().join(other, on="ts", how="left").tail(DAYS + 100)
    read = [sma(10, out="fast"), sma(30, out="slow"), zscore_vwap(), realised_volatility()]
    return compute(read, rows).tail(DAYS)


@cache
def minutes() -> pl.DataFrame:
    """Four sessions of five-minute bars."""
    return bars(SEED, 4, minutes=5)


@cache
def universe() -> pl.DataFrame:
    """Six symbols in two sectors, one of them a member only from the middle on."""
    return bars(SEED, 160, UNIVERSE)


@cache
def told() -> Market:
    """Ten minutes of a made-up market."""
    return market(SEED, 900.0, books_every=0.5)


@cache
def trades() -> pl.DataFrame:
    """Its trades, with the quote before each."""
    return held(told().trades, told().quotes, ["bid", "ask", "bid_size", "ask_size"], clocks=("trade", "quote"))


@cache
def quotes() -> pl.DataFrame:
    """Its quotes."""
    return told().quotes


@cache
def books() -> pl.DataFrame:
    """Its books, with what takers had bought and sold before each."""
    totals = compute([taker_totals()], told().trades)
    return held(told().books, totals, ["bought", "sold"], clocks=("book", "trade"))


def _sector(rows: pl.DataFrame) -> pl.Expr:
    return pl.col("symbol").cast(pl.String).is_in(TECH).cast(pl.Float64)


def _member(rows: pl.DataFrame) -> pl.Expr:
    late = (pl.col("symbol").cast(pl.String) == UNIVERSE[-1]) & (pl.col("ts") < rows["ts"].median())
    return 1.0 - late.cast(pl.Float64)


def _market(rows: pl.DataFrame) -> pl.Expr:
    return pl.col("close").mean().over("ts")


def _next_event(rows: pl.DataFrame) -> pl.Expr:
    quarter = pl.col("ts").dt.truncate("1q").dt.offset_by("1q").dt.offset_by("18d")
    return quarter.dt.epoch("ns").cast(pl.Float64)


# Columns that rows of a clock do not bring, by what features mean by them.
MEANINGS: dict[str, Callable[[pl.DataFrame], pl.Expr]] = {
    "sector": _sector,
    "member": _member,
    "benchmark": _market,
    "next_event": _next_event,
}
