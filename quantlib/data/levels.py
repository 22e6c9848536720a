"""Books as messages send them, lists of [price, size] a side, as rows of levels."""

from __future__ import annotations

import polars as pl

PAIRS = pl.List(pl.List(pl.String))


def levelled(messages: pl.DataFrame) -> pl.DataFrame:
    """One row for each level of the lists `b` and `a`, line by line; a message of none has one row with side 0."""
    sides = []
    for name, side in (("b", 1), ("a", -1)):
        rows = messages.drop("b", "a").with_columns(messages[name].alias("level")).explode("level", empty_as_null=False)
        sides.append(rows.filter(pl.col("level").is_not_null()).with_columns(pl.lit(side, pl.Int8).alias("side")))
    empty = messages.filter((pl.col("b").list.len().fill_null(0) + pl.col("a").list.len().fill_null(0)) == 0)
    empty = empty.drop("b", "a").with_columns(
        pl.lit(["0", "0"], PAIRS.inner).alias("level"), pl.lit(0, pl.Int8).alias("side")
    )
    rows = pl.concat([*sides, empty]).sort("line", maintain_order=True)
    last = (pl.col("line") != pl.col("line").shift(-1)).fill_null(True).cast(pl.Int8).alias("last")
    price, size = (pl.col("level").list.get(k).cast(pl.Float64) for k in (0, 1))
    return rows.select(pl.exclude("level", "line"), price.alias("price"), size.alias("size"), last, "line")
