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
from quantlib.kernels.lines import bounds, cut
from quantlib.kernels.moments import variance
from quantlib.kernels.pairs import covariance
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather
from quantlib.kernels.spread import UNITS, slid, spread_fields

CROSS = tuple(name + end for name in ("c", "r") for end in ("_unit", "_fine"))  # of products, of their errors


def together_blank(n: int, *more: tuple[str, str]) -> NDArray[Any]:
    """Memory of a loop that calls `together`, and remembers more numbers besides, which begin as NaN."""
    numbers = [(name, "f8") for name in ("c", "c_low", "r", "r_low", *CROSS, "limit")]
    pair = [("x", spread_fields(n)), ("y", spread_fields(n))]
    blank = np.zeros((), [*more, *pair, *numbers, *window(n, "products", "errors")])
    for name in (*CROSS, "limit", *(name for name, _ in more)):
        blank[name] = nan
    for column in ("x", "y"):
        for name in (*UNITS, "limit"):
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
    """The exact sum of the products of the last n rows in two numbers; both rings hold this row already."""
    back = (m.x.seen - 1 - n) & (m.x.values.size - 1)
    product, error = two_product(x, y)
    old_product, old_error = two_product(m.x.values[back], m.y.values[back])
    c, c_low = cut(product, m.c_unit)
    r, r_low = cut(error, m.r_unit)
    fits = (
        (abs(product) <= m.limit) & ((c_low + m.c_fine) - m.c_fine == c_low) & ((r_low + m.r_fine) - m.r_fine == r_low)
    )
    if fits:
        old_c, old_c_low = cut(old_product, m.c_unit)
        old_r, old_r_low = cut(old_error, m.r_unit)
        m.c, m.c_low = m.c + (c - old_c), m.c_low + (c_low - old_c_low)
        m.r, m.r_low = m.r + (r - old_r), m.r_low + (r_low - old_r_low)
    else:
        _gather_products(m, n, room)
    total, low = two_sum(m.c, m.c_low)
    return total, low + (m.r + m.r_low)


@kernel
def _gather_products(m, n, room):
    """Sums of products anew, from the values in the rings."""
    mask = m.products.size - 1
    for j in range(m.x.seen - n, m.x.seen):
        m.products[j & mask], m.errors[j & mask] = two_product(m.x.values[j & mask], m.y.values[j & mask])
    m.c, m.c_low, m.c_unit = gather(m.products, m.parts, m.x.seen, n, room)
    m.r, m.r_low, m.r_unit = gather(m.errors, m.parts, m.x.seen, n, room)
    m.c_fine, most = bounds(m.c_unit, room)
    m.r_fine, error = bounds(m.r_unit, room)
    m.limit = min(most, error * 2.0**52)  # an error is below 2^-52 of its product


@block
def correlation(wide_x, wide_y, both):
    """Pearson's coefficient; 0 where one of the columns stands still."""
    if not (wide_x > 0.0 and wide_y > 0.0):
        return 0.0
    return max(-1.0, min(1.0, both / (sqrt(wide_x) * sqrt(wide_y))))
