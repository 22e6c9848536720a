"""N-level books from L2 diffs: messages that say the new size at a price, and snapshots that say all of them.

    memory = start(("BTCUSDT",), levels=10)
    memory, built = build(memory, events)        # one book for each message, once in sync

Rows of one message stand together, and `last` marks its last; so a tape may be cut anywhere, inside a message too.

Where messages have ids, all changes after id `before` up to `last_id` are in a message (before = prev_id, or
first_id - 1 where the venue names no previous one).  Then

- messages are joined if before <= the id of the book; else there is a gap, and nothing is known until a snapshot;
- a snapshot of id S replaces all that is known up to S and leaves what newer messages said, whatever came first;
  it is of use only if all changes after S are at hand or still to come;
- a message with last_id <= the id of the book changes nothing.

Nothing is buffered: while there is no snapshot, each level keeps the id of its last change (a removed level too), so
memory is bounded by the levels, however long the snapshot takes.  Without ids (-1) rows are taken as they come, and
a snapshot is all rows marked so until one that is not.

Source: Binance, Spot API, Web Socket Streams, "How to manage a local order book correctly"; USD-M Futures, the page
of the same name (pu); Tardis.dev, CSV data types, incremental_book_L2 (is_snapshot).
Differs: Binance buffers messages and drops those with u <= lastUpdateId; the levels' ids do the same in less room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block, kernel
from quantlib.rebuild.built import (
    CROSSED,
    EARLY,
    GAP,
    NOTHING,
    STALE,
    UNSYNCED,
    Built,
    RebuildError,
    checked,
    names_of,
    written,
)
from quantlib.rebuild.ladder import insert, is_crossed, keep, place, remove, side_row, write
from quantlib.schema import moment

NONE = -1  # the id of messages that have none
COLUMNS = {
    "ts": "int64", "ts_event": "int64", "symbol": "int32", "first_id": "int64", "last_id": "int64",
    "prev_id": "int64", "snapshot": "int8", "side": "int8", "price": "float64", "size": "float64", "last": "int8",
}  # fmt: skip
HEAD = np.dtype(
    [
        ("id", "i8"),  # up to which all changes are in the book
        ("since", "i8"),  # after which all changes are at hand
        ("snapshot", "i8"),  # the id of the snapshot whose rows are coming
        ("synced", "u1"),
        ("inside", "u1"),  # a message has begun and not ended
        ("taking", "u1"),  # its rows are of use
        ("filling", "u1"),  # the last row was of a snapshot
    ]
)


class Diffs(NamedTuple):
    """Memory: what one symbol's head and its two sides hold.

    symbols, levels   as given to `start`
    head              (symbols,) record
    key, size, mark   (2 symbols, capacity): see `quantlib.rebuild.ladder`; mark is the id of the level's last change
    depth             (2 symbols,) int64
    """

    symbols: tuple[str, ...]
    levels: int
    head: NDArray[Any]
    key: NDArray[np.float64]
    size: NDArray[np.float64]
    mark: NDArray[np.int64]
    depth: NDArray[np.int64]


def start(symbols: Sequence[str], *, levels: int = 10, capacity: int = 16_384) -> Diffs:
    """Memory before the first row.

    Args:
        symbols: in the order of their codes.
        levels: of the books that are written.
        capacity: of levels a side; 24 bytes each. One more than that is an error, never a loss.

    Raises:
        RebuildError: if symbols repeat or there are none, or levels or capacity cannot be.
    """
    names = names_of("diffs", symbols, levels, capacity)
    head = np.zeros(len(names), HEAD)
    head["id"] = head["since"] = NONE
    sides = 2 * len(names), capacity
    return Diffs(
        names, levels, head, np.zeros(sides), np.zeros(sides), np.zeros(sides, np.int64), np.zeros(sides[0], np.int64)
    )


def build(memory: Diffs, events: Mapping[str, NDArray[Any]]) -> tuple[Diffs, Built]:
    """Books of some rows, and the memory after them.  Nothing given is changed.

    Args:
        memory: from `start`, or from the build before this one.
        events: name -> (rows,) array, as in COLUMNS: `ts` ascending, `side` 1 for bids and -1 for asks (0: the
            message names no level), `size` the new size at `price` (0 removes it), ids -1 where there are none,
            `snapshot` and `last` 0 or 1.

    Raises:
        RebuildError: if a column is missing or a row cannot be, or a side has more levels than memory has room for.
    """
    after = memory._replace(**{name: getattr(memory, name).copy() for name in Diffs._fields[2:]})
    return after, advance(after, events)


def advance(memory: Diffs, events: Mapping[str, NDArray[Any]]) -> Built:
    """`build` for one who owns the memory: it is changed in place, and spent if an error is raised."""
    e = checked("diffs", events, COLUMNS, len(memory.symbols))
    rows = len(e["ts"])
    bad = int(_impossible.dispatcher(e["side"], e["price"], e["size"]))
    if bad >= 0:
        values = ", ".join(f"{name} {e[name][bad]}" for name in ("side", "price", "size"))
        raise RebuildError(
            f"diffs: row {bad} has {values}; sides are 1, -1 or 0, prices finite, sizes finite and not negative"
        )
    messages = int(np.count_nonzero(e["last"]))
    at, ids = np.empty(messages, np.int64), np.empty(messages, np.int64)
    out, what = np.empty((4 * memory.levels, messages)), np.zeros(rows, np.int8)
    table = memory.key, memory.size, memory.mark, memory.depth
    news = e["snapshot"], e["side"], e["price"], e["size"], e["last"]
    books, full = _build.dispatcher(
        memory.levels,
        memory.head,
        *table,
        e["symbol"],
        e["first_id"],
        e["last_id"],
        e["prev_id"],
        *news,
        at,
        ids,
        out,
        what,
    )
    if full >= 0:
        who = f"{memory.symbols[e['symbol'][full]]}, {moment(e['ts'][full])}"
        raise RebuildError(
            f"diffs: row {full} ({who}) needs more than {memory.key.shape[1]} levels on a side; "
            f"start with a larger capacity"
        )
    return written(memory.symbols, e, at[:books], out, ids[:books], what)


@block
def _snapshot_opens(h, key, size, mark, depth, code, last_id):
    """Whether a snapshot is of use; if so, what it replaces is gone."""
    h.filling, h.snapshot, h.taking = 1, last_id, 0
    if last_id >= 0 and h.id >= 0:
        if h.synced and last_id <= h.id:
            return STALE
        if last_id < h.since:
            return EARLY
    for s in range(2):
        if last_id < 0:
            depth[2 * code + s] = 0
        else:
            keep(key, size, mark, depth, 2 * code + s, last_id, True)
    h.synced, h.taking = 0, 1
    return NOTHING


@block
def _message_opens(h, depth, code, first_id, last_id, prev_id):
    """Whether a message is of use: joined to what is known, or the first of a new run."""
    h.filling, h.taking = 0, 1
    if last_id < 0:
        h.taking = h.synced
        return NOTHING
    before = prev_id if prev_id >= 0 else first_id - 1
    if h.id >= 0 and last_id <= h.id:
        h.taking = 0
        return STALE
    if h.id < 0 or before > h.id:
        what = NOTHING if h.id < 0 else GAP
        h.synced, h.since = 0, before
        depth[2 * code] = depth[2 * code + 1] = 0
        return what
    return NOTHING


@block
def _closes(h, key, size, mark, depth, code, snapshot, last_id):
    """A message is complete: the id of the book, and of a snapshot that it is in sync."""
    h.inside = 0
    if h.taking and snapshot:
        h.synced = 1
        for s in range(2):
            keep(key, size, mark, depth, 2 * code + s, NONE - 1, False)
    if h.taking:
        h.id = max(h.id, last_id)


@kernel
def _take(key, size, mark, depth, row, wanted, new, last_id, empty, filling):
    """One level's new size; False if there is no room for it."""
    k = place(key, row, depth[row], wanted)
    there = k < depth[row] and key[row, k] == wanted
    if there and filling and mark[row, k] > last_id:
        return True  # a newer message has said otherwise
    if there and (new > 0.0 or empty):
        size[row, k], mark[row, k] = new, last_id
    elif there:
        remove(key, size, mark, depth, row, k)
    elif new > 0.0 or empty:
        if depth[row] == key.shape[1]:
            return False
        insert(key, size, mark, depth, row, k, wanted, new, last_id)
    return True


