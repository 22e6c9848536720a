"""The sum of the last n values in one step, exact and rounded once."""

from math import isnan

from quantlib.jit import block
from quantlib.kernels.exact import ring_sum, slide


@block
def window_sum(total, rest, ring, parts, seen, n, new):
    """(total, rest, sum) after a value joins a ring that holds `seen`: the sum of the last n, this one included.

    `total` and `rest` are what to remember.  Until n values have come it is the sum of those there are.
    """
    total, rest = slide(total, rest, ring, seen, n, new)
    if isnan(total + rest):
        total, _, rest = ring_sum(ring, parts, seen + 1, n)
        return total, rest, total
    return total, rest, total + rest
