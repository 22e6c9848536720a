"""Sums over windows that are exact for a few additions a row: each value is cut into two halves at one bit.

`cut` is 1.5 times a power of two, so large that x + cut has no room for the low bits of x: (x + cut) - cut is x rounded
to a multiple of a unit, the high half, and what is left is the low half.  Highs of a window are few multiples of one
unit, lows few multiples of a smaller one, so both add up without any rounding, whatever came and went, and high + low
is their exact sum rounded once.  That needs values within some 40 powers of two of each other.  Each value is looked at
as it comes; where one does not fit (or is NaN) the caller calls `refit` or `refit_line`, which chooses another
cut for the window, or, where no cut serves, sums the ring anew.  Either way the answer depends on the window alone.

How a kernel uses it (`cut` begins as NaN, which nothing fits):

    high, low = halves(x, cut)
    if fits(x, low, fine, limit):
        old_high, old_low = halves(ring[(seen - n) & mask], cut)
        highs += high - old_high
        lows += low - old_low  # highs + lows is the sum
    elif not isnan(x):
        cut, fine, limit, highs, lows, total = refit(ring, parts, seen, n)  # after x went into the ring

Source: T. Ogita, S. M. Rump, S. Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26, 2005 (extraction of the
high part); S. M. Rump, T. Ogita, S. Oishi, Accurate floating-point summation part I, SIAM J. Sci. Comput. 31, 2008.
"""

from math import frexp, isnan, ldexp, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block, kernel
from quantlib.kernels.exact import ring_sum, two_product
from quantlib.kernels.ring import window


def summed(n: int, *numbers: str, rings: tuple[str, ...] = ("ring",), products: int = 0) -> NDArray[Any]:
    """Memory of a loop that sums the last n values of a column: `seen`, the cut, its own numbers, its rings, `parts`.

    products: how many an exact weighted sum needs room for.  Numbers begin as 0, or NaN if their name ends in "cut".
    """
    room = [*window(n + 1, *rings)[:-1], *window(products, "products")] if products else window(n + 1, *rings)
    names = ["cut", "fine", "limit", *numbers]
    blank = np.zeros((), [("seen", "i8"), *((name, "f8") for name in names), *room])
    for name in names:
        blank[name] = nan if name.endswith("cut") else 0.0
    return blank


@block
def halves(x, cut):
    """(high, low): x cut in two, high + low is x."""
    high = (x + cut) - cut
    return high, x - high


@block
def fits(x, low, fine, limit):
    """True if sums of such halves are exact; x is no NaN then."""
    return (low + fine) - fine == low and abs(x) < limit


@kernel
def best_cut(ring, seen, n, weight):
    """(cut, fine, limit) in the middle between the largest and the smallest of the last n values, NaN if too far apart.

    With 2^bits at least twice the weight and a unit 2^unit, highs are multiples of 2^unit below 2^(53 + unit - bits)
    and lows are below 2^(unit - 1) and multiples of 2^(unit + bits - 54): both sums stay below 2^53 of their units.
    """
    least, most = 0, 0
    known = False
    for j in range(seen - n, seen):
        x = ring[j & (ring.size - 1)]
        if x != 0.0:
            _, power = frexp(x)
            least = min(least, power) if known else power
            most = max(most, power) if known else power
            known = True
    bits = max(frexp(2.0 * weight)[1], 3)
    unit = (least + most) // 2 - 26
    cut, fine, limit = ldexp(1.5, unit + 52), ldexp(1.5, unit + bits - 2), ldexp(1.5, unit + 52 - bits)
    for j in range(seen - n, seen):
        x = ring[j & (ring.size - 1)]
        _, low = halves(x, cut)
        if not fits(x, low, fine, limit):
            return nan, nan, nan
    return cut, fine, limit


@kernel
def refit(ring, parts, seen, n):
    """(cut, fine, limit, high, low, total) of the last n values, their plain sum exact and rounded once.

    cut, high and low are NaN if no cut serves.
    """
    cut, fine, limit = best_cut(ring, seen, n, n)
    if isnan(cut):
        total, _, _ = ring_sum(ring, parts, seen, n)
        return cut, fine, limit, nan, nan, total
    high, low, _, _ = level_sums(ring, seen, n, cut)
    return cut, fine, limit, high, low, high + low


@block
def slid(s, s_low, w, w_low, n, high, low, old, old_low):
    """(s, s_low, w, w_low) one value later: plain sums of n values, and sums weighted 1 (oldest) to n.

    high and low are the halves of the value that comes, old and old_low of the one that goes.
    """
    return s + (high - old), s_low + (low - old_low), w + (n * high - s), w_low + (n * low - s_low)


@kernel
def refit_line(ring, seen, n, weight):
    """(cut, fine, limit, high, low, w_high, w_low) of the last n values: sums, and sums weighted 1 (oldest) to n.

    Exact for whatever adds up to no more than `weight` times the largest value.  NaN if no cut serves.
    """
    cut, fine, limit = best_cut(ring, seen, n, weight)
    high, low, w_high, w_low = level_sums(ring, seen, n, cut)
    return cut, fine, limit, high, low, w_high, w_low


@kernel
def level_sums(ring, seen, n, cut):
    """(high, low, w_high, w_low) of the last n values: sums of their halves, and these weighted 1 (oldest) to n."""
    high = low = w_high = w_low = 0.0
    for j in range(n):
        a, b = halves(ring[(seen - n + j) & (ring.size - 1)], cut)
        high += a
        low += b
        w_high += (j + 1) * a
        w_low += (j + 1) * b
    return high, low, w_high, w_low


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
