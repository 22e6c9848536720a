"""Where a symbol stands among the others at one moment.

These see whole timestamps: all rows of one `ts` must come in one call, each symbol once.  A symbol that has no row,
or a row with NaN, is missing: it gets NaN and the others are judged without it.

Membership is a column: `rank(member="in_index")` judges every row against those rows of its timestamp whose member is
not 0.  A row with 0 is told where it would stand, and no other row hears of it; a row with NaN is missing.  Membership
known at each moment thus makes a universe that is never wiser than its time.
"""

from __future__ import annotations

from math import isfinite, isnan, nan, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Feature
from quantlib.features.rows import number
from quantlib.jit import Kernel, block, kernel
from quantlib.kernels.ring import NOTHING
from quantlib.kernels.section import ROOM, arranged, give_back, put, quantile, ranked, section_end, standing

ROUNDING = 2.0**-49  # a spread below this share of the mean is the rounding of the values themselves
NORMAL = 1.4826022185056018  # standard deviation of a normal law over its median absolute deviation
SCRATCH = np.zeros((), ROOM)


class Section(NamedTuple):
    """Who counts."""

    gated: int  # 0: every row; 1: those whose member is not 0


class Clip(NamedTuple):
    """How far out is too far, and who counts."""

    edge: float
    gated: int


@block
def collected(p, room, first, end, value, member):
    """Sort the values of a section that count; how many they are."""
    size = 0
    for i in range(first, end):
        if not isnan(value[i] + member[i]) and (p.gated == 0 or member[i] != 0.0):
            size = put(room, size, value[i], i)
    arranged(room, size)
    return size


@kernel
def _rank(p, memory, symbol, ts, value, member, rank):
    first = 0
    while first < ts.size:
        end = section_end(ts, first)
        size = collected(p, memory, first, end, value, member)
        for i in range(first, end):
            aside = p.gated != 0 and member[i] == 0.0 and not isnan(value[i])
            rank[i] = standing(memory, size, value[i]) if aside else nan
        ranked(memory, size, rank)
        give_back(memory, size)
        first = end


@kernel
def _cross_zscore(p, memory, symbol, ts, value, member, z):
    first = 0
    while first < ts.size:
        end = section_end(ts, first)
        size = 0
        total = squares = 0.0
        for i in range(first, end):
            if not isnan(value[i] + member[i]) and (p.gated == 0 or member[i] != 0.0):
                total += value[i]
                size += 1
        mean = total / size if size > 0 else 0.0
        for i in range(first, end):
            if not isnan(value[i] + member[i]) and (p.gated == 0 or member[i] != 0.0):
                squares += (value[i] - mean) * (value[i] - mean)
        spread = sqrt(squares / size) if size > 0 else 0.0
        for i in range(first, end):
            z[i] = nan
            if not isnan(value[i] + member[i]):
                z[i] = (value[i] - mean) / spread if spread > ROUNDING * abs(mean) else 0.0
        first = end


@kernel
def _winsorised(p, memory, symbol, ts, value, member, clipped):
    first = 0
    while first < ts.size:
        end = section_end(ts, first)
        size = collected(p, memory, first, end, value, member)
        low = quantile(memory, size, p.edge) if size > 0 else 0.0
        high = quantile(memory, size, 1.0 - p.edge) if size > 0 else 0.0
        for i in range(first, end):
            inside = min(max(value[i], low), high) if size > 0 else value[i]
            clipped[i] = nan if isnan(value[i] + member[i]) else inside
        give_back(memory, size)
        first = end


@kernel
def _winsorised_mad(p, memory, symbol, ts, value, member, clipped):
    first = 0
    while first < ts.size:
        end = section_end(ts, first)
        size = collected(p, memory, first, end, value, member)
        middle = deviation = 0.0
        if size > 0:
            middle = quantile(memory, size, 0.5)
            for k in range(size):
                memory[k].key = abs(memory[k].key - middle)
            arranged(memory, size)
            deviation = quantile(memory, size, 0.5)
        reach = p.edge * NORMAL * deviation
        for i in range(first, end):
            inside = min(max(value[i], middle - reach), middle + reach) if deviation > 0.0 else value[i]
            clipped[i] = nan if isnan(value[i] + member[i]) else inside
        give_back(memory, size)
        first = end


