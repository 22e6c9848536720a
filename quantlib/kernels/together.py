"""How two columns move together over the last n rows, from exact sums, so that no digit is lost to their size.

m = memory[symbol[i]]   # a record with the fields of together_fields(n)
wide_x, wide_y, both = together(m, n, room, x, y)   # room = room_for(n); right once m.x.seen >= n
"""

from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block, kernel
from quantlib.kernels.exact import two_product, two_sum
from quantlib.kernels.lines import cut
from quantlib.kernels.moments import variance
from quantlib.kernels.pairs import covariance
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather
from quantlib.kernels.spread import UNITS, slid, spread_fields

SUMS = ("c", "e", "c_low", "e_low")  # of rounded products, of what the rounding lost


def together_blank(n: int, *more: tuple[str, str]) -> NDArray[Any]:
    """Memory of a loop that calls `together`, and remembers more numbers besides, which begin as NaN."""
    pair = [("x", spread_fields(n)), ("y", spread_fields(n))]
    numbers = [(name, "f8") for name in (*SUMS, "unit")]
    blank = np.zeros((), [*more, *pair, *numbers, *window(n, "products", "errors")])
    for name in ("unit", *(name for name, _ in more)):
        blank[name] = nan
    for column in ("x", "y"):
        for name in UNITS:
            blank[column][name] = nan
    return blank


@block
def together(m, n, room, x, y):
    """(variance of x, variance of y, covariance) over the last n rows, this one included, each over n."""
    a, a_low, b, b_low = slid(m.x, n, room, x)
    s, s_low, q, q_low = slid(m.y, n, room, y)
    c, c_low = _slid_products(m, n, room, x, y)
    w = float(n)
    wide_x, wide_y = variance(w, 0.0, a, a_low, b, b_low), variance(w, 0.0, s, s_low, q, q_low)
    return wide_x, wide_y, covariance(w, a, a_low, s, s_low, c, c_low)


@block
def _slid_products(m, n, room, x, y):
    """The exact sum of the products of the last n rows in two numbers; both rings hold this row already.

    Products of values that fit the units of x and y fit theirs (`spread`, with both bounds in place of one twice).
    """
    unit = 1.5 * room * (m.x.most * m.y.most)
    if unit == m.unit:
        back = (m.x.seen - 1 - n) & (m.x.values.size - 1)
        _exchange(m, x, y, m.x.values[back], m.y.values[back])
    else:
        m.unit = unit
        _gather_products(m, n, room)
    total, low = two_sum(m.c, m.c_low)
    return total, low + (m.e + m.e_low)


@block
def _exchange(m, x, y, old_x, old_y):
    """One product comes and an old one goes; both fit."""
    product, error = two_product(x, y)
    old_product, old_error = two_product(old_x, old_y)
    c, c_low = cut(product, m.unit)
    e, e_low = cut(error, m.unit * 2.0**-53)
    old_c, old_c_low = cut(old_product, m.unit)
    old_e, old_e_low = cut(old_error, m.unit * 2.0**-53)
    m.c += c - old_c
    m.e += e - old_e
    m.c_low += c_low - old_c_low
    m.e_low += e_low - old_e_low


@kernel
def _gather_products(m, n, room):
    """Sums of products anew, from the values in the rings; without a unit their sums hold for this row only."""
    mask = m.products.size - 1
    m.c = m.e = m.c_low = m.e_low = 0.0
    if m.unit > 0.0:
        for j in range(m.x.seen - n, m.x.seen):
            _exchange(m, m.x.values[j & mask], m.y.values[j & mask], 0.0, 0.0)
        return
    for j in range(m.x.seen - n, m.x.seen):
        m.products[j & mask], m.errors[j & mask] = two_product(m.x.values[j & mask], m.y.values[j & mask])
    m.c, m.c_low, _ = gather(m.products, m.parts, m.x.seen, n, room)
    m.e, m.e_low, _ = gather(m.errors, m.parts, m.x.seen, n, room)


@block
def correlation(wide_x, wide_y, both):
    """Pearson's coefficient; 0 where one of the columns stands still."""
    if not (wide_x > 0.0 and wide_y > 0.0):
        return 0.0
    return max(-1.0, min(1.0, both / (sqrt(wide_x) * sqrt(wide_y))))
