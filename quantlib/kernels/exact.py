"""Sums and products that lose nothing: the rounding of each is a number of its own.

Sums over windows slide (`kernels.sliding`, `kernels.sums`).  Where values differ too much for it, `carried` keeps a sum
in two numbers, and where these cannot hold it `ring_sum` sums the window anew, whatever is in it.

Source: D. E. Knuth, The Art of Computer Programming, vol. 2, 3rd ed., 4.2.2, theorem B (two_sum); S. Boldo,
J.-M. Muller, Exact and approximated error of the FMA, IEEE Trans. Comput. 60, 2011 (two_product); J. R. Shewchuk,
Adaptive precision floating-point arithmetic, Discrete Comput. Geom. 18, 1997, fig. 6 (ring_sum).
"""

from math import nan

from quantlib.jit import block, kernel
from quantlib.kernels.fma import fma


@kernel
def two_sum(a, b):
    """(s, e): s = a + b rounded and s + e = a + b exactly."""
    s = a + b
    v = s - a
    return s, (a - (s - v)) + (b - v)


@kernel
def two_product(a, b):
    """(p, e): p = a b rounded and p + e = a b exactly, unless it over- or underflows."""
    p = a * b
    return p, fma(a, b, -p)


@block
def carried(high, low, new, old):
    """(high, low) of a sum, kept exactly in two numbers, that gains one value and loses another.

    low is NaN if two numbers cannot hold it: then `ring_sum` knows it.
    """
    d, e = two_sum(new, -old)
    high, f = two_sum(high, d)
    g = e + f
    after = low + g
    exact = (g - e == f) & (g - f == e) & (after - low == g) & (after - g == low)
    return high, after if exact else nan


@kernel
def ring_sum(ring, parts, seen, n):
    """(high, low, rest) of the last n of `seen` values in a ring: their exact sum rounded, what that left over, and
    low once more, or NaN if high + low is not all of the sum.  `parts` is room for n + 3 numbers to work in.
    """
    size = 0
    for j in range(seen - n, seen):
        size = _grow(parts, size, ring[j & (ring.size - 1)])
    high = _rounded(parts, size) + 0.0  # never the negative zero
    size = _grow(parts, size, -high)
    low = _rounded(parts, size) + 0.0
    size = _grow(parts, size, -low)
    return high, low, low if size == 1 and parts[0] == 0.0 else nan


@kernel
def _grow(parts, size, x):
    """Add x to parts that do not overlap and rise in size; the new number of parts."""
    kept = 0
    for j in range(size):
        x, e = two_sum(parts[j], x)
        if e != 0.0:
            parts[kept] = e
            kept += 1
    parts[kept] = x
    return kept + 1


@kernel
def _rounded(parts, size):
    """The sum of the parts, rounded once, halves to even."""
    j = size - 1
    high = parts[j]
    low = 0.0
    while j > 0 and low == 0.0:
        j -= 1
        high, low = two_sum(high, parts[j])
    if j > 0 and low != 0.0 and (low > 0.0) == (parts[j - 1] > 0.0):  # exactly half way so far: what is left decides
        up = high + 2.0 * low
        if up - high == 2.0 * low:
            return up
    return high
