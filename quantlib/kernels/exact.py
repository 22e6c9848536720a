"""Sums that are exact: what left a window is forgotten to the last bit, whatever it was.

A plain running sum keeps the rounding of every value that ever passed through it.  Here the sum is kept as two numbers
`total + rest` that add up to it exactly.  Each step is checked; where two numbers cannot hold the sum
(values of very different size in one window) `rest` becomes NaN and the caller sums its ring anew with `ring_sum`,
which holds any sum.  Both ways give the exact sum rounded once, so the answer depends on the window alone.

Source: D. E. Knuth, The Art of Computer Programming, vol. 2, 3rd ed., 4.2.2, theorem B (two_sum); S. Boldo,
J.-M. Muller, Exact and approximated error of the FMA, IEEE Trans. Comput. 60, 2011 (two_product); J. R. Shewchuk,
Adaptive precision floating-point arithmetic, Discrete Comput. Geom. 18, 1997, fig. 6 (ring_sum).
"""

from math import nan

from quantlib.jit import kernel
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


@kernel
def slide(total, rest, ring, seen, n, new):
    """Put a value into a ring that holds `seen`: (total, rest) of the last n, this one included.

    rest is NaN if two numbers cannot hold their sum exactly: then `ring_sum` knows it.
    """
    old = ring[(seen - n) & (ring.size - 1)]
    ring[seen & (ring.size - 1)] = new
    d, e = two_sum(new, -old)
    total, f = two_sum(total, d)
    g = e + f
    after = rest + g
    exact = (g - e == f) and (g - f == e) and (after - rest == g) and (after - g == rest)
    return total, after if exact else nan


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
