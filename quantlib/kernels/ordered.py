"""Values kept in ascending order, for percentiles: a value goes in or out at the cost of moving those above it."""

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
