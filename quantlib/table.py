"""Rows that were let in: the doors from polars, and the way back.

    table = quantlib.bars(frame)             # checked, in the dtypes that kernels want
    frame = quantlib.compute([ema(20)], frame)   # the frame with the features' columns beside its own

A door checks every row once, compiled, and refuses the first bad one with its reason.  Behind it nothing checks again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib import rules
from quantlib.arrays import codes, columns_of, converted, laddered, require
from quantlib.core import Columns, Feature, check, inputs_of, listed, run, start
from quantlib.schema import BAR, CHAIN, QUOTE, TRADE, Schema, TableError, book, levels_of, moment, schema_of

UNNAMED = "X"  # the symbol of rows that name none


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Checked rows of one clock.

    clock    bar, trade, quote, book or chain
    symbols  the names behind the codes of column `symbol`
    columns  name -> (rows,) array: `ts`, `ts_event`, `expiry` int64, `symbol` int32, all others float64
    crossed  quotes, books and chains: rows with bid above ask, which are facts of fast markets and let in
    """

    clock: str
    symbols: tuple[str, ...]
    columns: Columns
    crossed: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns["ts"])

    def frame(self) -> pl.DataFrame:
        """The rows in polars: instants as Datetime in UTC, symbols by name, a missing number as NaN."""
        names = pl.Series("symbol", self.symbols, pl.Enum(self.symbols))
        series = []
        for name, column in self.columns.items():
            if name == "symbol":
                series.append(names.gather(column))
            elif column.dtype == np.int64:
                series.append(pl.Series(name, column).cast(pl.Datetime("ns", "UTC")))
            else:
                series.append(pl.Series(name, column))
        return pl.DataFrame(series)

    def __repr__(self) -> str:
        return f"Table({self.clock}s, {self.rows} rows, {len(self.symbols)} symbols: {' '.join(self.columns)})"


def bars(frame: Any, symbol: str | None = None, *, symbols: Sequence[str] | None = None) -> Table:
    """Bars: ts, open, high, low, close, and if there are ts_event, symbol, volume.

    Args:
        frame: polars DataFrame or LazyFrame, or a dict of arrays, sorted by `ts`.  `ts` is the bar's end: Datetime
            (naive means UTC), Date (known at the day's end) or int64 nanoseconds UTC.  Further numeric columns travel
            along as float64.
        symbol: the name of rows that have no column `symbol`.
        symbols: all symbols there may be, in the order of their codes; by default those that appear, as they appear.

    Raises:
        TableError: if a column is missing or of another kind, or a row is unsorted, repeated or breaks the rule of a
            column (`quantlib.schema`).
    """
    return _table(BAR, columns_of("bars", frame), symbol, symbols)


def trades(frame: Any, symbol: str | None = None, *, symbols: Sequence[str] | None = None) -> Table:
    """Trades: ts, price, size, side (the aggressor: 1 a buyer, -1 a seller); otherwise as `bars`."""
    return _table(TRADE, columns_of("trades", frame), symbol, symbols)


def quotes(frame: Any, symbol: str | None = None, *, symbols: Sequence[str] | None = None) -> Table:
    """Quotes: ts, bid, ask, bid_size, ask_size; otherwise as `bars`.  Crossed ones are let in, and counted."""
    return _table(QUOTE, columns_of("quotes", frame), symbol, symbols)


def books(frame: Any, symbol: str | None = None, *, symbols: Sequence[str] | None = None) -> Table:
    """Books: ts and bid_k, bid_size_k, ask_k, ask_size_k for k = 0, 1, … from best to worst; otherwise as `quotes`."""
    given = columns_of("books", frame)
    return _table(book(max(1, levels_of(given))), given, symbol, symbols)


def chains(frame: Any, symbol: str | None = None, *, symbols: Sequence[str] | None = None) -> Table:
    """Option quotes: ts, symbol (the underlying), expiry, strike, right (1 call, -1 put), bid, ask; as `quotes`."""
    return _table(CHAIN, columns_of("chains", frame), symbol, symbols)


DOORS: dict[str, Callable[..., Table]] = {
    "bar": bars,
    "trade": trades,
    "quote": quotes,
    "book": books,
    "chain": chains,
}


def compute(features: Feature | Sequence[Feature], rows: Any) -> pl.DataFrame:
    """The rows with the columns that features write appended.

    Args:
        features: one, or several of one clock in dependency order.
        rows: a Table, or whatever the door of that clock takes; a polars frame keeps its own columns as they are.

    Raises:
        FeatureError: if features do not fit each other or the columns.
        TableError: if the rows break a rule, are of another clock, or already own a column that a feature writes.
    """
    features = listed("compute", features)
    if not features:
        raise TableError("compute: no features given")
    check(features)
    clock = features[0].clock
    table = rows if isinstance(rows, Table) else DOORS[clock](rows)
    if table.clock != clock:
        raise TableError(f"compute: the features run on {clock}s, the table holds {table.clock}s")
    for name in inputs_of(features):
        if name not in table.columns and name in getattr(rows, "columns", ()):
            raise TableError(f"{clock}s: column {name!r} holds {rows[name].dtype}, and features read numbers")
    reserved = schema_of(clock, max(1, levels_of(table.columns))).names
    for name in (n for f in features for n in f.outputs if n in reserved):
        raise TableError(f"compute: a feature writes {name!r}, which is a column of {clock}s; name it with out=")
    _, written = run(features, start(features, table.symbols), table.columns)
    frame = rows.collect() if isinstance(rows, pl.LazyFrame) else rows
    frame = frame if isinstance(frame, pl.DataFrame) else table.frame()
    return frame.with_columns([pl.Series(name, column) for name, column in written.items()])


def fault(schema: Schema, broken: rules.Broken, columns: Columns, symbols: Sequence[str]) -> TableError:
    """The error that a broken rule becomes."""
    row, rule = broken.row, broken.rule
    who = f"{schema.door}: row {row} ({symbols[columns['symbol'][row]]}, {moment(columns['ts'][row])})"
    what = f"has {rule.column} {_shown(columns[rule.column], row)}" if rule.column else rule.relation
    if rule.other:
        what += f" {rule.relation} {rule.other} {_shown(columns[rule.other], row)}"
    return TableError(f"{who} {what}; {rule.reason}")


def _table(
    schema: Schema, given: dict[str, pl.Series | NDArray[Any]], symbol: str | None, symbols: Sequence[str] | None
) -> Table:
    require(schema, list(given))
    columns = converted(schema, given)
    columns |= laddered(schema, columns)
    rows = len(columns["ts"])
    if "symbol" in given and symbol is not None:
        raise TableError(f"{schema.door}: rows have a column 'symbol', so symbol={symbol!r} has nothing to name")
    if "symbol" in given:
        names, columns["symbol"] = codes(schema.door, given["symbol"], symbols)
    elif symbols and len(symbols) > 1:
        raise TableError(f"{schema.door}: column 'symbol' is missing, and {len(symbols)} symbols are given")
    else:
        names = tuple(symbols or (symbol or UNNAMED,))
        columns["symbol"] = np.zeros(rows, np.int32)
    if not names:
        raise TableError(f"{schema.door}: there are no rows, so no symbols; say which there may be with symbols=")
    broken = rules.broken(schema, columns, rules.unseen(len(names)))
    if broken.row >= 0:
        raise fault(schema, broken, columns, names)
    ordered = {n: columns[n] for n in schema.names if n in columns} | columns
    return Table(schema.clock, names, ordered, broken.crossed)


def _shown(column: NDArray[Any], row: int) -> str:
    return moment(column[row]) if column.dtype == np.int64 else repr(float(column[row]))
