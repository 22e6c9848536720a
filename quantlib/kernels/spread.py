"""The mean and the variance of the last n values, to the last digits whatever their size.

Three sums slide, each exact and cut in two (`sliding`): of the values, of their rounded squares, and of what the
rounding lost.  The size of a value tells whether it fits all three.  A row costs the same for any n, and what left the
window leaves no trace.

    m = memory[symbol[i]]                      # a record with the fields of spread_fields(n)
    mean, wide, away = spread(m, n, room, x)   # room = room_for(n); right once m.seen >= n

Rows of one symbol that follow each other go in blocks (`blocks`), which cost less than half of that:

    count = steady(symbol, i, vacant(m, n), value, value)
    spreads(m, n, room, value, i, count, work)
    for j in range(ZERO, count):
        mean, wide, away = spread_at(work, j, float(n), value[i + j])

The values lie in a line, not in a ring: when it is full its last n begin it anew, so every window is one piece.

Bounds: parts of values up to X hold multiples of X 2^-104 room^2 (`sliding`).  A value above X 2^-k is a multiple of
X 2^(-k-53), its square rounds to one of X^2 2^(-2k-53), and the error, below X^2 2^-53, is one of X^2 2^(-2k-106): all
three fit if 2k + 53 <= 104 - 2 log2(room).  Zeros fit anyway.
"""

from math import frexp, ldexp, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block, kernel
from quantlib.kernels.blocks import ZERO, plane
from quantlib.kernels.exact import two_product, two_sum
from quantlib.kernels.lines import cut
from quantlib.kernels.moments import excess, variance
from quantlib.kernels.ring import SMALLEST, STEP, window
from quantlib.kernels.sliding import gather

SUMS = ("s", "q", "e", "s_low", "q_low", "e_low")  # of values, of their squares, of the squares' errors
UNITS = ("s_unit", "q_unit", "e_unit", "most", "least")  # where each is cut; bounds of the values that fit
EXTREME = 400  # binary exponents of X beyond which squares might over- or underflow


def line(n: int, name: str) -> tuple[str, str, int]:
    """A field that holds the last n values in one piece, and at least as many more."""
    size = 2 * SMALLEST
    while size < 2 * n:
        size *= STEP
    return name, "f8", size


def spread_fields(n: int) -> list[tuple[str, str] | tuple[str, str, int]]:
    """Fields of a record that `spread` works in."""
    numbers = [(name, "f8") for name in (*SUMS, *UNITS)]
    return [("seen", "i8"), ("place", "i8"), *numbers, line(n, "values"), *window(n, "squares")]


def spread_blank(n: int, *more: tuple[str, str]) -> NDArray[Any]:
    """Memory of a loop that calls `spread`, and remembers more numbers besides, which begin as NaN."""
    blank = np.zeros((), [*more, *spread_fields(n)])
    for name in (*UNITS, *(name for name, _ in more)):
        blank[name] = nan
    return blank


@block
def vacant(m, n):
    """How many values a block may bring.  The window before the next value is values[place : place + n]."""
    free = m.values.size - n - m.place
    return free if free > 0 else m.values.size - n


@block
def _renew(m, n):
    """If the line is full, put its last n values at its beginning."""
    if m.place + n == m.values.size:
        for j in range(n):
            m.values[j] = m.values[m.place + j]
        m.place = 0


@block
def slid(m, n, room, x):
    """Put x into the line: (s, s_low, q, q_low) of the last n, x included, each pair the exact sum in two numbers."""
    _renew(m, n)
    old = m.values[m.place]
    m.values[m.place + n] = x
    m.place += 1
    m.seen += 1
    if fitting(x, m.least, m.most):
        _slide_all(m, x, old)
    else:
        _gather_all(m, n, room)
    return paired(m.s, m.q, m.e, m.s_low, m.q_low, m.e_low)


@block
def fitting(x, least, most):
    """Whether a value fits the units that these bounds go with."""
    size = abs(x)
    return (size <= most) & ((size >= least) | (x == 0.0))


@block
def paired(s, q, e, s_low, q_low, e_low):
    """(s, s_low, q, q_low): what six exact sums say of the values and of their squares."""
    a, a_low = two_sum(s, s_low)
    b = q + q_low  # squares: their low parts' sum is the smaller one
    return a, a_low, b, (q_low - (b - q)) + (e + e_low)


@block
def _cut_all(x, s_unit, q_unit, e_unit):
    """A value, its rounded square and what the rounding lost, each cut in two."""
    square, error = two_product(x, x)
    s, s_low = cut(x, s_unit)
    q, q_low = cut(square, q_unit)
    e, e_low = cut(error, e_unit)
    return s, q, e, s_low, q_low, e_low


@block
def _slide_all(m, x, old):
    """x comes and `old` goes; both fit."""
    s, q, e, s_low, q_low, e_low = _cut_all(x, m.s_unit, m.q_unit, m.e_unit)
    old_s, old_q, old_e, old_s_low, old_q_low, old_e_low = _cut_all(old, m.s_unit, m.q_unit, m.e_unit)
    m.s += s - old_s
    m.q += q - old_q
    m.e += e - old_e
    m.s_low += s_low - old_s_low
    m.q_low += q_low - old_q_low
    m.e_low += e_low - old_e_low


