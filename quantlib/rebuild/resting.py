"""Resting orders and the levels that they make up, kept in step: a level is its orders and an unnamed rest."""

import numpy as np

from quantlib.jit import block, kernel
from quantlib.rebuild.built import DENIED, NOTHING, OVERDRAWN, UNKNOWN
from quantlib.rebuild.ladder import insert, place, remove, side_row
from quantlib.rebuild.slots import FREE, find, vacate


@kernel
def _shift(key, size, mark, depth, row, wanted, units, unnamed):
    """Change the size of a level, and its unnamed part; False if there is no room for it."""
    k = place(key, row, depth[row], wanted)
    if k == depth[row] or key[row, k] != wanted:
        if units == 0.0:
            return True
        if depth[row] == key.shape[1]:
            return False
        insert(key, size, mark, depth, row, k, wanted, 0.0, 0)
    size[row, k] += units
    mark[row, k] += unnamed
    if size[row, k] == 0.0:
        remove(key, size, mark, depth, row, k)
    return True


@kernel
def _unnamed(key, mark, depth, row, wanted):
    """How much of a level no known order explains."""
    k = place(key, row, depth[row], wanted)
    return mark[row, k] if k < depth[row] and key[row, k] == wanted else 0


@kernel
def _forget(h, shift, ids, prices, sides, sizes, code, side, price):
    """The orders at a price are not known any more.  Rare, so that it may look at every slot."""
    slot = 0
    while slot < ids.shape[1]:
        if ids[code, slot] != FREE and sides[code, slot] == side and prices[code, slot] == price:
            vacate(ids, prices, sides, sizes, code, shift, slot)
            h.orders -= 1
        else:
            slot += 1


@kernel
def _tell(h, shift, ids, prices, sides, sizes, key, size, mark, depth, code, side, wanted, total):
    """A level has this size: (incident, whether there was room).  Its known orders are forgotten if they have more."""
    row, what = side_row(code, side), NOTHING
    k = place(key, row, depth[row], wanted)
    named = 0.0
    if k < depth[row] and key[row, k] == wanted:
        named = size[row, k] - mark[row, k]
        _shift(key, size, mark, depth, row, wanted, -np.float64(mark[row, k]), -mark[row, k])
    if named > total:
        what = DENIED
        _forget(h, shift, ids, prices, sides, sizes, code, side, wanted if side > 0 else -wanted)
        _shift(key, size, mark, depth, row, wanted, -named, 0)
        named = 0.0
    return what, _shift(key, size, mark, depth, row, wanted, total - named, np.int64(total - named))


@kernel
def seed(h, shift, ids, prices, sides, sizes, key, size, mark, depth, code, side, wanted, total):
    """A level that the venue tells of, and none between it and the one told before: (incident, was there room)."""
    row, what = side_row(code, side), NOTHING
    k = place(key, row, depth[row], wanted)
    k += k < depth[row] and key[row, k] == wanted
    while k < depth[row] and key[row, k] < h.told[row & 1]:
        between, _ = _tell(h, shift, ids, prices, sides, sizes, key, size, mark, depth, code, side, key[row, k], 0.0)
        what = max(what, between)
    h.told[row & 1] = wanted
    level, room = _tell(h, shift, ids, prices, sides, sizes, key, size, mark, depth, code, side, wanted, total)
    return max(what, level), room


@kernel
def from_unnamed(key, size, mark, depth, row, wanted, units):
    """Take from the unnamed size of a level what an order never seen has lost; what incident that is."""
    if not units > 0.0:
        return UNKNOWN
    there = _unnamed(key, mark, depth, row, wanted)
    taken = min(np.float64(there), units)
    _shift(key, size, mark, depth, row, wanted, -taken, -np.int64(taken))
    return NOTHING if taken == units else UNKNOWN


@kernel
def put(h, capacity, shift, ids, prices, sides, sizes, key, size, mark, depth, code, order, side, price, units):
    """An order that is not there yet; False if there is no room for it."""
    if units == 0.0:
        return True
    slot = find(ids, code, shift, order)
    wanted = price if side > 0 else -price
    if h.orders == capacity or not _shift(key, size, mark, depth, side_row(code, side), wanted, units, 0):
        return False
    ids[code, slot], prices[code, slot], sides[code, slot], sizes[code, slot] = order, price, side, units
    h.orders += 1
    return True


@kernel
def take(h, shift, ids, prices, sides, sizes, key, size, mark, depth, code, slot, units):
    """Take from an order in its slot, and the order away if nothing is left; what incident that is."""
    taken = min(units, sizes[code, slot])
    side, price = sides[code, slot], prices[code, slot]
    wanted = price if side > 0 else -price
    _shift(key, size, mark, depth, side_row(code, side), wanted, -taken, 0)
    sizes[code, slot] -= taken
    if sizes[code, slot] == 0.0:
        vacate(ids, prices, sides, sizes, code, shift, slot)
        h.orders -= 1
    return NOTHING if taken == units else OVERDRAWN


@block
def clear(h, ids, depth, code):
    """Forget all orders and levels of a symbol."""
    h.orders = 0
    depth[2 * code] = depth[2 * code + 1] = 0
    for k in range(ids.shape[1]):
        ids[code, k] = FREE
