"""Roots of the mean of the last n numbers: how a number a row becomes a volatility."""

from math import isnan, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import block
from quantlib.kernels.blocks import settled
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum, window_sums


def root_mean_blank(n: int) -> NDArray[Any]:
    """Memory of `root_mean`, and `price`, NaN, for a loop that looks at the row before."""
    numbers = [(name, "f8") for name in ("price", "total", "rest", "unit")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "ring")])
    blank["price"] = nan
    return blank


@block
def root_mean(m, n, number):
    """The root of the mean of the last n numbers, this one included, 0 where that is negative; NaN until the n-th.

    A number that is NaN is none: the answer is NaN, and nothing is remembered.
    """
    if isnan(number):
        return nan
    m.total, m.rest, m.unit, whole = window_sum(m.total, m.rest, m.unit, m.ring, m.parts, m.seen, n, number)
    m.seen += 1
    return _root(whole, n) if m.seen >= n else nan


@block
def root_means(m, n, column, first, count):
    """How many rows are done after a block of `count` rows from `first` on: their numbers, which stand in the column
    and none of which is NaN, have been replaced by what `root_mean` gives.
    """
    m.total, m.rest, m.unit = window_sums(
        m.total, m.rest, m.unit, m.ring, m.parts, m.seen, n, column, first, column, first, count
    )
    m.seen += np.int64(count)
    for j in range(first, first + count):
        column[j] = _root(column[j], n)
    return settled(column, first, count, m.seen, n)


@block
def _root(total, n):
    return sqrt(max(total, 0.0) / n)
