"""How unusual a value is: its distance from the mean of the last n values, in their standard deviations.

How a kernel uses it (`z` is a field `("z", scores(n))` of the record, a record of its own):

    score(m.z, seen, n, on_grid(x, grid))  # `seen` values came before x

Differences that are meant to be 0 but come out as 1e-17 have digits so far below those of the others that no sum of
squares slides (`kernels.sums`), and every row would sum its window anew.  So values are first put on a grid far finer
than what they measure: at 2^-40 of the largest of them, the sums of up to 2^20 squares are held.
"""

from math import frexp, ldexp, sqrt

import numpy as np

from quantlib.jit import block
from quantlib.kernels.exact import two_product, two_sum
from quantlib.kernels.moments import excess, variance
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum

FINE = 2.0**-40  # grid of fractions, which are at most about 1


def scores(n: int) -> list[tuple[str, str] | tuple[str, str, int]]:
    """Fields of the record that remembers n values and their sums."""
    numbers = [(name + end, "f8") for name in ("s", "q", "e") for end in ("", "_low", "_unit")]
    return [*numbers, *window(n, "values", "squares", "errors")]


@block
def on_grid(x, grid):
    """The multiple of the grid, a power of two, that is nearest to x; 0 where there is no grid yet."""
    return np.floor(x / grid + 0.5) * grid if grid > 0.0 else 0.0


@block
def grid_for(x, grid):
    """The grid, made coarser if x is above 2^40 of it; 0 is none yet."""
    return ldexp(1.0, frexp(x)[1] - 40) if abs(x) > grid * 2.0**40 else grid


@block
def spread(m, seen, n, x):
    """(distance of x from the mean, population variance) of the last n values, x included, or of all while fewer."""
    square, error = two_product(x, x)
    m.s, m.s_low, m.s_unit, _ = window_sum(m.s, m.s_low, m.s_unit, m.values, m.parts, seen, n, x)
    m.q, m.q_low, m.q_unit, _ = window_sum(m.q, m.q_low, m.q_unit, m.squares, m.parts, seen, n, square)
    m.e, m.e_low, m.e_unit, c = window_sum(m.e, m.e_low, m.e_unit, m.errors, m.parts, seen, n, error)
    a, a_low = two_sum(m.s, m.s_low)
    b, b_low = two_sum(m.q, m.q_low)
    count = float(min(seen + 1, n))
    return excess(x, count, 0.0, a, a_low), variance(count, 0.0, a, a_low, b, b_low + c)


@block
def score(m, seen, n, x):
    """Standard deviations from the mean of the last n values, x included, to x; 0 where they do not differ."""
    away, wide = spread(m, seen, n, x)
    return away / sqrt(wide) if wide > 0.0 else 0.0
