"""Sums over windows weighted by whole numbers that rise with time, exact and sliding.

Of the last n values, S is the plain sum and W the sum weighted 1 (oldest) to n.  Any sum weighted a j + b is a W + b S,
and both slide: W[t] = W[t-1] + n x - S[t-1].  Values are cut in two as in `quantlib.kernels.sliding`, with so much room
that no such sum has any rounding: what the high parts give plus what the low parts give is exact, rounded once.

    fine, limit = bounds(unit, room)
    high, low = cut(x, unit)
    if fits(x, low, fine, limit):
        old, old_low = cut(ring[(seen - n) & mask], unit)
        s, s_low, w, w_low = slid(s, s_low, w, w_low, n, high, low, old, old_low)
        ring[seen & mask] = x  # w + w_low is the weighted sum
    elif not isnan(x):  # seldom, and at the first row, where unit is NaN; x goes into the ring first
        s, s_low, w, w_low, unit = gather_line(ring, m.parts, seen + 1, n, room)
        total = line_sum(ring, m.products, m.parts, seen + 1, n, 1.0, 0.0)

`room` is `room_for` the sum of all weights without their signs.  Where the values of a window differ by more than some
2^50 / room^2 every row sums it anew, in time that grows with n.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block, kernel
from quantlib.kernels.exact import ring_sum, two_product
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import ULP, gather


def summed(n: int, *numbers: str, rings: tuple[str, ...] = ("ring",), products: int = 0) -> NDArray[Any]:
    """Memory of a loop that sums the last n values of a column: `seen`, `unit`, its own numbers, rings and `parts`.

    products: how many an exact weighted sum needs room for.  Numbers begin as 0, or NaN if their name ends in "unit".
    """
    room = [*window(n + 1, *rings)[:-1], *window(products, "products")] if products else window(n + 1, *rings)
    names = ["unit", *numbers]
    blank = np.zeros((), [("seen", "i8"), *((name, "f8") for name in names), *room])
    for name in names:
        blank[name] = np.nan if name.endswith("unit") else 0.0
    return blank


@block
def cut(x, unit):
    """(high, low): x in two parts, the high one a whole multiple of the unit that `unit` stands for."""
    high = (x + unit) - unit
    return high, x - high


@block
def bounds(unit, room):
    """(fine, limit): what `fits` compares with; NaN where unit is."""
    return unit * (room * ULP), unit / room


@block
def fits(x, low, fine, limit):
    """True if sums of parts of such an x are exact; x is no NaN then."""
    return (low + fine) - fine == low and abs(x) <= limit


@block
def slid(s, s_low, w, w_low, n, high, low, old, old_low):
    """(s, s_low, w, w_low) one value later: S and W of n values, each in two parts.

    high and low are the parts of the value that comes, old and old_low of the one that goes.
    """
    return s + (high - old), s_low + (low - old_low), w + (n * high - s), w_low + (n * low - s_low)


@kernel
def gather_line(ring, parts, seen, n, room):
    """(s, s_low, w, w_low, unit) of the last n of `seen` values, summed anew; all NaN if no unit fits them."""
    _, _, unit = gather(ring, parts, seen, n, room)
    s, s_low, w, w_low = level_sums(ring, seen, n, unit)
    return s, s_low, w, w_low, unit


@kernel
def level_sums(ring, seen, n, unit):
    """(s, s_low, w, w_low) of the last n of `seen` values, of which each fits the unit."""
    s = s_low = w = w_low = 0.0
    for j in range(n):
        high, low = cut(ring[(seen - n + j) & (ring.size - 1)], unit)
        s += high
        s_low += low
        w += (j + 1) * high
        w_low += (j + 1) * low
    return s, s_low, w, w_low


@kernel
def line_sum(ring, products, parts, seen, n, a, b):
    """The sum of (a j + b) x[j], j = 1 (oldest) to n, exact and rounded once, of any values.

    `products` is room for 2 n numbers, `parts` for 2 n + 3; the weights are whole numbers.
    """
    for j in range(n):
        x = ring[(seen - n + j) & (ring.size - 1)]
        products[2 * j], products[2 * j + 1] = two_product(x, a * (j + 1) + b)
    total, _, _ = ring_sum(products, parts, 2 * n, 2 * n)
    return total


@kernel
def hat_sum(ring, products, parts, seen, n):
    """The sum of min(j, n + 1 - j) x[j], j = 1 to n: `line_sum` with weights that rise and fall."""
    for j in range(n):
        x = ring[(seen - n + j) & (ring.size - 1)]
        products[2 * j], products[2 * j + 1] = two_product(x, float(min(j + 1, n - j)))
    total, _, _ = ring_sum(products, parts, 2 * n, 2 * n)
    return total
