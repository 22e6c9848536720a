"""The polars door of rebuilding: rows of diffs or of orders in, books out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib.arrays import codes, instants
from quantlib.rebuild import diffs, orders
from quantlib.rebuild.built import Built, RebuildError, ended

UNNAMED = "X"  # the symbol of rows that name none
WHOLE = {"int8": pl.Int8, "int32": pl.Int32, "int64": pl.Int64}
DEFAULTS = {"first_id": -1, "last_id": -1, "prev_id": -1, "snapshot": 0, "order": 0}


def books(
    rows: pl.DataFrame, *, levels: int = 10, capacity: int = 16_384, units: float = 1.0, empty: bool = True
) -> Built:
    """The books that rows of diffs or orders tell of, all at once.

    Args:
        rows: ts, side, price, size, last, and if there are ts_event and symbol; with a column `action` also order
            (`quantlib.rebuild.orders`, actions by name or number), else snapshot, first_id, last_id and prev_id as far
            as there are (`quantlib.rebuild.diffs`).
        levels, capacity: as for `start` of those modules.
        units, empty: as for `quantlib.rebuild.orders.start`; diffs need neither.

    These are all the rows there are, so a symbol's last message that has no end is told as `unfinished`.

    Raises:
        RebuildError: if a column is missing or rows cannot be.
    """
    symbols, columns = events(rows)
    if "action" in rows.columns:
        fresh = orders.start(symbols, levels=levels, units=units, capacity=capacity, empty=empty)
        return ended(orders.advance(fresh, columns), columns)
    return ended(diffs.advance(diffs.start(symbols, levels=levels, capacity=capacity), columns), columns)


def events(rows: pl.DataFrame, symbols: Sequence[str] | None = None) -> tuple[tuple[str, ...], dict[str, NDArray[Any]]]:
    """The symbols, and the columns that `diffs.build` or `orders.build` read; others are left out.

    Raises:
        RebuildError: if a column holds what its rebuild cannot read. NaN counts as null: ids, `snapshot` and `order`
            may be missing, `side`, `action` and `last` may not.
        TableError: if a stamp or a symbol is missing.
    """
    kinds = orders.COLUMNS if "action" in rows.columns else diffs.COLUMNS
    columns: dict[str, NDArray[Any]] = {}
    names = tuple(symbols or (UNNAMED,))
    for name, kind in kinds.items():
        if name not in rows.columns:
            if name in DEFAULTS:
                columns[name] = np.full(len(rows), DEFAULTS[name], kind)
            continue
        if name in ("ts", "ts_event"):
            columns[name] = instants("rebuild", name, rows[name])
        elif name == "symbol":
            names, columns[name] = codes("rebuild", rows[name], symbols)
        else:
            columns[name] = _numbers(name, rows[name], kind)
    return names, columns


def _numbers(name: str, column: pl.Series, kind: str) -> NDArray[Any]:
    if name == "action" and not column.dtype.is_integer():
        words = column.cast(pl.String).replace_strict(orders.ACTIONS, range(len(orders.ACTIONS)), default=None)
        if words.null_count():
            strange = words.is_null().arg_max() or 0
            raise RebuildError(
                f"rebuild: row {strange} has action {column[strange]!r}; there are {', '.join(orders.ACTIONS)}"
            )
        column = words
    if kind == "float64":
        return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if name == "order" and column.dtype == pl.UInt64:
        column = column.reinterpret(signed=True)  # ids are told apart, never counted
    if column.null_count() and name not in DEFAULTS:
        raise RebuildError(f"rebuild: row {column.is_null().arg_max()} has no {name}")
    return _whole(name, column.fill_null(DEFAULTS.get(name, 0)), kind)


def _whole(name: str, column: pl.Series, kind: str) -> NDArray[Any]:
    """Numbers in an integer dtype that holds each of them as it is."""
    whole = column.cast(WHOLE[kind], strict=False)
    same = (whole.cast(column.dtype, strict=False) == column).fill_null(value=False)
    if not same.all():
        row = (~same).arg_max() or 0
        low, high = np.iinfo(kind).min, np.iinfo(kind).max
        raise RebuildError(f"rebuild: row {row} has {name} {column[row]!r}; it is a whole number from {low} to {high}")
    return whole.to_numpy()
