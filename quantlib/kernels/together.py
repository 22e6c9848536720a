"""How two columns move together over the last n rows, from exact sums, so that no digit is lost to their size.

m = memory[symbol[i]]   # a record with the fields of together_fields(n)
wide_x, wide_y, both = together(m, n, room, x, y)   # room = room_for(n); right once m.x.seen >= n

Rows of one symbol that follow each other go in blocks (`blocks`, `spread`):

    count = steady(symbol, i, vacant(m.x, n), x, y)
    togethers(m, n, room, x, y, i, count, work)
    for j in range(ZERO, count):
        wide_x, wide_y, both = together_at(work, j, float(n))
"""

from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block, kernel
from quantlib.kernels.blocks import ZERO, plane
from quantlib.kernels.exact import two_product, two_sum
from quantlib.kernels.lines import cut
from quantlib.kernels.moments import variance_numerator
from quantlib.kernels.pairs import covariance_numerator
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather
from quantlib.kernels.spread import UNITS, joined, put, slid, slide_rows, spread_fields, sums_at

SUMS = ("c", "e", "c_low", "e_low")  # of rounded products, of what the rounding lost


def together_blank(n: int, *more: tuple[str, str]) -> NDArray[Any]:
    """Memory of a loop that calls `together`, and remembers more numbers besides, which begin as NaN."""
    pair = [("x", spread_fields(n)), ("y", spread_fields(n))]
    numbers = [(name, "f8") for name in (*SUMS, "unit")]
    blank = np.zeros((), [*more, *pair, *numbers, *window(n, "products")])
    for name in ("unit", *(name for name, _ in more)):
        blank[name] = nan
    for column in ("x", "y"):
        for name in UNITS:
            blank[column][name] = nan
    return blank


@block
def together(m, n, room, x, y):
    """(variance of x, variance of y, covariance) over the last n rows, this one included, each n^2 times as large.

    What is made of them is a ratio, so nobody divides.
    """
    of_x, of_y = slid(m.x, n, room, x), slid(m.y, n, room, y)
    return _together_of(of_x, of_y, _slid_products(m, n, room, x, y), float(n))


@block
def together_at(work, j, w):
    """`together` of row j of a block; w is n."""
    of_x, of_y, of_both = work
    return _together_of(sums_at(of_x, j), sums_at(of_y, j), (of_both[j], of_both[plane(1) + j]), w)


@block
def _together_of(of_x, of_y, both, w):
    a, a_low, b, b_low = of_x
    s, s_low, q, q_low = of_y
    c, c_low = both
    wide_x, wide_y = variance_numerator(w, 0.0, a, a_low, b, b_low), variance_numerator(w, 0.0, s, s_low, q, q_low)
    return wide_x, wide_y, covariance_numerator(w, a, a_low, s, s_low, c, c_low)


@block
def _slid_products(m, n, room, x, y):
    """The exact sum of the products of the last n rows in two numbers; both lines hold this row already.

    Products of values that fit the units of x and y fit theirs (`spread`, with both bounds in place of one twice).
    """
    unit = 1.5 * room * (m.x.most * m.y.most)
    if unit == m.unit:
        _exchange(m, x, y, m.x.values[m.x.place - 1], m.y.values[m.y.place - 1])
    else:
        m.unit = unit
        _gather_products(m, n, room)
    return _paired(m.c, m.e, m.c_low, m.e_low)


@block
def _paired(c, e, c_low, e_low):
    """(c, c_low): what four exact sums say of the products."""
    total, low = two_sum(c, c_low)
    return total, low + (e + e_low)


@block
def _cut_both(x, y, unit):
    """The rounded product of two values and what the rounding lost, each cut in two."""
    product, error = two_product(x, y)
    c, c_low = cut(product, unit)
    e, e_low = cut(error, unit * 2.0**-53)
    return c, e, c_low, e_low


@block
def _exchange(m, x, y, old_x, old_y):
    """One product comes and an old one goes; both fit."""
    c, e, c_low, e_low = _cut_both(x, y, m.unit)
    old_c, old_e, old_c_low, old_e_low = _cut_both(old_x, old_y, m.unit)
    m.c += c - old_c
    m.e += e - old_e
    m.c_low += c_low - old_c_low
    m.e_low += e_low - old_e_low


@block
def togethers(m, n, room, x, y, first, count, work):
    """The sums behind `together` for `count` rows of two columns: `together_at` finds them in work, three scratches."""
    of_x, of_y, of_both = work
    fit = joined(m.x, n, x, first, count) & joined(m.y, n, y, first, count)
    if fit and m.unit == 1.5 * room * (m.x.most * m.y.most):
        sums = m.c, m.e, m.c_low, m.e_low
        place = m.x.place
        m.c, m.e, m.c_low, m.e_low = _slide_products(m.x.values, m.y.values, place, n, count, m.unit, sums, of_both)
        slide_rows(m.x, n, count, of_x)
        slide_rows(m.y, n, count, of_y)
    else:
        for j in range(ZERO, count):
            put(of_x, j, slid(m.x, n, room, x[first + j]))
            put(of_y, j, slid(m.y, n, room, y[first + j]))
            of_both[j], of_both[plane(1) + j] = _slid_products(m, n, room, x[first + j], y[first + j])


@kernel
def _slide_products(x, y, place, n, count, unit, sums, work):
    """The four sums after `count` rows that are in the lines already and all fit; those after each row into work."""
    place, n = np.uint64(place), np.uint64(n)
    for j in range(ZERO, count):
        c, e, c_low, e_low = _cut_both(x[place + n + j], y[place + n + j], unit)
        old_c, old_e, old_c_low, old_e_low = _cut_both(x[place + j], y[place + j], unit)
        work[j], work[plane(1) + j] = c - old_c, e - old_e
        work[plane(2) + j], work[plane(3) + j] = c_low - old_c_low, e_low - old_e_low
    c, e, c_low, e_low = sums
    for j in range(ZERO, count):
        c += work[j]
        e += work[plane(1) + j]
        c_low += work[plane(2) + j]
        e_low += work[plane(3) + j]
        work[j], work[plane(1) + j], work[plane(2) + j], work[plane(3) + j] = c, e, c_low, e_low
    for j in range(ZERO, count):
        after = _paired(work[j], work[plane(1) + j], work[plane(2) + j], work[plane(3) + j])
        work[j], work[plane(1) + j] = after
    return c, e, c_low, e_low


@kernel
def _gather_products(m, n, room):
    """Sums of products anew, from the values in the lines; without a unit their sums hold for this row only."""
    x, y, place = m.x.values, m.y.values, m.x.place
    m.c = m.e = m.c_low = m.e_low = 0.0
    if m.unit > 0.0:
        for j in range(place, place + n):
            _exchange(m, x[j], y[j], 0.0, 0.0)
        return
    for j in range(n):
        m.products[j], _ = two_product(x[place + j], y[place + j])
    m.c, m.c_low, _ = gather(m.products, m.parts, n, n, room)
    for j in range(n):
        _, m.products[j] = two_product(x[place + j], y[place + j])
    m.e, m.e_low, _ = gather(m.products, m.parts, n, n, room)


@block
def correlation(wide_x, wide_y, both):
    """Pearson's coefficient; 0 where one of the columns stands still."""
    if not (wide_x > 0.0 and wide_y > 0.0):
        return 0.0
    return max(-1.0, min(1.0, both / (sqrt(wide_x) * sqrt(wide_y))))
