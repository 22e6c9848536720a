"""Instants from what vendors write: epochs of any unit, dates and times of a place, text."""

from __future__ import annotations

import polars as pl

NEW_YORK = "America/New_York"
INSTANT = pl.Datetime("ns", "UTC")
UNITS = ((10**8, 1), (10**11, 10**9), (10**14, 10**6), (10**17, 10**3))  # below so much: to be multiplied by


def epoch(stamps: pl.Expr) -> pl.Expr:
    """Nanoseconds from epochs in s, ms, us or ns, told apart one by one by their size: each unit from 1973 to 5138.

    A file may change its unit on the way, as Binance's spot dumps did on 2025-01-01.  What is below 10^8 is taken as it
    is, in nanoseconds.
    """
    made = stamps
    for below, factor in reversed(UNITS):
        made = pl.when(stamps.abs() < below).then(stamps * factor).otherwise(made)
    return made


def instant(nanoseconds: pl.Expr) -> pl.Expr:
    """Int64 nanoseconds as Datetime in UTC."""
    return nanoseconds.cast(pl.Int64).cast(INSTANT)


def at(expression: pl.Expr, zone: str) -> pl.Expr:
    """A naive Datetime that clocks of a place show, as an instant; of an hour shown twice the first, of none null."""
    there = expression.cast(pl.Datetime("ns")).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return there.dt.convert_time_zone("UTC")


def day(text: pl.Expr, form: str = "%Y%m%d") -> pl.Expr:
    """Midnight, naive, of a date in text."""
    return text.str.to_date(form, strict=False).cast(pl.Datetime("ns"))


def closing(dates: pl.Expr) -> pl.Expr:
    """16:00 in New York on a date: when American options expire (those settled in the morning are not told apart)."""
    return at(dates.cast(pl.Datetime("ns")) + pl.duration(hours=16), NEW_YORK)
