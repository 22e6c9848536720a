"""The median of the last n values, kept in order: a new one goes to its place, the oldest leaves, those between move.

A place is found by counting, not by halving: of every 512th value, then of every 64th, 8th and single one, those that
lie below are counted, which takes no branch that depends on values.  What lies between the two places, a third of n on
average, moves as one piece.

    record field: ("x", median_fields(n)), a record of its own
    middle = median(m.x, seen, n, x)  # `seen` values came before x; right once seen + 1 >= n
"""

import numpy as np

from quantlib.jit import block, kernel
from quantlib.kernels.extremes import extremes

COARSEST, FINER = np.uint64(512), np.uint64(8)


def median_fields(n: int) -> list[tuple[str, str, int]]:
    """Fields of the record that remembers n values: as they came, and in order."""
    return extremes(n, "came", "ordered")


@kernel
def median(m, seen, n, x):
    """The median of the last n values, x included, or of all while fewer: the mean of the two in the middle if even."""
    ordered, mask = m.ordered, m.came.size - 1
    held, count = min(seen, n), min(seen + 1, n)
    gap = below(ordered, held, m.came[(seen - n) & mask]) if held == n else held
    place = below(ordered, held, x)
    m.came[seen & mask] = x
    place -= place > gap  # the value that leaves lies below x
    shift(ordered, gap, place)
    ordered[place] = x
    half = count // 2
    return ordered[half] if count % 2 == 1 else 0.5 * ordered[half - 1] + 0.5 * ordered[half]


@block
def below(ordered, count, x):
    """How many of the first `count` ordered values lie below x."""
    first, end, step = np.uint64(0), np.uint64(count), COARSEST
    while first < end and step > np.uint64(0):
        whole = np.uint64(0)
        last = min(end, first + FINER * step) if step < COARSEST else end
        for j in range(first + step - np.uint64(1), last, step):
            whole += np.uint64(ordered[j] < x)
        first += whole * step
        step //= FINER
    return np.int64(first)


@block
def shift(ordered, gap, place):
    """Move the values from `place` to the gap by one, into it, so that `place` is free."""
    at, to, one = np.uint64(gap), np.uint64(place), np.uint64(1)
    while at > to:
        ordered[at] = ordered[at - one]
        at -= one
    while at < to:
        ordered[at] = ordered[at + one]
        at += one
