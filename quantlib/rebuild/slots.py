"""Orders by their id in a fixed number of slots: an order sits in the first free slot from where its id hashes to.

There are twice as many slots as orders are allowed, so probes stay short: about 1.5 where full.  Taking one away moves
back those behind it that were pushed on, so nothing is left that a later search would have to step over.

Source: D. E. Knuth, The Art of Computer Programming, vol. 3, 2nd ed., 6.4, algorithms L and R (linear probing);
multiplicative hashing with 2^64 over the golden ratio, ibid. (4).
"""

import numpy as np

from quantlib.jit import block, kernel

FREE = np.iinfo(np.int64).min  # no order has this id
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@block
def home(order, shift):
    """The slot that an id hashes to, of 2^(64 - shift)."""
    return np.int64((np.uint64(order) * GOLDEN) >> np.uint64(shift))


@kernel
def find(ids, code, shift, order):
    """The slot of an order, or the free one where it belongs."""
    mask = ids.shape[1] - 1
    slot = home(order, shift)
    while ids[code, slot] != FREE and ids[code, slot] != order:
        slot = (slot + 1) & mask
    return slot


@kernel
def vacate(ids, keys, sides, sizes, code, shift, slot):
    """Free a slot, and move back into it what would not be found without it."""
    mask = ids.shape[1] - 1
    k = slot
    while True:
        k = (k + 1) & mask
        if ids[code, k] == FREE:
            break
        if ((k - home(ids[code, k], shift)) & mask) >= ((k - slot) & mask):
            ids[code, slot], keys[code, slot] = ids[code, k], keys[code, k]
            sides[code, slot], sizes[code, slot] = sides[code, k], sizes[code, k]
            slot = k
    ids[code, slot] = FREE
