"""Instants from what vendors write: epochs of any unit, dates and times of a place, text."""

from __future__ import annotations

import re

import polars as pl

NEW_YORK = "America/New_York"
INSTANT = pl.Datetime("ns", "UTC")
UNITS = ((10**8, 1), (10**11, 10**9), (10**14, 10**6), (10**17, 10**3))  # below so much: to be multiplied by
LAST = 2**63 - 1
DATE = r"^\d{4}-\d\d-\d\d$"
CLOCK = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?"
NAIVE, ZONED = CLOCK + "$", CLOCK + r"(?:Z|[+-]\d\d:?\d\d)$"


def epoch(stamps: pl.Expr) -> pl.Expr:
    """Nanoseconds from epochs in s, ms, us or ns, told apart one by one by their size: each unit from 1973 to 5138.

    A file may change its unit on the way, as Binance's spot dumps did on 2025-01-01.  What is below 10^8 is taken as it
    is, in nanoseconds; what would be after 2262-04-11 or before 1677-09-21, where 64 bits end, is null.
    """
    made = stamps
    for below, factor in reversed(UNITS):
        told = pl.when(stamps.abs() <= LAST // factor).then(stamps * factor)
        made = pl.when(stamps.abs() < below).then(told).otherwise(made)
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


def iso(text: pl.Series) -> pl.Series:
    """ISO dates, naive times or times with an offset from UTC, whichever the first is; null where a text is another.

    Never a guess at the order of day and month: 03/04/2024 is no ISO text.
    """
    first = text.drop_nulls().head(1)
    form = next((form for form in (DATE, NAIVE, ZONED) if first.len() and re.match(form, first[0])), None)
    if form is None:
        return pl.Series(text.name, [None] * text.len(), pl.Date)
    text = text.set(~text.str.contains(form).fill_null(False), None)
    if form == DATE:
        return text.str.to_date("%Y-%m-%d", strict=False)
    spelled = (
        text.str.replace(" ", "T").str.replace("Z$", "+00:00").str.replace(r"T(\d\d:\d\d)($|[+-])", "T${1}:00${2}")
    )
    pattern, zone = ("%Y-%m-%dT%H:%M:%S%.f%z", "UTC") if form == ZONED else ("%Y-%m-%dT%H:%M:%S%.f", None)
    rough, fine = (spelled.str.to_datetime(pattern, time_unit=u, time_zone=zone, strict=False) for u in ("us", "ns"))
    return fine if (fine.dt.cast_time_unit("us") == rough).all() else rough  # nanoseconds run over in 2262


def not_iso(text: pl.Series) -> str | None:
    """The first text that is no ISO date or time like those before it, if there is one."""
    bad = text.filter(iso(text).is_null() & text.is_not_null())
    return str(bad[0]) if bad.len() else None
