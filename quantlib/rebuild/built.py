"""What a rebuild hands back: books, and all that went otherwise than it should.

    what         of      means
    gap          diffs   a message does not join the one before: the book is unsynced until the next snapshot
    stale        diffs   a message or snapshot older than the book: ignored, as the venues' rules say
    early        diffs   a snapshot older than the first change at hand, so that changes between are unknown: ignored
    unsynced     both    a message ended while the book was unsynced: no book written
    crossed      both    a book was written whose best bid is not below its best ask
    unknown      orders  news of an order never seen, and no unnamed size at its price to take it from
    repeated     orders  an order was added that is there already: it is moved
    overdrawn    orders  more was taken from an order than it had: all of it was taken
    denied       orders  the venue says of a level less than its known orders have: they are forgotten, and it is right
    lost         orders  the venue says that messages were lost: the book is unsynced until it is cleared or seeded
    unfinished   both    rows end inside a message: no book written; `books` alone says so, since `build` and `advance`
                         keep what has come of it in memory, where it waits for the rows that finish it

Each message that has its end writes one book, or is told here (`gap`, `stale`, `early`, `unsynced`); no other is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib.core import Columns, FeatureError, writable
from quantlib.jit import kernel

INCIDENTS = (
    "", "gap", "stale", "early", "unsynced", "crossed", "unknown", "repeated", "overdrawn", "denied", "lost",
    "unfinished",
)  # fmt: skip
(
    NOTHING, GAP, STALE, EARLY, UNSYNCED, CROSSED, UNKNOWN, REPEATED, OVERDRAWN, DENIED, LOST, UNFINISHED,
) = range(len(INCIDENTS))  # fmt: skip
FULL = "full"


class RebuildError(FeatureError):
    """Rows from which no book can be rebuilt: which row, what is wrong, and the cure."""


class Built(NamedTuple):
    """Books and incidents of some rows.

    symbols  the names behind the codes
    books    name -> (books,) array: ts and ts_event int64, symbol int32 codes, row (of the events, the message's last)
             and id int64, then bid_0 … bid_size_0 … ask_0 … ask_size_0 … float64; NaN beyond the last level
    row      (incidents,) int64, rows of the events
    what     (incidents,) int8, places in INCIDENTS
    """

    symbols: tuple[str, ...]
    books: Columns
    row: NDArray[np.int64]
    what: NDArray[np.int8]

    def frame(self) -> pl.DataFrame:
        """The books as `quantlib.books` takes them."""
        names = pl.Series("symbol", self.symbols, pl.Enum(self.symbols))
        columns = [names.gather(c) if n == "symbol" else pl.Series(n, c) for n, c in self.books.items()]
        return pl.DataFrame(columns).with_columns(pl.col("ts", "ts_event").cast(pl.Datetime("ns", "UTC")))

    def incidents(self) -> pl.DataFrame:
        """row and what, in words."""
        words = pl.Series("what", INCIDENTS, pl.Enum(INCIDENTS))
        return pl.DataFrame([pl.Series("row", self.row), words.gather(self.what).rename("what")])


def written(
    symbols: tuple[str, ...],
    events: Mapping[str, NDArray[Any]],
    at: NDArray[np.int64],
    levels: NDArray[np.float64],
    ids: NDArray[np.int64],
    what: NDArray[np.int8],
) -> Built:
    """The kernels' outputs under their names; `at` holds the events' row of each book."""
    books: Columns = {name: events[name][at] for name in ("ts", "ts_event", "symbol")}
    books |= {"row": at, "id": ids}
    depth = len(levels) // 4
    for k in range(depth):
        for s, stem in enumerate(("bid", "bid_size", "ask", "ask_size")):
            books[f"{stem}_{k}"] = levels[s * depth + k, : len(at)]
    row = np.flatnonzero(what)
    return Built(symbols, books, row, what[row])


def ended(built: Built, events: Mapping[str, NDArray[Any]]) -> Built:
    """The same where no rows will follow: a symbol's last message that has no end is `unfinished`, at its last row."""
    rows = len(events["ts"])
    symbol = events.get("symbol", np.zeros(rows, np.int32))
    _, from_end = np.unique(symbol[::-1], return_index=True)
    final = rows - 1 - from_end
    open_rows = final[events["last"][final] == 0]
    row = np.concatenate([built.row, open_rows])
    what = np.concatenate([built.what, np.full(len(open_rows), UNFINISHED, np.int8)])
    order = np.argsort(row, kind="stable")
    return built._replace(row=row[order], what=what[order])


def checked(who: str, events: Mapping[str, Any], kinds: Mapping[str, str], symbols: int) -> dict[str, NDArray[Any]]:
    """The columns that a rebuild reads, in its dtypes.

    Raises:
        RebuildError: if one is missing, of another dtype or length, goes back in time or names an unknown symbol.
    """
    missing = [name for name in kinds if name not in events and name not in ("ts_event", "symbol")]
    if missing:
        raise RebuildError(f"{who}: column {missing[0]!r} is missing; events bring {sorted(events)}")
    rows = len(events["ts"])
    given = {"ts_event": events["ts"], **events}
    if symbols == 1 and "symbol" not in given:
        given["symbol"] = np.zeros(rows, np.int32)
    columns = {}
    for name, kind in kinds.items():
        column = given.get(name)
        if column is None or column.dtype != np.dtype(kind) or len(column) != rows:
            found = "none" if column is None else f"{column.dtype} x {len(column)}"
            raise RebuildError(f"{who}: column {name!r} must be {kind} x {rows}, got {found}")
        columns[name] = writable(np.ascontiguousarray(column))
    row = int(_unfit.dispatcher(columns["ts"], columns["symbol"], symbols))
    if row >= 0:
        raise RebuildError(
            f"{who}: row {row} comes before the row above it, or its symbol code is not in 0 to {symbols - 1}"
        )
    return columns


def names_of(who: str, symbols: Sequence[str], levels: int, capacity: int) -> tuple[str, ...]:
    """The symbols, if all that a start is given can be.

    Raises:
        RebuildError: if symbols repeat or there are none, or levels or capacity cannot be.
    """
    if not symbols or len(set(symbols)) != len(symbols):
        raise RebuildError(f"{who}: symbols must be distinct and at least one, got {list(symbols)}")
    if not 1 <= levels <= capacity:
        raise RebuildError(f"{who}: levels must be at least 1 and at most capacity, got {levels} of {capacity}")
    return tuple(symbols)


@kernel
def _unfit(ts, symbol, symbols):
    for i in range(ts.size):
        if symbol[i] < 0 or symbol[i] >= symbols or (i > 0 and ts[i] < ts[i - 1]):
            return i
    return -1
