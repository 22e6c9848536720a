"""Real daily bars that come with the `arch` package: two American indices, 1999 to 2018.

Source: Kevin Sheppard, arch, modules `arch.data.sp500` and `arch.data.nasdaq` (downloaded there from Yahoo Finance).
"""

from __future__ import annotations

from typing import Any

import polars as pl

NEW_YORK = "America/New_York"


def sp500() -> pl.DataFrame:
    """The S&P 500 index, symbol SPX: 5,031 daily bars.

    Returns:
        ts: 16:00 in New York, when the bar is known, as Datetime in UTC (so is ts_event: 09:30).
        symbol, open, high, low, close (index points), volume (shares; NaN on days the source left at zero).
    """
    from arch.data import sp500 as source

    return _bars(source.load(), "SPX")


def nasdaq() -> pl.DataFrame:
    """The NASDAQ Composite index, symbol IXIC: 5,031 daily bars in the columns of `sp500`.

    Its volume is missing on 2015-05-12 and 2018-01-09, where the source says 0.
    """
    from arch.data import nasdaq as source

    return _bars(source.load(), "IXIC")


def indices() -> pl.DataFrame:
    """Both indices, sorted by ts and then symbol."""
    return pl.concat([nasdaq(), sp500()]).sort("ts", "symbol")


def _bars(daily: Any, symbol: str) -> pl.DataFrame:
    day = pl.Series("day", daily.index.to_numpy().astype("datetime64[D]"))
    columns = {name.lower(): daily[name].to_numpy() for name in ("Open", "High", "Low", "Close")}
    volume = pl.Series(daily["Volume"].to_numpy()).cast(pl.Float64)
    frame = pl.DataFrame({"day": day, "symbol": pl.repeat(symbol, len(day), eager=True), **columns, "volume": volume})
    return frame.select(
        _at(16, 0).alias("ts"),
        _at(9, 30).alias("ts_event"),
        "symbol",
        "open",
        "high",
        "low",
        "close",
        pl.when(pl.col("volume") > 0).then("volume").otherwise(float("nan")).alias("volume"),
    )


def _at(hour: int, minute: int) -> pl.Expr:
    local = pl.col("day").cast(pl.Datetime("ns")) + pl.duration(hours=hour, minutes=minute, time_unit="ns")
    return local.dt.replace_time_zone(NEW_YORK).dt.convert_time_zone("UTC")
