"""Where values lie among the last n: percentiles, the median, and the share of them below this one.

For percentiles the window is kept in order, and a row passes over it; for ranks all n are looked at.  Both cost more
with larger n.
"""

from math import ceil, floor, inf, isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, number, row_count
from quantlib.jit import kernel
from quantlib.kernels.ordered import ONE, exchange
from quantlib.kernels.ordered import rank as place_among
from quantlib.kernels.ring import window


class Percentile(NamedTuple):
    n: int  # rows in the window
    below: int  # place in the ordered window, from 0, of the value below
    above: int  # and of the value above
    share: float  # of the way from the one to the other


@kernel
def _percentile(p, memory, symbol, value, percentile):
    i, size = np.uint64(0), np.uint64(value.size)
    while i < size:
        code = symbol[i]
        m = memory[code]
        ring, ordered, mask = m.ring, m.ordered, m.ring.size - 1
        seen = m.seen
        while i < size and symbol[i] == code:
            percentile[i] = nan
            if not isnan(value[i]):
                x = value[i] + 0.0  # never the negative zero: which of two zeros came first must not matter
                exchange(ordered, p.n, ring[(seen - p.n) & mask], x)  # at first it is an inf that leaves
                ring[seen & mask] = x
                seen += 1
                if seen >= p.n:
                    low, high = ordered[p.below], ordered[p.above]
                    percentile[i] = low + p.share * (high - low)
            i += ONE
        m.seen = seen


@kernel
def _percentrank(p, memory, symbol, value, rank):
    i = 0
    while i < value.size:
        code = symbol[i]
        m = memory[code]
        ring, seen, at = m.ring, m.seen, m.at
        while i < value.size and symbol[i] == code:
            rank[i] = nan
            x = value[i]
            if not isnan(x):
                if seen >= p.n:
                    below, _ = place_among(ring, p.n, x)
                    rank[i] = 100.0 * below / p.n
                ring[at] = x
                at = at + 1 if at + 1 < p.n else 0
                seen += 1
            i += 1
        m.seen, m.at = seen, at


def percentile(
    n: int = 60, percent: float = 50.0, *, method: str = "linear", value: str = "close", out: str = "percentile"
) -> Feature:
    """Percentile of the last n values: the value that so many percent of them do not exceed.

    linear: at place (n-1) percent / 100 of the ordered window, counted from 0, between its neighbours in proportion.
    nearest: the value at place ceil(n percent / 100), counted from 1; the first at 0 percent.

    Args:
        n: rows in the window, at least 1.
        percent: 0 (the lowest) to 100 (the highest).
        method: "linear" or "nearest".
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of value; NaN until the n-th value of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1, percent is not from 0 to 100, or method is neither.

    Source: R. J. Hyndman, Y. Fan, Sample quantiles in statistical packages, Am. Stat. 50, 1996, definitions 7 (linear;
        numpy, pandas) and 1 (nearest; TradingView's percentile_nearest_rank).
    """
    n = row_count("percentile", "n", n)
    return _quantile("percentile", n, percent, method, value, out)


def median(n: int = 60, *, value: str = "close", out: str = "median") -> Feature:
    """Median of the last n values; for even n the middle between the two in the middle.

    Args:
        n: rows in the window, at least 1.
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of value; NaN until the n-th value of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: pandas, `rolling(n).median()`.
    """
    return _quantile("median", row_count("median", "n", n), 50.0, "linear", value, out)


def percentrank(n: int = 60, *, value: str = "close", out: str = "percentrank") -> Feature:
    """Percent of the n values before this one that lie below it.

    Args:
        n: values that it is compared with, at least 1.
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, 0 to 100, 0 where values stand still; NaN until the (n+1)-th value of a
            symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: L. Connors, C. Alvarez, An Introduction to ConnorsRSI, 2012 (there, of one-row returns).
    Differs: TradingView counts values that are equal, too.
    """
    n = row_count("percentrank", "n", n)
    blank = np.zeros((), [("seen", "i8"), ("at", "i8"), *window(n, "ring")[:-1]])
    return Feature(_percentrank, Window(n), blank, (value,), (out,), warmup=n, horizon=n)


def _quantile(who: str, n: int, percent: float, method: str, value: str, out: str) -> Feature:
    if not 0.0 <= number(who, "percent", percent) <= 100.0:
        raise ValueError(f"{who}: percent must be from 0 to 100, got {percent}")
    if method not in ("linear", "nearest"):
        raise ValueError(f"{who}: method must be 'linear' or 'nearest', got {method!r}")
    place = (n - 1) * percent / 100.0 if method == "linear" else max(ceil(n * percent / 100.0) - 1.0, 0.0)
    below = floor(place)
    params = Percentile(n, below, min(below + 1, n - 1), place - below)
    blank = np.zeros((), [("seen", "i8"), *window(n, "ring", "ordered")[:-1]])
    blank["ring"] = blank["ordered"] = inf
    return Feature(_percentile, params, blank, (value,), (out,), warmup=n - 1, horizon=n - 1)
