"""Values kept in ascending order, for percentiles: one goes in or out at the cost of moving others; and plain ranks."""

import numpy as np

from quantlib.jit import block, kernel

ZERO, ONE = np.uint64(0), np.uint64(1)


@kernel
def insert(ordered, count, x):
    """Put x among the `count` ordered values; there is room for one more."""
    k = count
    while k > 0 and ordered[k - 1] > x:
        ordered[k] = ordered[k - 1]
        k -= 1
    ordered[k] = x


@kernel
def remove(ordered, count, x):
    """Take x, which is one of them, from the `count` ordered values."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < x:
            low = middle + 1
        else:
            high = middle
    for k in range(low, count - 1):
        ordered[k] = ordered[k + 1]


@block
def exchange(ordered, count, old, new):
    """Put `new` in for `old`, which is one of the `count` ordered values, inf standing behind them.

    No branch depends on values: `new` joins, every value from its place on one further, and what then lies from `old`
    on comes one back.  Both are said of a place and its neighbours, so several places are done at a time.
    """
    here = ordered[ZERO]
    joined = min(new, here)
    for k in range(ZERO, np.uint64(count)):
        after = ordered[k + ONE]
        next_joined = max(here, min(new, after))
        ordered[k] = joined if joined < old else next_joined
        here, joined = after, next_joined


@kernel
def rank(values, count, x):
    """(below, same): how many of the first `count` values lie below x, and how many equal it; they need no order."""
    below = upto = 0
    for j in range(count):
        below += 1 if values[j] < x else 0
        upto += 1 if values[j] <= x else 0
    return below, upto - below
