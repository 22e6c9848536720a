"""Who was in an index when: rows of members only, as one could have known at the time."""

from __future__ import annotations

import polars as pl

from quantlib.data.stamps import NEW_YORK
from quantlib.schema import TableError, synonym

FIRST = ("from", "start_date", "start", "date_added", "added")
LAST = ("to", "end_date", "end", "date_removed", "removed")


def within(rows: pl.DataFrame, intervals: pl.DataFrame, *, mark: str | None = None) -> pl.DataFrame:
    """The rows of symbols that were members at their time.

    A row is inside if from <= its day < to for an interval of its symbol, where its day is that of `ts_event` if there
    is one (a bar of the last day is known only when that day is over), else of `ts`, in New York.  The day of leaving
    is the first outside.  Symbols without an interval are never inside.

    Args:
        rows: with `symbol`, and `ts` or `ts_event` as Datetime or Date.
        intervals: `symbol` (or ticker), `from` (or start_date) and `to` (or end_date) as Date; a null `to` has not come
            yet. A symbol may have several.
        mark: a name to keep all rows and write 1.0 (inside) or 0.0 in a column of that name.

    Raises:
        TableError: if a column is missing or rows have the mark already.
    """
    names = [_found(intervals, ("symbol", *_synonyms(intervals))), _found(intervals, FIRST), _found(intervals, LAST)]
    members = intervals.select(pl.col(old).alias(new) for old, new in zip(names, ("symbol", "from", "to"), strict=True))
    stamp = next((n for n in ("ts_event", "ts") if n in rows.columns), None)
    if stamp is None or "symbol" not in rows.columns:
        raise TableError(f"within: rows need 'symbol' and 'ts', they bring {rows.columns}")
    if mark is not None and mark in rows.columns:
        raise TableError(f"within: rows have a column {mark!r} already; give another name with mark=")
    keyed = rows.select(pl.col("symbol").cast(pl.String), _day(rows, stamp).alias("day")).with_row_index("row")
    joined = keyed.join(members.with_columns(pl.col("symbol").cast(pl.String)), on="symbol")
    inside = joined.filter(
        (pl.col("from") <= pl.col("day")) & (pl.col("to").is_null() | (pl.col("day") < pl.col("to")))
    )
    member = pl.Series("member", keyed["row"].is_in(inside["row"].unique().implode()))
    return rows.filter(member) if mark is None else rows.with_columns(member.cast(pl.Float64).alias(mark))


def _day(rows: pl.DataFrame, stamp: str) -> pl.Expr:
    """The day in New York."""
    kind = rows.schema[stamp]
    if kind == pl.Date:
        return pl.col(stamp)
    there = pl.col(stamp).cast(pl.Datetime("ns", "UTC"))
    return there.dt.convert_time_zone(NEW_YORK).dt.date()


def _synonyms(intervals: pl.DataFrame) -> tuple[str, ...]:
    near = synonym("symbol", intervals.columns)
    return (near,) if near else ()


def _found(intervals: pl.DataFrame, names: tuple[str, ...]) -> str:
    found = next((n for n in names if n in intervals.columns), None)
    if found is None:
        raise TableError(f"within: intervals need a column {names[0]!r}; they bring {intervals.columns}")
    return found
