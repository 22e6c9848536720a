"""The highest and the lowest of the last n values, at a cost that does not grow with n.

Rows are cut into blocks of n.  The last n values are the end of the block before and the beginning of this one: when
a block is full, its ring is overwritten, from its last value to its first, by the extreme of each value and those after
it; of the block that is being filled one running extreme is enough.  That makes three comparisons a row without a
branch that depends on prices.  The answer is one of the values themselves, so where the blocks begin does not matter.

How a kernel uses it (`highs` is a field made by `extremes(n, "highs")`, `top` and `at` are fields of zeros):

    top, high = highest(m.highs, at, p.n, top, x)  # high is right once n values have come
    bottom, low = lowest(m.lows, at, p.n, bottom, y)
    at = at + 1 if at + 1 < p.n else 0  # the place of the next row in its block, for all rings of n

Source: M. van Herk, A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels,
Pattern Recognit. Lett. 13, 1992; J. Gil, M. Werman, Computing 2-D min, median, and max filters, IEEE Trans. Pattern
Anal. Mach. Intell. 15, 1993.
"""

from quantlib.jit import block
from quantlib.kernels.ring import window


def extremes(n: int, *names: str, kind: str = "f8") -> list[tuple[str, str, int]]:
    """Fields of a record: rings that hold a block of n values each."""
    return [(name, kind, size) for name, _, size in window(n, *names)[:-1]]


@block
def highest(ring, at, n, top, x):
    """(top, high): the highest value of this block so far, and of the last n values, x included.

    `at` is the place of x in its block, 0 to n - 1; `top` is what the value before gave, x must not be NaN.
    """
    x += 0.0  # never the negative zero: which of two zeros is seen first must not matter
    top = x if at == 0 or x > top else top
    ring[at] = x
    if at + 1 < n:
        before = ring[at + 1]
        return top, before if before > top else top
    after = x
    for j in range(n - 2, -1, -1):
        after = ring[j] = ring[j] if ring[j] > after else after
    return top, top


@block
def lowest(ring, at, n, bottom, x):
    """(bottom, low): as `highest`, of the lowest values."""
    x += 0.0
    bottom = x if at == 0 or x < bottom else bottom
    ring[at] = x
    if at + 1 < n:
        before = ring[at + 1]
        return bottom, before if before < bottom else bottom
    after = x
    for j in range(n - 2, -1, -1):
        after = ring[j] = ring[j] if ring[j] < after else after
    return bottom, bottom


@block
def highest_row(ring, rows, at, n, top, top_row, x, row):
    """(top, top_row, high_row): as `highest`, and the latest rows at which these values came.

    `rows` is a ring of whole numbers beside `ring`, `row` the number of this row, counted up by one.
    """
    newer = (at == 0) | (x >= top)
    top = x if newer else top
    top_row = row if newer else top_row
    ring[at], rows[at] = x, row
    if at + 1 < n:
        return top, top_row, rows[at + 1] if ring[at + 1] > top else top_row
    after, after_row = x, row
    for j in range(n - 2, -1, -1):
        higher = ring[j] > after
        after = ring[j] = ring[j] if higher else after
        after_row = rows[j] = rows[j] if higher else after_row
    return top, top_row, top_row


@block
def lowest_row(ring, rows, at, n, bottom, bottom_row, x, row):
    """(bottom, bottom_row, low_row): as `highest_row`, of the lowest values."""
    newer = (at == 0) | (x <= bottom)
    bottom = x if newer else bottom
    bottom_row = row if newer else bottom_row
    ring[at], rows[at] = x, row
    if at + 1 < n:
        return bottom, bottom_row, rows[at + 1] if ring[at + 1] < bottom else bottom_row
    after, after_row = x, row
    for j in range(n - 2, -1, -1):
        lower = ring[j] < after
        after = ring[j] = ring[j] if lower else after
        after_row = rows[j] = rows[j] if lower else after_row
    return bottom, bottom_row, bottom_row
