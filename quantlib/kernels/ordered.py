"""Values kept in ascending order, for percentiles: one goes in or out at the cost of moving others; and plain ranks."""

from quantlib.jit import kernel


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


@kernel
def exchange(ordered, count, old, new):
    """Put `new` in for `old`, which is one of the `count` ordered values: only those between the two are moved."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < old:
            low = middle + 1
        else:
            high = middle
    while low + 1 < count and ordered[low + 1] < new:
        ordered[low] = ordered[low + 1]
        low += 1
    while low > 0 and ordered[low - 1] > new:
        ordered[low] = ordered[low - 1]
        low -= 1
    ordered[low] = new


@kernel
def rank(values, count, x):
    """(below, same): how many of the first `count` values lie below x, and how many equal it; they need no order."""
    below = upto = 0
    for j in range(count):
        below += 1 if values[j] < x else 0
        upto += 1 if values[j] <= x else 0
    return below, upto - below
