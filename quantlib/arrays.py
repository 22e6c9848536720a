"""Columns as kernels want them, from polars series or numpy arrays: no copy where they already fit.

Each function takes `who`, how errors name the door.  What cannot be meant is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib.core import Columns, nearest, writable
from quantlib.schema import SIDES, Schema, TableError, synonym

DAY = 86_400_000_000_000  # nanoseconds
TICKS = {"ms": 10**6, "us": 10**3, "ns": 1}  # nanoseconds in what a Datetime counts
FINER = ("ps", "fs", "as")  # numpy's units below a nanosecond
LAST = 2**63 - 1  # the last instant that 64 bits can tell


def columns_of(who: str, frame: Any) -> dict[str, pl.Series | NDArray[Any]]:
    """The columns of a DataFrame, LazyFrame or mapping by name.

    Raises:
        TableError: if it is something else.
    """
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, pl.DataFrame):
        return {name: frame.get_column(name) for name in frame.columns}
    if isinstance(frame, Mapping):
        return {n: c if isinstance(c, (pl.Series, np.ndarray)) else pl.Series(n, c) for n, c in frame.items()}
    cure = "; polars.from_pandas(frame) makes one" if type(frame).__module__.startswith("pandas") else ""
    raise TableError(f"{who}: rows come as a polars DataFrame or as a dict of arrays, got {type(frame).__name__}{cure}")


def require(schema: Schema, names: Sequence[str]) -> None:
    """Refuse rows without a column that their clock asks for, and say which one was probably meant."""
    missing = [n for n in schema.required if n not in names]
    if not missing:
        return
    name = missing[0]
    near = synonym(name, [n for n in names if n not in schema.names])
    cure = f" Did you mean {near!r}? frame.rename({{{near!r}: {name!r}}})" if near else nearest(name, names)
    rest = f" (and {', '.join(map(repr, missing[1:]))})" if missing[1:] else ""
    raise TableError(f"{schema.door}: column {name!r} is missing{rest}; the rows bring {list(names)}.{cure}")


def converted(schema: Schema, given: Mapping[str, pl.Series | NDArray[Any]]) -> Columns:
    """All columns but `symbol` in the schema's dtypes; further numeric ones as float64, other further ones left out.

    Raises:
        TableError: if a column of the schema holds something else, or lengths differ.
    """
    columns: Columns = {}
    kinds = {c.name: c.dtype for c in schema.columns}
    for name, column in given.items():
        if name == "symbol":
            continue
        if kinds.get(name) == "int64":
            columns[name] = instants(schema.door, name, column)
        elif name in kinds or _numeric(column):
            columns[name] = numbers(schema.door, name, column)
    lengths = {name: len(column) for name, column in given.items()}
    if len(set(lengths.values())) > 1:
        raise TableError(f"{schema.door}: columns must have one length, got {lengths}")
    return columns


def laddered(schema: Schema, columns: Columns) -> Columns:
    """The levels of a book, those of a kind one beneath the other in one array, so that ladders need no copy."""
    laid: Columns = {}
    for stem in SIDES if schema.levels else ():
        names = [f"{stem}_{k}" for k in range(schema.levels)]
        laid |= zip(names, np.stack([columns[name] for name in names]), strict=True)
    return laid


def instants(who: str, name: str, column: pl.Series | NDArray[Any]) -> NDArray[np.int64]:
    """Nanoseconds UTC of a Datetime (naive means UTC), a Date or an integer column.

    A Date is known when it is over: it becomes the day's last nanosecond (its first one for `ts_event`), so that a
    daily bar is never known during its own day.

    Raises:
        TableError: if a value is missing, is outside 1677-09-21 to 2262-04-11, or the column holds something else.
    """
    if isinstance(column, np.ndarray):
        if column.dtype == np.int64:
            return writable(np.ascontiguousarray(column))
        if column.dtype.kind == "M" and column.dtype != np.dtype("datetime64[D]"):
            column = _in_nanoseconds(who, name, column)
        column = pl.Series(name, column)
    if column.null_count():
        row = column.is_null().arg_max()
        raise TableError(f"{who}: row {row} has no {name}; drop such rows: frame.drop_nulls({name!r})")
    if column.dtype == pl.Date:
        column = _counted(who, name, column.cast(pl.Int64), "D", DAY, 0 if name == "ts_event" else DAY - 1)
    elif isinstance(column.dtype, pl.Datetime):
        unit = column.dtype.time_unit
        column = _counted(who, name, column.to_physical(), unit, TICKS[unit])
    elif column.dtype == pl.String:
        raise TableError(
            f"{who}: column {name!r} holds text such as {column[0]!r}; "
            f"parse it first: frame.with_columns(polars.col({name!r}).str.to_datetime())"
        )
    elif not column.dtype.is_integer():
        raise TableError(f"{who}: column {name!r} must be Datetime, Date or int64 nanoseconds UTC, got {column.dtype}")
    whole = column.cast(pl.Int64, strict=False)
    if whole.null_count():
        raise _outside(who, name, row := whole.is_null().arg_max() or 0, column[row])
    return writable(np.ascontiguousarray(whole.to_numpy()))


def _in_nanoseconds(who: str, name: str, column: NDArray[Any]) -> NDArray[Any]:
    """numpy's datetimes of any unit in nanoseconds, which numpy itself lets run over."""
    made = column.astype("datetime64[ns]")
    if np.datetime_data(column.dtype)[0] not in FINER:
        over = (made.astype(column.dtype) != column) & ~np.isnat(column)
        if over.any():
            raise _outside(who, name, row := int(over.argmax()), column[row])
    return made


