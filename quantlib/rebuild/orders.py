"""N-level books from L3 orders: each order added, changed and taken away by its id.

    memory = start(("AAPL",), levels=10)
    memory, built = build(memory, events)        # one book for each message

    action   does
    ADD      a new order of `size` at `price`
    SET      the order has now this price and size (venues that give no price with it repeat the order's)
    REDUCE   the order has `size` less, and is gone if that is all
    REMOVE   the order is gone
    LEVEL    the size of all orders at `price` is `size`: what no known order explains is kept as unnamed size. A
             message of them goes from the best price to the worst on each side and leaves nothing else in between
    CLEAR    the book is empty
    LOST     messages were lost: the book is unsynced
    NOTHING  a trade, a hidden execution, a halt: no order changes

A recording seldom begins with an empty book.  LEVEL rows seed it from a book that the venue sent, and news of orders
never seen are taken from the unnamed size at their price.  Sizes are counted in whole units, so a level is gone when
its last order is, and its size is the same whatever came and went.

Source: Databento, MBO schema (actions A, M, C, R, T, F); LOBSTER, output structure (types 1 to 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import kernel
from quantlib.rebuild.built import (
    CROSSED,
    LOST,
    NOTHING,
    REPEATED,
    UNKNOWN,
    UNSYNCED,
    Built,
    RebuildError,
    checked,
    names_of,
    written,
)
from quantlib.rebuild.ladder import is_crossed, side_row, write
from quantlib.rebuild.resting import clear, from_unnamed, put, seed, take
from quantlib.rebuild.slots import FREE, find
from quantlib.schema import moment

ACTIONS = ("nothing", "add", "set", "reduce", "remove", "level", "clear", "lost")
DO_NOTHING, ADD, SET, REDUCE, REMOVE, LEVEL, CLEAR, LOSE = range(len(ACTIONS))
COLUMNS = {
    "ts": "int64", "ts_event": "int64", "symbol": "int32", "order": "int64", "action": "int8",
    "side": "int8", "price": "float64", "size": "float64", "last": "int8",
}  # fmt: skip
HEAD = np.dtype([("orders", "i8"), ("told", "f8", 2), ("synced", "u1")])  # told: the last key of a LEVEL on each side
WHOLE = 1e-6  # of a unit: how far a size may be from a whole number of them
LARGEST = 2.0**53  # units of one size


class Orders(NamedTuple):
    """Memory: what one symbol's head, its orders and its two sides hold.

    symbols, levels, units, capacity   as given to `start`
    shift                              64 less the binary logarithm of the slots
    head                               (symbols,) record
    ids, prices, sides, sizes          (symbols, slots): see `quantlib.rebuild.slots`; sizes in units
    key, size, mark                    (2 symbols, capacity): see `quantlib.rebuild.ladder`; mark is the unnamed part
                                       of size, both in units
    depth                              (2 symbols,) int64
    """

    symbols: tuple[str, ...]
    levels: int
    units: float
    capacity: int
    shift: int
    head: NDArray[Any]
    ids: NDArray[np.int64]
    prices: NDArray[np.float64]
    sides: NDArray[np.int8]
    sizes: NDArray[np.float64]
    key: NDArray[np.float64]
    size: NDArray[np.float64]
    mark: NDArray[np.int64]
    depth: NDArray[np.int64]


def start(
    symbols: Sequence[str], *, levels: int = 10, units: float = 1.0, capacity: int = 16_384, empty: bool = True
) -> Orders:
    """Memory before the first row.

    Args:
        symbols: in the order of their codes.
        levels: of the books that are written.
        units: of size in 1: 1 for shares and contracts, 1e8 where sizes have 8 decimals.
        capacity: of orders a symbol, and of levels a side; about 100 bytes each. One more than that is an error,
            never a loss.
        empty: whether the book is empty before the first row. Else no book is written before a CLEAR or a LEVEL.

    Raises:
        RebuildError: if symbols repeat or there are none, or levels, capacity or units cannot be.
    """
    names = names_of("orders", symbols, levels, capacity)
    if not 1.0 <= units <= 1e12:
        raise RebuildError(f"orders: units must be from 1 to 1e12, got {units}")
    bits = max(3, (2 * capacity - 1).bit_length())
    head = np.zeros(len(names), HEAD)
    head["synced"], head["told"] = empty, np.inf
    table, sides = (len(names), 2**bits), (2 * len(names), capacity)
    ids = np.full(table, FREE)
    slots = ids, np.zeros(table), np.zeros(table, np.int8), np.zeros(table)
    ladder = np.zeros(sides), np.zeros(sides), np.zeros(sides, np.int64), np.zeros(sides[0], np.int64)
    return Orders(names, levels, float(units), capacity, 64 - bits, head, *slots, *ladder)


def build(memory: Orders, events: Mapping[str, NDArray[Any]]) -> tuple[Orders, Built]:
    """Books of some rows, and the memory after them.  Nothing given is changed.

    Args:
        memory: from `start`, or from the build before this one.
        events: name -> (rows,) array, as in COLUMNS: `ts` ascending, `order` any id, `side` 1 for bids and -1 for asks,
            `last` 1 on the last row of a message. NaN in price or size means that the venue gives none.

    Raises:
        RebuildError: if a column is missing or a row cannot be, or there are more orders or levels than memory has
            room for.
    """
    after = memory._replace(**{name: getattr(memory, name).copy() for name in Orders._fields[5:]})
    return after, advance(after, events)


def advance(memory: Orders, events: Mapping[str, NDArray[Any]]) -> Built:
    """`build` for one who owns the memory: it is changed in place, and spent if an error is raised."""
    e = checked("orders", events, COLUMNS, len(memory.symbols))
    size = np.rint(e["size"] * memory.units)
    bad = int(_impossible.dispatcher(e["order"], e["action"], e["side"], e["price"], e["size"], size, memory.units))
    if bad >= 0:
        values = ", ".join(f"{name} {e[name][bad]}" for name in ("order", "action", "side", "price", "size"))
        raise RebuildError(
            f"orders: row {bad} has {values}; what is put in the book has a side, a finite price and a size that is a "
            f"whole number of units, of which there are {memory.units:g} in 1: start with others"
        )
    messages = int(np.count_nonzero(e["last"]))
    at, ids = np.empty(messages, np.int64), np.empty(messages, np.int64)
    out, what = np.empty((4 * memory.levels, messages)), np.zeros(len(size), np.int8)
    slots = memory.shift, memory.ids, memory.prices, memory.sides, memory.sizes
    table = memory.key, memory.size, memory.mark, memory.depth
    news = e["symbol"], e["order"], e["action"], e["side"], e["price"], size, e["last"]
    books, full = _build.dispatcher(
        memory.levels, memory.units, memory.capacity, memory.head, *slots, *table, *news, at, ids, out, what
    )
    if full >= 0:
        who = f"{memory.symbols[e['symbol'][full]]}, {moment(e['ts'][full])}"
        raise RebuildError(
            f"orders: row {full} ({who}) needs room for more than {memory.capacity} orders or levels; "
            f"start with a larger capacity"
        )
    return written(memory.symbols, e, at[:books], out, ids[:books], what)


@kernel
def _act(
    h, capacity, shift, ids, prices, sides, sizes, key, size, mark, depth, code, order, action, side, price, units
):
    """One row: (incident, whether there was room)."""
    row, wanted = side_row(code, side), price if side > 0 else -price
    if action == LEVEL:
        h.synced = 1
        return seed(h, shift, ids, prices, sides, sizes, key, size, mark, depth, code, side, wanted, units)
    if action in (CLEAR, LOSE):
        h.synced = action == CLEAR
        clear(h, ids, depth, code)
        return NOTHING if action == CLEAR else LOST, True
    slot = find(ids, code, shift, order)
    known = ids[code, slot] == order
    if not known and action != ADD and (side == 0 or not abs(price) < np.inf):
        return UNKNOWN, True
    if action in (REDUCE, REMOVE):
        if not known:
            return from_unnamed(key, size, mark, depth, row, wanted, units), True
        less = units if action == REDUCE else sizes[code, slot]
        return take(h, shift, ids, prices, sides, sizes, key, size, mark, depth, code, slot, less), True
    what = NOTHING
    if known:
        side = sides[code, slot] if side == 0 else side
        price = price if abs(price) < np.inf else prices[code, slot]
        take(h, shift, ids, prices, sides, sizes, key, size, mark, depth, code, slot, sizes[code, slot])
        what = REPEATED if action == ADD else NOTHING
    elif action == SET:
        what = UNKNOWN
        from_unnamed(key, size, mark, depth, row, wanted, units)
    return what, put(
        h, capacity, shift, ids, prices, sides, sizes, key, size, mark, depth, code, order, side, price, units
    )


@kernel
def _build(
    levels, per_one, capacity, head, shift, ids, prices, sides, sizes, key, size, mark, depth,
    symbol, order, action, side, price, units, last, at, out_ids, out, what,
):  # fmt: skip
    n = 0
    for i in range(symbol.size):
        code = symbol[i]
        h = head[code]
        if action[i] != DO_NOTHING:
            what[i], room = _act(
                h, capacity, shift, ids, prices, sides, sizes, key, size, mark, depth,
                code, order[i], action[i], side[i], price[i], units[i],
            )  # fmt: skip
            if not room:
                return n, i
        if last[i]:
            h.told[0] = h.told[1] = np.inf
            if h.synced:
                at[n], out_ids[n] = i, order[i]
                write(key, size, depth, code, levels, per_one, out, n)
                n += 1
                if what[i] == NOTHING and is_crossed(key, depth, code):
                    what[i] = CROSSED
            elif what[i] == NOTHING:
                what[i] = UNSYNCED
    return n, -1


@kernel
def _impossible(order, action, side, price, size, units, per_one):
    for i in range(action.size):
        a = action[i]
        if a < 0 or a > LOSE or order[i] == FREE or side[i] < -1 or side[i] > 1:
            return i
        if a in (DO_NOTHING, REMOVE) or a >= CLEAR:
            continue
        sized = 0.0 <= units[i] <= LARGEST and abs(size[i] * per_one - units[i]) <= WHOLE * max(1.0, units[i])
        placed = side[i] != 0 and abs(price[i]) < np.inf
        if not sized or (not placed and a in (ADD, LEVEL)):
            return i
    return -1
