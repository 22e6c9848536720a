"""One clock of a stream: rows made into columns, checked by the rules of their schema, and fed to its features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib import rules
from quantlib.arrays import codes, columns_of, converted, instants, require, unknown
from quantlib.core import (
    FLOAT,
    INTEGERS,
    Columns,
    Feature,
    FeatureError,
    Memory,
    advance,
    inputs_of,
    nearest,
    run,
    rungs,
    start,
    typed,
)
from quantlib.fused import Call, fused
from quantlib.jit import Kernel
from quantlib.schema import SIDES, TableError, levels_of, moment, schema_of
from quantlib.table import fault


class Form(NamedTuple):
    """How a single row looked: its names, the types of its values, and where those go."""

    names: tuple[str, ...]
    kinds: tuple[type, ...]
    places: list[NDArray[Any]]
    columns: Columns


class Lane:
    """The features of one clock with their memory, and the last `ts` seen of each symbol and of all.

    A single row always travels in the same one-row columns, so its calls are put together once and then only made.
    """

    def __init__(self, clock: str, features: Sequence[Feature], symbols: Sequence[str]) -> None:
        self.schema = schema_of(clock)
        self.features = tuple(f._replace(params=typed(f.params)) for f in features)
        self.memory: Memory = start(self.features, symbols)
        self.seen = rules.unseen(len(symbols))
        self.inputs = inputs_of(self.features)
        self.outputs = tuple(name for f in self.features for name in f.outputs)
        self.compiled = all(isinstance(f.kernel, Kernel) for f in self.features)
        self.codes = {name: k for k, name in enumerate(symbols)}
        self.kinds: dict[str, Any] = {c.name: c.dtype for c in self.schema.columns}
        self.row: Columns = {}  # the one-row columns of single rows
        self.ladders = {n for f in self.features for n in f.inputs if rungs(n) != (n,)}
        self.blocks: Columns = {}  # of levels, whose rows are one-row columns: stem -> (levels, 1)
        self.answer: Columns = {}  # and those written for them, one beneath the other in `values`
        self.values = np.empty((len(self.outputs), 1))
        self.form = Form((), (), [], {})
        self.loops: Callable[[], None] | None = None  # all of them on the one-row columns

    def columns(self, rows: Any) -> Columns:
        """Rows as columns in the schema's dtypes, `symbol` coded; a dict with one `ts` is one row."""
        if self.schema.clock == "book" and not self.row:
            names = rows.columns if isinstance(rows, pl.DataFrame) else list(rows)
            self.schema = schema_of("book", max(1, levels_of(names)))
            self.kinds = {c.name: c.dtype for c in self.schema.columns}
        return self._single(rows) if is_single(rows) else self._many(rows)

    def checked(self, columns: Columns, single: bool) -> NDArray[np.int64]:
        """`seen` after these rows; nothing is changed yet.

        Raises:
            TableError: if a row breaks a rule or goes back in time.
        """
        seen = self.seen.copy()
        sides = tuple(self.blocks[stem] for stem in SIDES) if single and self.schema.levels else ()
        broken = rules.broken(self.schema, columns, seen, sides)
        if broken.row < 0:
            return seen
        error = fault(self.schema, broken, columns, self.memory.symbols)
        if broken.rule is not rules.ORDER[1]:
            raise error
        last = self.seen[-1] if broken.row == 0 else columns["ts"][broken.row - 1]
        row = str(error).split(" comes before")[0]
        raise TableError(
            f"{row} goes back in time; {self.schema.door} up to {moment(last)} are in, push in order of ts"
        )

    def require(self, names: Sequence[str], columns: Columns) -> None:
        """Refuse rows without one of the columns that features or holds read."""
        for name in names:
            if name not in columns:
                near = nearest(name, columns)
                raise FeatureError(
                    f"Stream: {self.schema.door} lack column {name!r}; they bring {sorted(columns)}.{near}"
                )

    def advanced(self, columns: Columns, single: bool) -> Columns:
        """Feed checked rows: the columns written.  One row's are used again by the next."""
        if not self.compiled:  # plain Python may raise half-way, so it works on a copy
            self.memory, written = run(self.features, self.memory, columns)
            return written
        if not single:
            return advance(self.features, self.memory, columns)
        if self.loops is None:
            self.loops = fused(self._bound(columns))
        self.loops()
        return self.answer

    def _bound(self, columns: Columns) -> list[Call]:
        """The calls of a single row: `core.advance` with its look-ups done once."""
        calls: list[Call] = []
        self.answer = dict(zip(self.outputs, self.values, strict=True))
        stacks = {n: self.blocks[rungs(n)[0].removesuffix("_0")][: len(rungs(n))] for n in self.ladders}
        known = columns | stacks | self.answer
        for feature, record in zip(self.features, self.memory.records, strict=True):
            places = (known[name] for name in (*feature.inputs, *feature.outputs))
            loop: Any = feature.kernel
            calls.append((loop, (feature.params, record, known["symbol"], *places)))
        return calls

    def slot(self, name: str) -> NDArray[Any]:
        """The one-row column of that name; those of levels lie one beneath the other."""
        if name not in self.row:
            stem, _, level = name.rpartition("_")
            height = self._height(stem)
            if level.isdigit() and int(level) < height:
                self.blocks[stem] = np.full((height, 1), np.nan)
                self.row |= {f"{stem}_{k}": rung for k, rung in enumerate(self.blocks[stem])}
            else:
                self.row[name] = np.empty(1, np.dtype(self.kinds.get(name, INTEGERS.get(name, FLOAT))))
        return self.row[name]

    def _height(self, stem: str) -> int:
        """How many levels of a stem are read together."""
        tall = [len(rungs(name)) for name in self.ladders if rungs(name)[0] == f"{stem}_0"]
        return max([self.schema.levels if stem in SIDES else 0, *tall])

    def _single(self, values: Mapping[str, Any]) -> Columns:
        """One row in the one-row columns; where it has the form of the row before it, all is known but the values."""
        alike = values and tuple(values) == self.form.names and tuple(map(type, values.values())) == self.form.kinds
        if alike and self._fits(values):
            return dict(self.form.columns)
        columns = {name: self._placed(name, value) for name, value in values.items() if not self._idle(name, value)}
        if "symbol" not in columns:
            columns["symbol"] = self._placed("symbol", None)
        if any(name not in columns for name in self.schema.required):
            require(self.schema, list(values))
        kinds = tuple(map(type, values.values()))
        aside = {name for name in values if name == "symbol" or name not in columns}
        if all(kind in (int, float) or name in aside for name, kind in zip(values, kinds, strict=True)):
            nowhere = np.empty(1, object)  # takes the symbol's name and what is idle
            places = [nowhere if name in aside else columns[name] for name in values]
            self.form = Form(tuple(values), kinds, places, dict(columns))
        return columns

    def _fits(self, values: Mapping[str, Any]) -> bool:
        """Put a row of the form of the row before it into its places; False if a value has no place there."""
        try:
            for place, value in zip(self.form.places, values.values(), strict=True):
                place[0] = value
        except OverflowError:
            return False
        self.row["symbol"][0] = self._code(values.get("symbol"))
        return True

    def _idle(self, name: str, value: Any) -> bool:
        """Whether it is no number and nobody reads it, such as a trade's id: it is left out, as it is of many rows."""
        known = name in self.kinds or name in self.inputs
        return not known and not isinstance(value, (int, float, np.number, type(None)))

    def _placed(self, name: str, value: Any) -> NDArray[Any]:
        """The one-row column of that name with the value in it."""
        column, who = self.slot(name), self.schema.door
        if name == "symbol":
            column[0] = self._code(value)
            return column
        try:
            if column.dtype == np.int64:
                whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
                column[0] = value if whole else _moment(who, name, value)
            else:
                if isinstance(value, (str, bytes)):
                    raise TypeError
                column[0] = np.nan if value is None else value
        except TableError:
            raise
        except (TypeError, ValueError, OverflowError):
            kind = "a moment within the years 1677 to 2262" if column.dtype == np.int64 else "a number"
            raise TableError(f"{who}: {name} must be {kind}, got {value!r}") from None
        return column

    def _many(self, rows: Any) -> Columns:
        given = columns_of(self.schema.door, rows)
        require(self.schema, list(given))
        columns = converted(self.schema, given)
        if "symbol" in given:
            _, columns["symbol"] = codes(self.schema.door, given["symbol"], self.memory.symbols)
        else:
            columns["symbol"] = np.full(len(columns["ts"]), self._code(None), np.int32)
        return columns

    def _code(self, symbol: Any) -> int:
        symbols = self.memory.symbols
        if isinstance(symbol, str):
            if symbol not in self.codes:
                raise TableError(f"{self.schema.door}: {unknown(symbol, symbols)}")
            return self.codes[symbol]
        if symbol is None and len(symbols) == 1:
            return 0
        if symbol is None:
            raise TableError(f"{self.schema.door}: column 'symbol' is missing; the stream has {len(symbols)} symbols")
        if not isinstance(symbol, (int, np.integer)) or isinstance(symbol, bool):
            raise TableError(f"{self.schema.door}: a symbol is a name or a whole number, got {symbol!r}")
        if not 0 <= symbol < len(symbols):
            raise TableError(f"{self.schema.door}: symbol code {symbol} is not in 0 to {len(symbols) - 1}")
        return int(symbol)


def is_single(rows: Any) -> bool:
    """Whether these are one row: a dict whose `ts` is one moment."""
    return isinstance(rows, Mapping) and (isinstance(ts := rows.get("ts"), str) or not hasattr(ts, "__len__"))


def _moment(who: str, name: str, value: Any) -> int:
    one = np.array([value], "datetime64[ns]") if isinstance(value, np.datetime64) else pl.Series(name, [value])
    return int(instants(who, name, one)[0])
