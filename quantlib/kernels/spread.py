"""The mean and the variance of the last n values, to the last digits whatever their size.

Three sums slide, each exact and cut in two (`sliding`): of the values, of their rounded squares, and of what the
rounding lost.  The size of a value tells whether it fits all three.  A row costs the same for any n, and what left the
window leaves no trace.

    m = memory[symbol[i]]                      # a record with the fields of spread_fields(n)
    mean, wide, away = spread(m, n, room, x)   # room = room_for(n); right once m.seen >= n

Bounds: parts of values up to X hold multiples of X 2^-104 room^2 (`sliding`).  A value above X 2^-k is a multiple of
X 2^(-k-53), its square rounds to one of X^2 2^(-2k-53), and the error, below X^2 2^-53, is one of X^2 2^(-2k-106): all
three fit if 2k + 53 <= 104 - 2 log2(room).  Zeros fit anyway.
"""

from math import frexp, ldexp, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block, kernel
from quantlib.kernels.exact import two_product, two_sum
from quantlib.kernels.lines import cut
from quantlib.kernels.moments import excess, variance
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather

SUMS = ("s", "q", "e", "s_low", "q_low", "e_low")  # of values, of their squares, of the squares' errors
UNITS = ("s_unit", "q_unit", "e_unit", "most", "least")  # where each is cut; bounds of the values that fit
EXTREME = 400  # binary exponents of X beyond which squares might over- or underflow


def spread_fields(n: int) -> list[tuple[str, str] | tuple[str, str, int]]:
    """Fields of a record that `spread` works in."""
    numbers = [(name, "f8") for name in (*SUMS, *UNITS)]
    return [("seen", "i8"), *numbers, *window(n, "values", "squares", "errors")]


def spread_blank(n: int, *more: tuple[str, str]) -> NDArray[Any]:
    """Memory of a loop that calls `spread`, and remembers more numbers besides, which begin as NaN."""
    blank = np.zeros((), [*more, *spread_fields(n)])
    for name in (*UNITS, *(name for name, _ in more)):
        blank[name] = nan
    return blank


@block
def slid(m, n, room, x):
    """Put x into the ring: (s, s_low, q, q_low) of the last n, x included, each pair the exact sum in two numbers."""
    mask = m.values.size - 1
    old = m.values[(m.seen - n) & mask]
    m.values[m.seen & mask] = x
    m.seen += 1
    size = abs(x)
    if (size <= m.most) & ((size >= m.least) | (x == 0.0)):
        _slide_all(m, x, old)
    else:
        _gather_all(m, n, room)
    a, a_low = two_sum(m.s, m.s_low)
    b = m.q + m.q_low  # squares: their low parts' sum is the smaller one
    return a, a_low, b, (m.q_low - (b - m.q)) + (m.e + m.e_low)


@block
def _slide_all(m, x, old):
    """x comes and `old` goes; both fit."""
    square, error = two_product(x, x)
    old_square, old_error = two_product(old, old)
    s, s_low = cut(x, m.s_unit)
    q, q_low = cut(square, m.q_unit)
    e, e_low = cut(error, m.e_unit)
    old_s, old_s_low = cut(old, m.s_unit)
    old_q, old_q_low = cut(old_square, m.q_unit)
    old_e, old_e_low = cut(old_error, m.e_unit)
    m.s += s - old_s
    m.q += q - old_q
    m.e += e - old_e
    m.s_low += s_low - old_s_low
    m.q_low += q_low - old_q_low
    m.e_low += e_low - old_e_low


@kernel
def _gather_all(m, n, room):
    """All sums anew, from the values in the ring: in units that fit them, or if they differ too much in none."""
    mask = m.values.size - 1
    largest, smallest = 0.0, np.inf
    for j in range(m.seen - n, m.seen):
        size = abs(m.values[j & mask])
        largest = max(largest, size)
        smallest = min(smallest, size) if size > 0.0 else smallest
    _choose_units(m, room, largest, smallest)
    m.s = m.q = m.e = m.s_low = m.q_low = m.e_low = 0.0
    if m.most > 0.0:
        for j in range(m.seen - n, m.seen):
            _slide_all(m, m.values[j & mask], 0.0)
        return
    for j in range(m.seen - n, m.seen):
        m.squares[j & mask], m.errors[j & mask] = two_product(m.values[j & mask], m.values[j & mask])
    m.s, m.s_low, _ = gather(m.values, m.parts, m.seen, n, room)
    m.q, m.q_low, _ = gather(m.squares, m.parts, m.seen, n, room)
    m.e, m.e_low, _ = gather(m.errors, m.parts, m.seen, n, room)


@kernel
def _choose_units(m, room, largest, smallest):
    """Units and bounds for values from `smallest` to `largest`, with room above if there is; NaN if none fits them."""
    _, bits = frexp(room)  # 1 + log2
    reach = (51 - 2 * (bits - 1)) // 2  # k above
    _, above = frexp(largest)
    spare = reach // 4
    if smallest < ldexp(1.0, above + spare - reach):
        spare = 0
    top = above + spare
    m.most = m.least = nan
    if largest > 0.0 and abs(top) <= EXTREME and smallest >= ldexp(1.0, top - reach):
        m.most, m.least = ldexp(1.0, top), ldexp(1.0, top - reach)
        m.s_unit, m.q_unit = 1.5 * room * m.most, 1.5 * room * (m.most * m.most)
        m.e_unit = ldexp(m.q_unit, -53)


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
