"""The as-of join across clocks: at each decision the last value known of another clock, per symbol.  Resumable too.

A source row is known to a left row if its `ts` is smaller, or equal while its clock ranks before the left's in
`core.CLOCKS`.  So a quote, trade, book or chain of the very nanosecond a bar ends is known to that bar, and a bar is
known only to later quotes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib.core import CLOCKS, Columns, FeatureError, nearest, writable
from quantlib.jit import kernel
from quantlib.rules import NEVER
from quantlib.schema import moment, schema_of
from quantlib.table import DOORS, Table


class Held(NamedTuple):
    """What a hold remembers.

    symbols  the names behind the codes
    names    the columns held
    last     (names, symbols) float64: the last value that was not NaN
    border   (2,) int64: `ts` and phase of the last row seen; within one `ts` what is known to the other side has
             phase 0 and comes first
    """

    symbols: tuple[str, ...]
    names: tuple[str, ...]
    last: NDArray[np.float64]
    border: NDArray[np.int64]


def hold_start(symbols: Sequence[str], names: Sequence[str]) -> Held:
    """Memory before the first row of either clock: nothing is known.

    Raises:
        FeatureError: if symbols or names repeat or there are none.
    """
    for what, values in (("symbols", symbols), ("names", names)):
        if not values or len(set(values)) != len(values):
            raise FeatureError(f"hold: {what} must be distinct and at least one, got {list(values)}")
    return Held(tuple(symbols), tuple(names), np.full((len(names), len(symbols)), np.nan), np.array([NEVER, 0]))


def hold(
    memory: Held,
    left: Mapping[str, NDArray[Any]],
    source: Mapping[str, NDArray[Any]],
    *,
    left_clock: str = "bar",
    source_clock: str = "quote",
) -> tuple[Held, Columns]:
    """The last known source values at each left row, and the memory after both.  Nothing given is changed.

        out[name][i] = the last source[name][j] of the symbol of left row i, not NaN, with source row j known to i

    Rows come in pieces of the merged tape: all left and all source rows up to some border in (ts, rank), then the rest.
    Where the tape is cut changes no bit.

    Args:
        memory: from `hold_start`, or from the hold before this one.
        left: `ts` int64 ascending, and `symbol` int32 codes unless there is one symbol.
        source: the same, and the columns `memory.names`, float64, NaN where there is no news.
        left_clock: the clock of the left rows.
        source_clock: the clock of the source rows.

    Returns:
        memory, and name -> (left rows,) float64, NaN until the first value is known.

    Raises:
        FeatureError: if a column is missing or of another dtype, rows go back in time, or a clock is unknown.
    """
    after = memory._replace(last=memory.last.copy(), border=memory.border.copy())
    return after, advance_hold(after, left, source, left_clock=left_clock, source_clock=source_clock)


def advance_hold(
    memory: Held,
    left: Mapping[str, NDArray[Any]],
    source: Mapping[str, NDArray[Any]],
    *,
    left_clock: str = "bar",
    source_clock: str = "quote",
) -> Columns:
    """`hold` for one who owns the memory: it is changed in place (and untouched if the rows are refused)."""
    first = known_first(left_clock, source_clock)
    symbols = len(memory.symbols)
    left_ts, left_symbol = _rows(f"hold: {left_clock}s", left, symbols)
    source_ts, source_symbol = _rows(f"hold: {source_clock}s", source, symbols)
    values = [_value(name, source, source_clock, len(source_ts)) for name in memory.names]
    border = border_after(memory.border, (left_clock, left_ts, int(first)), (source_clock, source_ts, int(not first)))
    held = {}
    for name, value, last in zip(memory.names, values, memory.last, strict=True):
        held[name] = np.empty(len(left_ts))
        _hold.dispatcher(left_ts, left_symbol, source_ts, source_symbol, value, first, last, held[name])
    memory.border[:] = border
    return held


def last_known(memory: Held, symbol: NDArray[np.int32]) -> Columns:
    """What is held for rows of these symbols when no source row comes between them."""
    return dict(zip(memory.names, memory.last[:, symbol], strict=True))


def known_first(left: str, source: str) -> bool:
    """Whether a source row is known to a left row of the same ts, which is then its phase 0 and theirs 1."""
    for clock in (left, source):
        schema_of(clock)
    return CLOCKS.index(source) < CLOCKS.index(left)


def border_after(border: NDArray[np.int64], *sides: tuple[str, NDArray[Any], int]) -> tuple[int, int]:
    """The border after the rows of the sides, each (clock, ts, phase).

    Raises:
        FeatureError: if rows come before the border that was.
    """
    seen = latest = int(border[0]), int(border[1])
    for clock, ts, phase in sides:
        if not len(ts):
            continue
        if (int(ts[0]), phase) < seen:
            raise FeatureError(
                f"hold: {clock} of {moment(ts[0])} comes after rows up to {moment(seen[0])} were joined; "
                f"feed all clocks in order of ts, and at one ts in the order {', '.join(CLOCKS)}"
            )
        latest = max(latest, (int(ts[-1]), phase))
    return latest


def held(
    rows: pl.DataFrame | Table,
    source: pl.DataFrame | Table,
    names: Sequence[str],
    *,
    clocks: tuple[str, str] = ("bar", "quote"),
) -> pl.DataFrame:
    """The rows with the last known values of another clock beside them.

    Args:
        rows: what decides: a Table, or a frame of the first of `clocks`.
        source: what is looked up: a Table, or a frame of the second of `clocks`, with the columns `names`.
        names: the columns to hold; `spread` and the like come from `compute` on the source.
        clocks: of rows and source where these are frames.

    Raises:
        TableError: if either side breaks a rule of its schema.
        FeatureError: if a column is missing, or the rows already have one of that name.
    """
    left = rows if isinstance(rows, Table) else DOORS[clocks[0]](rows)
    right = source if isinstance(source, Table) else DOORS[clocks[1]](source)
    for name in names:
        if name in left.columns:
            raise FeatureError(f"held: the {left.clock}s already have a column {name!r}; rename the source's first")
    symbols = tuple(dict.fromkeys([*left.symbols, *right.symbols]))
    _, columns = hold(
        hold_start(symbols, names),
        _coded(left, symbols),
        _coded(right, symbols),
        left_clock=left.clock,
        source_clock=right.clock,
    )
    frame = rows if isinstance(rows, pl.DataFrame) else left.frame()
    return frame.with_columns([pl.Series(name, column) for name, column in columns.items()])


def _coded(table: Table, symbols: tuple[str, ...]) -> Columns:
    code = {s: k for k, s in enumerate(symbols)}
    place = np.array([code[s] for s in table.symbols], np.int32)
    return table.columns | {"symbol": place[table.columns["symbol"]]}


def _rows(who: str, columns: Mapping[str, NDArray[Any]], symbols: int) -> tuple[NDArray[Any], NDArray[Any]]:
    if "ts" not in columns:
        raise FeatureError(f"{who} lack column 'ts'; they bring {sorted(columns)}")
    ts = columns["ts"]
    if "symbol" not in columns and symbols > 1:
        raise FeatureError(f"{who} lack column 'symbol', and memory holds {symbols} symbols")
    symbol = columns["symbol"] if "symbol" in columns else np.zeros(len(ts), np.int32)
    if ts.dtype != np.int64 or symbol.dtype != np.int32 or len(ts) != len(symbol):
        raise FeatureError(
            f"{who} need 'ts' int64 and 'symbol' int32 of one length, "
            f"got {ts.dtype} x {len(ts)} and {symbol.dtype} x {len(symbol)}; quantlib.table makes them"
        )
    ts, symbol = writable(np.ascontiguousarray(ts)), writable(np.ascontiguousarray(symbol))
    row = _unfit.dispatcher(ts, symbol, symbols)
    if row >= 0:
        raise FeatureError(
            f"{who}: row {row} ({moment(ts[row])}, symbol code {symbol[row]}) comes before the row above it, "
            f"or its code is not in 0 to {symbols - 1}; sort by ts first"
        )
    return ts, symbol


def _value(name: str, source: Mapping[str, NDArray[Any]], clock: str, rows: int) -> NDArray[Any]:
    if name not in source:
        raise FeatureError(f"hold: {clock}s lack column {name!r}; they bring {sorted(source)}.{nearest(name, source)}")
    value = source[name]
    if value.dtype != np.float64 or len(value) != rows:
        raise FeatureError(f"hold: column {name!r} must be float64 x {rows}, got {value.dtype} x {len(value)}")
    return writable(np.ascontiguousarray(value))


@kernel
def _hold(left_ts, left_symbol, source_ts, source_symbol, value, first, last, out):
    j = 0
    for i in range(left_ts.size):
        now = left_ts[i]
        while j < source_ts.size and (source_ts[j] < now or (first and source_ts[j] == now)):
            if value[j] == value[j]:
                last[source_symbol[j]] = value[j]
            j += 1
        out[i] = last[left_symbol[i]]
    for k in range(j, source_ts.size):
        if value[k] == value[k]:
            last[source_symbol[k]] = value[k]


@kernel
def _unfit(ts, symbol, symbols):
    for i in range(ts.size):
        if symbol[i] < 0 or symbol[i] >= symbols or (i > 0 and ts[i] < ts[i - 1]):
            return i
    return -1
