"""The median of the last n values, kept in order: a new value takes the place of the oldest and slides to its own.

A row costs the number of values between the two, a third of n on average, and a binary search.

    record field: ("x", median_fields(n)), a record of its own
    middle = median(m.x, seen, n, x)  # `seen` values came before x; right once seen + 1 >= n
"""

from quantlib.jit import kernel
from quantlib.kernels.extremes import extremes


def median_fields(n: int) -> list[tuple[str, str, int]]:
    """Fields of the record that remembers n values: as they came, and in order."""
    return extremes(n, "came", "ordered")


@kernel
def median(m, seen, n, x):
    """The median of the last n values, x included, or of all while fewer: the mean of the two in the middle if even."""
    ordered, mask = m.ordered, m.came.size - 1
    count = min(seen + 1, n)
    at = count - 1
    if seen >= n:
        at = _place(ordered, n, m.came[(seen - n) & mask])
    m.came[seen & mask] = x
    while at > 0 and ordered[at - 1] > x:
        ordered[at] = ordered[at - 1]
        at -= 1
    while at + 1 < count and ordered[at + 1] < x:
        ordered[at] = ordered[at + 1]
        at += 1
    ordered[at] = x
    half = count // 2
    return ordered[half] if count % 2 == 1 else 0.5 * ordered[half - 1] + 0.5 * ordered[half]


@kernel
def _place(ordered, count, x):
    """Where x, which is one of them, stands among the ordered values."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low