def _counted(who: str, name: str, count: pl.Series, unit: str, tick: int, last: int = 0) -> pl.Series:
    """count * tick + last: nanoseconds from a count of some unit."""
    if tick == 1:
        return count
    over = (count < -(2**63 // tick)) | (count > (LAST - last) // tick)
    if over.any():
        raise _outside(who, name, row := over.arg_max() or 0, np.array(count[row], f"datetime64[{unit}]"))
    return count * tick + last


def _outside(who: str, name: str, row: int, value: object) -> TableError:
    return TableError(
        f"{who}: row {row} has {name} {value}, outside 1677-09-21 to 2262-04-11, which int64 nanoseconds can tell"
    )


def numbers(who: str, name: str, column: pl.Series | NDArray[Any]) -> NDArray[np.float64]:
    """A numeric column as float64, null as NaN.

    Raises:
        TableError: if the column holds no numbers.
    """
    if not _numeric(column):
        sample = next((repr(v) for v in column[:1000] if v is not None), "nothing")
        raise TableError(
            f"{who}: column {name!r} must hold numbers, got {column.dtype} such as {sample}; "
            f"frame.with_columns(polars.col({name!r}).cast(polars.Float64))"
        )
    if isinstance(column, pl.Series):
        column = (column if column.dtype == pl.Float64 else column.cast(pl.Float64)).to_numpy()
    return writable(np.ascontiguousarray(column, np.float64))


def codes(
    who: str, column: pl.Series | NDArray[Any], symbols: Sequence[str] | None
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Symbols in order of first appearance (or as given), and each row's int32 code into them.

    Raises:
        TableError: if a symbol is missing, not among those given, or a code without symbols to name it.
    """
    column = column if isinstance(column, pl.Series) else pl.Series("symbol", column)
    if column.null_count():
        raise TableError(f"{who}: row {column.is_null().arg_max()} has no symbol")
    if column.dtype.is_integer():
        return _coded(who, column, symbols)
    if column.dtype != pl.String and column.dtype not in (pl.Categorical, pl.Enum):
        raise TableError(f"{who}: column 'symbol' must hold text, got {column.dtype}")
    present = column.unique(maintain_order=True)
    here = present.cast(pl.String).to_list()
    names = tuple(symbols) if symbols else tuple(here)
    place = {name: code for code, name in enumerate(names)}
    strange = next((name for name in here if name not in place), None)
    if strange is not None:
        row = (column.cast(pl.String) == strange).arg_max()
        raise TableError(f"{who}: row {row} has {unknown(strange, names)}")
    if column.dtype == pl.String:
        return names, writable(column.cast(pl.Enum(names)).to_physical().cast(pl.Int32).to_numpy())
    physical = present.to_physical().to_numpy()
    coded = np.zeros(int(physical.max(initial=0)) + 1, np.int32)
    coded[physical] = [place[name] for name in here]
    return names, coded[column.to_physical().to_numpy()]


def unknown(symbol: str, symbols: Sequence[str]) -> str:
    """How errors speak of a symbol that is not among those known."""
    shown = ", ".join(symbols[:8]) + (f", … ({len(symbols)} in all)" if len(symbols) > 8 else "")
    return f"unknown symbol {symbol!r}; known are {shown}.{nearest(symbol, symbols)}"


def _coded(who: str, column: pl.Series, symbols: Sequence[str] | None) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    if not symbols:
        raise TableError(f"{who}: column 'symbol' holds integer codes; say what they stand for with symbols=")
    outside = (column < 0) | (column >= len(symbols))
    if outside.any():
        row = outside.arg_max() or 0
        raise TableError(f"{who}: row {row} has symbol code {column[row]}; there are codes 0 to {len(symbols) - 1}")
    return tuple(symbols), writable(column.cast(pl.Int32).to_numpy())


def _numeric(column: pl.Series | NDArray[Any]) -> bool:
    if isinstance(column, pl.Series):
        return column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)
    return column.dtype.kind in "fiub"