@block
def spreads(m, n, room, x, first, count, work):
    """The sums behind `spread` for `count` rows of a column: `spread_at` finds them in work, planes 0 to 3."""
    if joined(m, n, x, first, count):
        slide_rows(m, n, count, work)
    else:
        for j in range(ZERO, count):
            put(work, j, slid(m, n, room, x[first + j]))


@block
def put(work, j, sums):
    """Keep the sums of row j."""
    work[j], work[plane(1) + j], work[plane(2) + j], work[plane(3) + j] = sums


@block
def sums_at(work, j):
    """(s, s_low, q, q_low) of row j."""
    return work[j], work[plane(1) + j], work[plane(2) + j], work[plane(3) + j]


@block
def joined(m, n, x, first, count):
    """Lay rows of a column, if any, into the line, behind its last; whether all fit the units."""
    if count == ZERO:
        return False
    _renew(m, n)
    return _laid(m.values, np.uint64(m.place + n), x, first, count, m.least, m.most)


@kernel
def _laid(values, place, x, first, count, least, most):
    """Copy rows of a column; whether all fit the bounds."""
    misfits = 0
    for j in range(ZERO, count):
        values[place + j] = x[first + j]
        misfits += not fitting(x[first + j], least, most)
    return misfits == 0


@block
def slide_rows(m, n, count, work):
    """`slid` for rows that are in the line and all fit; `sums_at` finds what it returns."""
    units = m.s_unit, m.q_unit, m.e_unit
    sums = m.s, m.q, m.e, m.s_low, m.q_low, m.e_low
    m.s, m.q, m.e, m.s_low, m.q_low, m.e_low = _slide_rows(m.values, m.place, n, count, units, sums, work)
    m.place += count
    m.seen += count


@kernel
def _slide_rows(values, place, n, count, units, sums, work):
    """The six sums after `count` rows that are in the line already and all fit; those after each row into work."""
    _exchange_rows(values, np.uint64(place), np.uint64(n), count, units, work)
    s, q, e, s_low, q_low, e_low = sums
    for j in range(ZERO, count):
        s += work[j]
        q += work[plane(1) + j]
        e += work[plane(2) + j]
        s_low += work[plane(3) + j]
        q_low += work[plane(4) + j]
        e_low += work[plane(5) + j]
        work[j], work[plane(1) + j], work[plane(2) + j] = s, q, e
        work[plane(3) + j], work[plane(4) + j], work[plane(5) + j] = s_low, q_low, e_low
    for j in range(ZERO, count):
        after = work[j], work[plane(1) + j], work[plane(2) + j]
        lows = work[plane(3) + j], work[plane(4) + j], work[plane(5) + j]
        put(work, j, paired(*after, *lows))
    return s, q, e, s_low, q_low, e_low


@block
def _exchange_rows(values, place, n, count, units, work):
    """By how much each row changes each sum: what comes less what goes."""
    for j in range(ZERO, count):
        s, q, e, s_low, q_low, e_low = _cut_all(values[place + n + j], *units)
        old_s, old_q, old_e, old_s_low, old_q_low, old_e_low = _cut_all(values[place + j], *units)
        work[j] = s - old_s
        work[plane(1) + j] = q - old_q
        work[plane(2) + j] = e - old_e
        work[plane(3) + j] = s_low - old_s_low
        work[plane(4) + j] = q_low - old_q_low
        work[plane(5) + j] = e_low - old_e_low


@kernel
def _gather_all(m, n, room):
    """All sums anew, from the values in the line: in units that fit them, or if they differ too much in none."""
    largest, smallest = 0.0, np.inf
    for j in range(m.place, m.place + n):
        size = abs(m.values[j])
        largest = max(largest, size)
        smallest = min(smallest, size) if size > 0.0 else smallest
    _choose_units(m, room, largest, smallest)
    m.s = m.q = m.e = m.s_low = m.q_low = m.e_low = 0.0
    if m.most > 0.0:
        for j in range(m.place, m.place + n):
            _slide_all(m, m.values[j], 0.0)
        return
    m.s, m.s_low, _ = gather(m.values, m.parts, m.place + n, n, room)
    for j in range(n):
        m.squares[j], _ = two_product(m.values[m.place + j], m.values[m.place + j])
    m.q, m.q_low, _ = gather(m.squares, m.parts, n, n, room)
    for j in range(n):
        _, m.squares[j] = two_product(m.values[m.place + j], m.values[m.place + j])
    m.e, m.e_low, _ = gather(m.squares, m.parts, n, n, room)


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
    return _spread_of(slid(m, n, room, x), float(n), x)


@block
def spread_at(work, j, w, x):
    """`spread` of row j of a block, whose value is x; w is n."""
    return _spread_of(sums_at(work, j), w, x)


@block
def _spread_of(sums, w, x):
    a, a_low, b, b_low = sums
    return a / w, variance(w, 0.0, a, a_low, b, b_low), excess(x, w, 0.0, a, a_low)


@block
def bandwidth_of(mean, deviation, width):
    """Distance of the bands `width` deviations above and below a mean, as a fraction of it; 0 if the mean is 0."""
    return 2.0 * width * deviation / mean if mean != 0.0 else 0.0
