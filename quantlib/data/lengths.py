"""How long bars are, where a file says only when they begin."""

from __future__ import annotations

import re

import polars as pl

from quantlib.data.format import DataError
from quantlib.schema import moment

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def length(path: str, begins: pl.Series, starts: str | None) -> pl.Expr:
    """As said, or the smallest step between first moments.

    Raises:
        DataError: if what is said is no length, or there is one moment only.
    """
    if starts is not None:
        if not re.fullmatch(r"\d+(s|m|h|d|w)", starts):
            raise DataError(f"read: starts is a length such as '1m', '4h' or '1d', got {starts!r}")
        return pl.duration(**{UNITS[starts[-1]]: int(starts[:-1])}, time_unit="ns")
    step = begins.unique().sort().diff().drop_nulls().min()
    if step is None:
        only = moment(begins.to_physical()[0]) if len(begins) else "none"
        raise DataError(f"read: {path} has one open_time only ({only}); say how long its bars are: starts='1m'")
    return pl.lit(step)
