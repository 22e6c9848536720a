"""What a feature is, and the doors: `start` makes memory, `run` turns rows into columns and new memory.

A feature is a value that holds a resumable loop.  Composition is a flat tuple in dependency order, wired by column
names: a feature reads columns that the rows bring or that an earlier feature wrote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import Kernel, kernel

Columns = dict[str, NDArray[Any]]

CLOCKS = ("book", "quote", "trade", "chain", "bar")  # their rank: at one `ts` the earlier clock comes first
INTEGERS = {
    "ts": np.dtype(np.int64),
    "ts_event": np.dtype(np.int64),
    "expiry": np.dtype(np.int64),
    "symbol": np.dtype(np.int32),
}
FLOAT = np.dtype(np.float64)
TALLEST = 1000  # levels of a ladder


class Feature(NamedTuple):
    """A resumable loop over columns, with its parameters and what it remembers of one symbol.

    kernel    `(params, memory, symbol, *inputs, *outputs) -> None`, from `quantlib.jit.kernel`
    params    NamedTuple of numbers
    blank     0-d record array: what one symbol remembers before its first row
    inputs    columns read; `ts` is int64 nanoseconds, every other column float64; a `ladder` of columns comes as one
    outputs   columns written, float64
    warmup    rows of a symbol before the outputs are finite
    horizon   rows of the past that still matter
    clock     the rows it runs on: book, quote, trade, chain or bar
    scope     "symbol", or "cross" for a loop that sees whole timestamps
    recursive True if the past fades (to 1e-9 after `horizon` rows) instead of ending there bit for bit
    """

    kernel: Callable[..., None]
    params: Any
    blank: NDArray[Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    warmup: int
    horizon: int
    clock: str = "bar"
    scope: str = "symbol"
    recursive: bool = False


class Memory(NamedTuple):
    """What a tuple of features remembers: for each feature one record per symbol."""

    symbols: tuple[str, ...]
    records: tuple[NDArray[Any], ...]


class FeatureError(ValueError):
    """Features that do not fit each other, their rows or their memory."""


def start(features: Sequence[Feature], symbols: Sequence[str]) -> Memory:
    """Memory before the first row: one blank record per symbol for each feature.

    Raises:
        FeatureError: if two features write one column, the clocks differ, or symbols repeat.
    """
    check(features)
    if len(set(symbols)) != len(symbols) or not symbols:
        raise FeatureError(f"start: symbols must be distinct and at least one, got {list(symbols)}")
    return Memory(tuple(symbols), tuple(np.full(len(symbols), f.blank, f.blank.dtype) for f in features))


def run(features: Sequence[Feature], memory: Memory, columns: Mapping[str, NDArray[Any]]) -> tuple[Memory, Columns]:
    """Feed rows to features: new memory and the columns they wrote.  Nothing given is changed.

    Args:
        features: in dependency order.
        memory: from `start`, or from the run before this one.
        columns: name -> (rows,) array.  `symbol` holds int32 codes into `memory.symbols` and may be left out when
            there is one symbol; `ts` is int64; all others are float64.

    Raises:
        FeatureError: if a column is missing, has another dtype or length, or a symbol code is unknown.
    """
    after = Memory(memory.symbols, tuple(r.copy() for r in memory.records))
    return after, advance(features, after, columns)


def advance(features: Sequence[Feature], memory: Memory, columns: Mapping[str, NDArray[Any]]) -> Columns:
    """`run` for one who owns the memory: it is changed in place, which is what a stream of single rows can afford."""
    if len(features) != len(memory.records):
        raise FeatureError(f"run: memory is for {len(memory.records)} features, got {len(features)}")
    rows = _row_count(columns)
    symbol = _symbol_codes(columns, rows, len(memory.symbols))
    known: dict[str, NDArray[Any]] = {}
    written: Columns = {}
    for feature, record in zip(features, memory.records, strict=True):
        for name in feature.inputs:
            for one in rungs(name):
                if one not in known:
                    known[one] = _input(one, columns, rows, feature, features)
            if name not in known:
                known[name] = stacked([known[one] for one in rungs(name)])
        inputs = [known[name] for name in feature.inputs]
        outputs = [np.empty(rows) for _ in feature.outputs]
        _loop(feature.kernel)(typed(feature.params), record, symbol, *inputs, *outputs)
        for name, output in zip(feature.outputs, outputs, strict=True):
            known[name] = written[name] = output
    return written


def check(features: Sequence[Feature]) -> None:
    """Refuse features that cannot be wired: a column written twice, read before it is written, or mixed clocks."""
    writers: dict[str, Feature] = {}
    for feature in listed("run", features):
        for name in (*feature.inputs, *feature.outputs):
            if not isinstance(name, str) or not name or name == "symbol":
                raise FeatureError(
                    f"{title(feature)}: columns read and written have names, none of them 'symbol', got {name!r}"
                )
        for name in feature.outputs:
            if name in writers:
                raise FeatureError(
                    f"{title(feature)}: column {name!r} is already written by {title(writers[name])}; "
                    f"give one of them another name with out="
                )
            writers[name] = feature
    seen: set[str] = set()
    for feature in features:
        for name in inputs_of([feature]):
            if name in writers and name not in seen:
                raise FeatureError(
                    f"{title(feature)}: reads {name!r}, which {title(writers[name])} writes only later; "
                    f"put {title(writers[name])} before {title(feature)}"
                )
        seen.update(feature.outputs)
    clocks = {f.clock for f in features}
    if len(clocks) > 1:
        raise FeatureError(f"run: features of one call share a clock, got {sorted(clocks)}; run each clock on its rows")


def listed(who: str, features: Any) -> tuple[Feature, ...]:
    """One feature or several as a tuple.

    Raises:
        FeatureError: if something among them is no Feature.
    """
    several = isinstance(features, Iterable) and not isinstance(features, (Feature, str))
    found = tuple(features) if several else (features,)
    for one in found:
        if isinstance(one, str):
            raise FeatureError(
                f"{who}: {one!r} is no Feature; catalog.feature({one!r}) makes one if there is such a name"
            )
        if not isinstance(one, Feature):
            name = getattr(one, "__name__", repr(one))
            raise FeatureError(f"{who}: {name} is no Feature; a factory is called first: {name}()")
    return found


def title(feature: Feature) -> str:
    """How errors name a feature: its kernel and its outputs."""
    name = getattr(feature.kernel, "__name__", "feature").strip("_")
    return f"{name}({', '.join(feature.outputs)})"


def fingerprint(features: Sequence[Feature]) -> str:
    """Hex digest of definitions, parameters, columns and kernel code: equal means the same numbers come out."""
    sha = hashlib.sha256()
    for f in features:
        code = f.kernel.fingerprint if isinstance(f.kernel, Kernel) else repr(f.kernel)
        spelled = (code, tuple(typed(f.params)), f.blank.dtype.descr, f.inputs, f.outputs, f.clock, f.scope)
        sha.update(repr(spelled).encode() + f.blank.tobytes())
    return sha.hexdigest()


def inputs_of(features: Iterable[Feature]) -> tuple[str, ...]:
    """The columns that rows must bring, in the order of first use."""
    features = tuple(features)
    written = {name for f in features for name in f.outputs}
    read = (one for f in features for name in f.inputs for one in rungs(name))
    return tuple(dict.fromkeys(name for name in read if name not in written))


def ladder(stem: str, levels: int) -> str:
    """The name under which a kernel reads the best `levels` levels of a book as one (levels, rows) array.

    `ladder("bid_size", 3)` is "bid_size_0..2" and stands for the columns bid_size_0, bid_size_1 and bid_size_2: one
    compiled loop then serves any number of levels.

    Raises:
        ValueError: if levels is not 1 to 1000.
    """
    if not 1 <= levels <= TALLEST:
        raise ValueError(f"ladder: levels must be 1 to {TALLEST}, got {levels}")
    return f"{stem}_0..{levels - 1}"


@cache
def rungs(name: str) -> tuple[str, ...]:
    """The columns that an input stands for: itself, or those of a ladder."""
    stem, dots, last = name.partition("_0..")
    return tuple(f"{stem}_{k}" for k in range(int(last) + 1)) if dots and last.isdigit() and len(last) < 4 else (name,)


def typed(params: Any) -> Any:
    """Params with every number in its declared type, so that 1 and 1.0 compile once."""
    hints = getattr(type(params), "__annotations__", {})
    changes = {}
    for name, value in zip(getattr(params, "_fields", ()), params, strict=True):
        wanted = {"int": int, "float": float, int: int, float: float}.get(hints.get(name))
        if wanted is not None and type(value) is not wanted:
            changes[name] = wanted(value)
    return params._replace(**changes) if changes else params


def nearest(name: str, names: Iterable[str]) -> str:
    """' Did you mean …?' or nothing."""
    close = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def writable(array: NDArray[Any]) -> NDArray[Any]:
    """The same memory without the read-only mark (which is part of numba's type); kernels never write to inputs."""
    if array.flags.writeable:
        return array
    interface = {"data": (array.ctypes.data, False), "shape": array.shape, "typestr": array.dtype.str, "version": 3}
    return np.asarray(_Alias(interface, array))


def stacked(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Columns as the rows of one array; no copy if they already lie so (as the door of books lays them)."""
    block = columns[0].base
    if isinstance(block, np.ndarray) and block.ndim == 2 and block.flags.c_contiguous and block.flags.writeable:
        first, step = block.ctypes.data, block.strides[0]
        if block.shape[1:] == columns[0].shape and len(block) >= len(columns):
            places = [c.ctypes.data - first for c in columns if c.base is block]
            if places == [k * step for k in range(len(columns))]:
                return block[: len(columns)]
    return np.stack(columns)


class _Alias:
    def __init__(self, interface: dict[str, Any], owner: NDArray[Any]) -> None:
        self.__array_interface__ = interface
        self.owner = owner  # numpy keeps this object, and so the memory, alive


def _loop(loop: Callable[..., None]) -> Callable[..., None]:
    return loop.dispatcher if isinstance(loop, Kernel) else loop


def _row_count(columns: Mapping[str, NDArray[Any]]) -> int:
    sizes = {len(c) for c in columns.values()}
    if len(sizes) > 1:
        lengths = {n: len(c) for n, c in columns.items()}
        raise FeatureError(f"run: columns must have one length, got {lengths}")
    return sizes.pop() if sizes else 0


def _symbol_codes(columns: Mapping[str, NDArray[Any]], rows: int, symbols: int) -> NDArray[Any]:
    if "symbol" not in columns:
        if symbols != 1:
            raise FeatureError(
                f"run: column 'symbol' is missing; memory holds {symbols} symbols, so rows must say whose"
            )
        return np.zeros(rows, np.int32)
    codes = columns["symbol"]
    if codes.dtype != np.int32:
        raise FeatureError(f"run: column 'symbol' must hold int32 codes, got {codes.dtype}; quantlib.table makes them")
    codes = writable(np.ascontiguousarray(codes))
    if _some_unknown.dispatcher(codes, symbols):
        bad = int(np.argmax((codes < 0) | (codes >= symbols)))
        raise FeatureError(f"run: row {bad} has symbol code {codes[bad]}, memory holds codes 0 to {symbols - 1}")
    return codes


def _input(
    name: str, columns: Mapping[str, NDArray[Any]], rows: int, feature: Feature, features: Sequence[Feature]
) -> NDArray[Any]:
    if name not in columns:
        names = [*columns, *(n for f in features for n in f.outputs)]
        raise FeatureError(
            f"{title(feature)}: column {name!r} is missing; rows bring {sorted(columns)}.{nearest(name, names)}"
        )
    column, wanted = columns[name], INTEGERS.get(name, FLOAT)
    if column.dtype != wanted:
        raise FeatureError(f"{title(feature)}: column {name!r} must be {wanted}, got {column.dtype}")
    return writable(np.ascontiguousarray(column))


@kernel
def _some_unknown(codes, symbols):
    unknown = False
    for i in range(codes.size):
        unknown |= (codes[i] < 0) | (codes[i] >= symbols)
    return unknown
