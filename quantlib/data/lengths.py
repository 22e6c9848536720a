"""How long bars are, where a file says only when they begin."""

from __future__ import annotations

import re

import polars as pl

from quantlib.data.format import DataError
from quantlib.schema import moment

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # seconds


def span(starts: str) -> int:
    """Nanoseconds of a length such as "1m".

    Raises:
        DataError: if it is no length, is nothing, or is longer than 64 bits can tell.
    """
    match = re.fullmatch(r"([0-9]+)([smhdw])", starts)
    nanoseconds = int(match[1]) * UNITS[match[2]] * 10**9 if match else 0
    if not 0 < nanoseconds < 2**63:
        raise DataError(f"read: starts is a length such as '1m', '4h' or '1d', got {starts!r}")
    return nanoseconds


def length(path: str, begins: pl.Series, starts: str | None) -> pl.Expr:
    """As said, or the smallest step between first moments.

    Raises:
        DataError: if what is said is no length, or there is one moment only.
    """
    if starts is not None:
        return pl.lit(span(starts), pl.Duration("ns"))
    step = begins.unique().sort().diff().drop_nulls().min()
    if step is None:
        only = moment(begins.to_physical()[0]) if len(begins) else "none"
        raise DataError(f"read: {path} has one open_time only ({only}); say how long its bars are: starts='1m'")
    return pl.lit(step)
