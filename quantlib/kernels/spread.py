"""The mean and the variance of the last n values, to the last digits whatever their size.

Three sums slide, each exact (`sliding`): of the values, of their rounded squares, and of what the rounding lost.  They
share one check of whether a value fits.  So a row costs three times that of a plain mean, not more with larger n, and
what left the window leaves no trace.

    m = memory[symbol[i]]              # a record with the fields of spread_fields(n)
    mean, wide, away = spread(m, n, room, x)   # room = room_for(n); right once m.seen >= n
"""

from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block, kernel
from quantlib.kernels.exact import two_product, two_sum
from quantlib.kernels.lines import bounds, cut
from quantlib.kernels.moments import excess, variance
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather

SUMS = ("s", "q", "e")  # of values, of their squares, of the squares' errors
UNITS = tuple(name + end for name in SUMS for end in ("_unit", "_fine"))


def spread_fields(n: int) -> list[tuple[str, str] | tuple[str, str, int]]:
    """Fields of a record that `spread` works in."""
    sums = [name + end for name in SUMS for end in ("", "_low")]
    numbers = [(name, "f8") for name in (*sums, *UNITS, "limit")]
    return [("seen", "i8"), *numbers, *window(n, "values", "squares", "errors")]


def spread_blank(n: int, *more: tuple[str, str]) -> NDArray[Any]:
    """Memory of a loop that calls `spread`, and remembers more numbers besides, which begin as NaN."""
    blank = np.zeros((), [*more, *spread_fields(n)])
    for name in (*UNITS, "limit", *(name for name, _ in more)):
        blank[name] = nan
    return blank


@block
def slid(m, n, room, x):
    """Put x into the ring: (s, s_low, q, q_low) of the last n, x included, each pair the exact sum in two numbers."""
    mask = m.values.size - 1
    old = m.values[(m.seen - n) & mask]
    square, error = two_product(x, x)
    old_square, old_error = two_product(old, old)
    s, s_low = cut(x, m.s_unit)
    q, q_low = cut(square, m.q_unit)
    e, e_low = cut(error, m.e_unit)
    fits = (abs(x) <= m.limit) & ((s_low + m.s_fine) - m.s_fine == s_low)
    fits &= ((q_low + m.q_fine) - m.q_fine == q_low) & ((e_low + m.e_fine) - m.e_fine == e_low)
    m.values[m.seen & mask] = x
    m.seen += 1
    if fits:
        old_s, old_s_low = cut(old, m.s_unit)
        old_q, old_q_low = cut(old_square, m.q_unit)
        old_e, old_e_low = cut(old_error, m.e_unit)
        m.s, m.s_low = m.s + (s - old_s), m.s_low + (s_low - old_s_low)
        m.q, m.q_low = m.q + (q - old_q), m.q_low + (q_low - old_q_low)
        m.e, m.e_low = m.e + (e - old_e), m.e_low + (e_low - old_e_low)
    else:
        _gather(m, n, room)
    a, a_low = two_sum(m.s, m.s_low)
    b, b_low = two_sum(m.q, m.q_low)
    return a, a_low, b, b_low + (m.e + m.e_low)


@kernel
def _gather(m, n, room):
    """All sums anew, from the values in the ring, in units that fit them."""
    mask = m.values.size - 1
    for j in range(m.seen - n, m.seen):
        m.squares[j & mask], m.errors[j & mask] = two_product(m.values[j & mask], m.values[j & mask])
    m.s, m.s_low, m.s_unit = gather(m.values, m.parts, m.seen, n, room)
    m.q, m.q_low, m.q_unit = gather(m.squares, m.parts, m.seen, n, room)
    m.e, m.e_low, m.e_unit = gather(m.errors, m.parts, m.seen, n, room)
    m.s_fine, most = bounds(m.s_unit, room)
    m.q_fine, square = bounds(m.q_unit, room)
    m.e_fine, error = bounds(m.e_unit, room)
    m.limit = min(most, sqrt(square), sqrt(error) * 2.0**26)  # an error is below 2^-52 of its square


@block
def spread(m, n, room, x):
    """(mean, variance, x - mean) of the last n values, x included; the variance is over n.

    Variance is zero where the spread is below 2^-49 of the mean: that is the rounding of the values themselves.
    """
    a, a_low, b, b_low = slid(m, n, room, x)
    return a / n, variance(float(n), 0.0, a, a_low, b, b_low), excess(x, float(n), 0.0, a, a_low)


@block
def bandwidth_of(mean, deviation, width):
    """Distance of the bands `width` deviations above and below a mean, as a fraction of it; 0 if the mean is 0."""
    return 2.0 * width * deviation / mean if mean != 0.0 else 0.0
