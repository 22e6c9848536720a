"""The sum of the last n values in one step, exact and rounded once."""

from math import isnan

from quantlib.jit import block
from quantlib.kernels.sliding import gather, slide


@block
def window_sum(high, low, unit, ring, parts, seen, n, new):
    """(high, low, unit, sum) after a value joins a ring that holds `seen`: the sum of the last n, this one included.

    `high`, `low` and `unit` are what to remember, each 0 at first (`kernels.sliding`, with room for as many values as
    the ring holds).  Until n values have come it is the sum of those there are.
    """
    room = float(ring.size)
    high, low = slide(high, low, unit, room, ring, seen, n, new)
    if isnan(low):
        high, low, unit = gather(ring, parts, seen + 1, n, room)
    return high, low, unit, high + low