@kernel
def _build(
    levels,
    head,
    key,
    size,
    mark,
    depth,
    symbol,
    first_id,
    last_id,
    prev_id,
    snapshot,
    side,
    price,
    new,
    last,
    at,
    ids,
    out,
    what,
):
    n = 0
    for i in range(symbol.size):
        code = symbol[i]
        h = head[code]
        if not h.inside:
            h.inside = 1
            if not snapshot[i]:
                what[i] = _message_opens(h, depth, code, first_id[i], last_id[i], prev_id[i])
            elif not h.filling or last_id[i] != h.snapshot:
                what[i] = _snapshot_opens(h, key, size, mark, depth, code, last_id[i])
        if h.taking and side[i] != 0:
            wanted = price[i] if side[i] > 0 else -price[i]
            empty = not h.synced and last_id[i] >= 0
            if not _take(
                key, size, mark, depth, side_row(code, side[i]), wanted, new[i], last_id[i], empty, snapshot[i]
            ):
                return n, i
        if last[i]:
            taken = h.taking
            _closes(h, key, size, mark, depth, code, snapshot[i], last_id[i])
            if h.synced and taken:
                at[n], ids[n] = i, h.id
                write(key, size, depth, code, levels, 1.0, out, n)
                n += 1
                if is_crossed(key, depth, code):
                    what[i] = CROSSED
            elif not h.synced and what[i] == NOTHING:
                what[i] = UNSYNCED
    return n, -1


@kernel
def _impossible(side, price, size):
    for i in range(side.size):
        level = (side[i] == 1 or side[i] == -1) and abs(price[i]) < np.inf and 0.0 <= size[i] < np.inf
        if side[i] != 0 and not level:
            return i
    return -1
