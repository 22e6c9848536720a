"""Prices that files count in small units."""

from __future__ import annotations

import polars as pl


def scaled(counts: pl.Expr, unit: float) -> pl.Expr:
    """counts / unit, rounded once, as text of the price would be read: 1000200 of 10000 are 100.02.

    polars multiplies by the reciprocal of a lone divisor, which rounds twice (and gives 100.02000000000001).
    """
    if unit == 1.0:
        return counts.cast(pl.Float64)

    def divided(column: pl.Series) -> pl.Series:
        return pl.Series(column.name, column.cast(pl.Float64).to_numpy() / unit)

    return counts.map_batches(divided, return_dtype=pl.Float64).fill_nan(None)
