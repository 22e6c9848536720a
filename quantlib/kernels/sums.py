"""The sum of the last n values, exact and rounded once: after one value, or after each of a block of rows.

Sums in parts have no rounding (`kernels.sliding`), so where all values of a block of rows fit the unit nothing but the
additions themselves has to follow the order of the rows: the checks, the cuts and the differences between what comes
and what goes are made side by side (`kernels.blocks`).
"""

from math import inf, isnan

import numpy as np

from quantlib.jit import block, kernel
from quantlib.kernels.blocks import plane, scratch
from quantlib.kernels.exact import carried, ring_sum
from quantlib.kernels.lines import bounds, cut, fits
from quantlib.kernels.sliding import gather, slide

CARRIED = inf  # in place of a unit: none fits the values, but two numbers hold their sum
SELDOM = 16  # windows until a unit is tried again
ZERO, ONE, TWO = np.uint64(0), np.uint64(1), np.uint64(2)
LONG = np.uint64(8)  # rows from which on it pays to look at all of them first


@block
def window_sum(high, low, unit, ring, parts, seen, n, new):
    """(high, low, unit, sum) after a value joins a ring that holds `seen`: the sum of the last n, this one included.

    `high`, `low` and `unit` are what to remember, each 0 at first (`kernels.sliding`, with room for as many values as
    the ring holds).  Until n values have come it is the sum of those there are.
    """
    above, below = slide(high, low, unit, float(ring.size), ring, seen, n, new)
    if isnan(below):
        above, below, unit = _unfitting(high, low, unit, ring, parts, seen, n)
    return above, below, unit, above + below


@block
def window_sums(high, low, unit, ring, parts, seen, n, values, first, sums, at, count):
    """(high, low, unit) after `count` values, at most a block, none of them NaN, that begin at values[first].

    Their sums are written from sums[at] on; `sums` may be `values` if `at` is `first`.  Both and `count` are unsigned.
    """
    if count >= LONG and seen >= n and _all_fit(values, first, count, unit, float(ring.size)):
        high, low = _plain_sums(high, low, unit, ring, seen, n, values, first, sums, at, count)
    else:
        for j in range(count):
            x = values[first + j]
            high, low, unit, sums[at + j] = window_sum(high, low, unit, ring, parts, seen + np.int64(j), n, x)
    return high, low, unit


@kernel
def _all_fit(values, first, count, unit, room):
    fine, limit = bounds(unit, room)
    misfits = 0
    for j in range(first, first + count):
        _, low = cut(values[j], unit)
        misfits += 0 if fits(values[j], low, fine, limit) else 1
    return misfits == 0


@kernel
def _plain_sums(high, low, unit, ring, seen, n, values, first, sums, at, count):
    """(high, low) after values that all fit the unit, where n values came before."""
    work, lows = scratch(), plane(1)
    window, mask, place = np.uint64(n), np.uint64(ring.size - 1), np.uint64(seen)
    for j in range(min(window, count)):
        new, new_low = cut(values[first + j], unit)
        old, old_low = cut(ring[(place - window + j) & mask], unit)
        work[j], work[lows + j] = new - old, new_low - old_low
    for j in range(window, count):
        new, new_low = cut(values[first + j], unit)
        old, old_low = cut(values[first + j - window], unit)
        work[j], work[lows + j] = new - old, new_low - old_low
    start = place & mask
    turn = min(count, mask + ONE - start)  # where the ring comes round
    for j in range(turn):
        ring[start + j] = values[first + j]
    for j in range(turn, count):
        ring[j - turn] = values[first + j]
    whole = count & ~ONE
    for j in range(ZERO, whole, TWO):  # two at a time, as no addition but the last rounds: the wait is half as long
        a, b = work[j], work[lows + j]
        c, d = a + work[j + ONE], b + work[lows + j + ONE]
        sums[at + j] = (high + a) + (low + b)
        high += c
        low += d
        sums[at + j + ONE] = high + low
    if whole < count:
        high += work[whole]
        low += work[lows + whole]
        sums[at + whole] = high + low
    return high, low


@kernel
def _unfitting(high, low, unit, ring, parts, seen, n):
    """(high, low, unit) after a value that does not fit the unit has joined the ring.

    Where no unit fits, the sum is carried on in two numbers as long as they hold it; at times a unit is tried again.
    """
    if unit == CARRIED and seen % (SELDOM * n) != 0:
        mask = ring.size - 1
        above, below = carried(high, low, ring[seen & mask], ring[(seen - n) & mask])
        if not isnan(below):
            return above, below, unit
    high, low, unit = gather(ring, parts, seen + 1, n, float(ring.size))
    if isnan(unit):
        total, _, rest = ring_sum(ring, parts, seen + 1, n)
        if not isnan(rest):
            return total, rest, CARRIED
    return high, low, unit