def rank(value: str = "close", *, member: str | None = None, out: str = "rank") -> Feature:
    """Rank among the symbols of one timestamp, as a fraction.

    r = (symbols below + half of the symbols that are equal, itself included) / symbols with a value

    Args:
        value: column read. (rows,) float64, anything comparable across symbols, or NaN.
        member: column read that says who counts: not 0, 0, or NaN for a missing row. All rows count without it.
        out: column written. (rows,) float64, above 0 and below 1, 0.5 for a symbol alone; its mean over those who
            count at a timestamp is always 0.5. A row that does not count stands where it would: 0 to 1.

    Source: mean percentile rank (`scipy.stats.percentileofscore(kind="mean")`, over 100).
    """
    return _section(_rank, SCRATCH, Section(int(member is not None)), value, member, out)


def cross_zscore(value: str = "close", *, member: str | None = None, out: str = "cross_zscore") -> Feature:
    """How many standard deviations a symbol lies from the mean of its timestamp.

    z = (x - mean) / s,  s^2 = mean of (x - mean)^2, over the symbols with a value; 0 where s is below 2^-49 of the mean

    Args:
        value: column read. (rows,) float64, any unit, or NaN.
        member: as in `rank`.
        out: column written. (rows,) float64, standard deviations.

    Source: standard score; scipy.stats.zscore(ddof=0) of each timestamp.
    """
    return _section(_cross_zscore, NOTHING, Section(int(member is not None)), value, member, out)


def winsorised(
    value: str = "close", *, tail: float = 0.05, member: str | None = None, out: str = "winsorised"
) -> Feature:
    """Values drawn in to the quantiles of their timestamp.

    w = min(max(x, q(tail)), q(1 - tail)), q on the line between neighbours (type 7, numpy's)

    Args:
        value: column read. (rows,) float64, any unit, or NaN.
        tail: share of the symbols on each side that are drawn in, in [0, 0.5].
        member: as in `rank`.
        out: column written. (rows,) float64, in the unit of value.

    Raises:
        ValueError: if tail is out of range.

    Source: W. J. Dixon, Simplified estimation from censored normal samples, Ann. Math. Stat. 31, 1960 (Winsor's means).
    Differs: scipy.stats.mstats.winsorize sets a whole number of values to the next one; a quantile needs no such count.
    """
    if not 0.0 <= number("winsorised", "tail", tail) <= 0.5:
        raise ValueError(f"winsorised: tail must be in 0 to 0.5, got {tail}")
    return _section(_winsorised, SCRATCH, Clip(tail, int(member is not None)), value, member, out)


def winsorised_mad(
    value: str = "close", *, width: float = 3.0, member: str | None = None, out: str = "winsorised_mad"
) -> Feature:
    """Values drawn in to so many robust standard deviations around the median of their timestamp.

    w = min(max(x, m - r), m + r),  r = width 1.4826 median(|x - m|), m the median; x itself where r would be 0

    Args:
        value: column read. (rows,) float64, any unit, or NaN.
        width: robust standard deviations, positive and finite.
        member: as in `rank`.
        out: column written. (rows,) float64, in the unit of value.

    Raises:
        ValueError: if width is out of range.

    Source: F. R. Hampel, The influence curve and its role in robust estimation, J. Am. Stat. Assoc. 69, 1974.
    """
    if not (isfinite(number("winsorised_mad", "width", width)) and width > 0.0):
        raise ValueError(f"winsorised_mad: width must be positive and finite, got {width}")
    return _section(_winsorised_mad, SCRATCH, Clip(width, int(member is not None)), value, member, out)


def _section(
    loop: Kernel, blank: NDArray[Any], params: Section | Clip, value: str, member: str | None, out: str
) -> Feature:
    """A feature of single timestamps; where no column says who counts, the value stands in for it."""
    return Feature(loop, params, blank, ("ts", value, member or value), (out,), 0, 0, scope="cross")
