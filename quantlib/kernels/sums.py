"""The sum of the last n values in one step, exact and rounded once."""

from math import inf, isnan

from quantlib.jit import block, kernel
from quantlib.kernels.exact import carried, ring_sum
from quantlib.kernels.sliding import gather, slide

CARRIED = inf  # in place of a unit: none fits the values, but two numbers hold their sum
SELDOM = 16  # windows until a unit is tried again


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
