"""A symbol among those of its sector."""

from math import isnan, log, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.cross.section import SCRATCH, Section
from quantlib.features.rows import row_count
from quantlib.jit import block, kernel
from quantlib.kernels.ring import window
from quantlib.kernels.section import ROOM, arranged, below, give_back, put, section_end


class SectorWindow(NamedTuple):
    n: int  # timestamps in the window
    gated: int  # 0: every row counts; 1: those whose member is not 0


@block
def sector_end(room, size, begin):
    """The place after the last one of the sector that begins at place `begin` of the sorted ones."""
    stop = begin + 1
    while stop < size and room[stop].key == room[begin].key:
        stop += 1
    return stop


@block
def first_of(room, size, sector):
    """The first row of a sector that counts, or -1."""
    begin = below(room, size, sector)
    return room[begin].row if begin < size and room[begin].key == sector else -1


@kernel
def _sector_neutral(p, memory, symbol, ts, value, sector, member, neutral, mean):
    first = 0
    while first < ts.size:
        end = section_end(ts, first)
        size = 0
        for i in range(first, end):
            if not isnan(value[i] + sector[i] + member[i]) and (p.gated == 0 or member[i] != 0.0):
                size = put(memory, size, sector[i], i)
        arranged(memory, size)
        begin = 0
        while begin < size:
            stop = sector_end(memory, size, begin)
            total = 0.0
            for k in range(begin, stop):
                total += value[memory[k].row]
            mean[memory[begin].row] = total / (stop - begin)
            begin = stop
        for i in range(first, end):
            if isnan(value[i] + sector[i] + member[i]):
                neutral[i] = mean[i] = nan
                continue
            row = first_of(memory, size, sector[i])
            mean[i] = mean[row] if row >= 0 else value[i]
            neutral[i] = value[i] - mean[i]
        give_back(memory, size)
        first = end


@kernel
def _sector_correlation(p, memory, symbol, ts, price, sector, member, correlation, members):
    first = 0
    while first < ts.size:
        end = section_end(ts, first)
        known = size = 0
        now = memory[0].moments
        for i in range(first, end):
            if isnan(price[i] + sector[i] + member[i]):
                continue
            known += 1
            m = memory[symbol[i]]
            remembered(m, now, price[i], p.n)
            if m.seen > p.n and (p.gated == 0 or member[i] != 0.0):
                size = put(memory, size, sector[i], i)
        memory[0].moments += known > 0
        arranged(memory, size)
        begin = 0
        while begin < size:
            stop = sector_end(memory, size, begin)
            row = memory[begin].row
            correlation[row] = mean_correlation(memory, symbol, begin, stop, now, p.n)
            members[row] = stop - begin
            begin = stop
        for i in range(first, end):
            if isnan(price[i] + sector[i] + member[i]) or memory[symbol[i]].seen <= p.n:
                correlation[i] = members[i] = nan
                continue
            row = first_of(memory, size, sector[i])
            correlation[i] = correlation[row] if row >= 0 else 0.0
            members[i] = members[row] if row >= 0 else 0.0
        give_back(memory, size)
        first = end


@block
def remembered(m, now, price, n):
    """Put the return of a symbol at the moment `now`; at moments when it was absent it did not move."""
    mask = m.returns.size - 1
    if m.seen > 0:
        for absent in range(max(m.last + 1, now - n), now):
            m.returns[absent & mask] = 0.0
        m.returns[now & mask] = log(price / m.price)
    m.price, m.last = price, now
    m.seen += 1


@kernel
def mean_correlation(memory, symbol, begin, stop, now, n):
    """Mean correlation of all pairs of a sector, from the variance of the sum of their standardised returns."""
    totals = memory[symbol[memory[begin].row]].totals
    moving = 0
    for k in range(begin, stop):
        returns = memory[symbol[memory[k].row]].returns
        mask = returns.size - 1
        mean = squares = largest = 0.0
        for t in range(now - n + 1, now + 1):
            mean += returns[t & mask]
            largest = max(largest, abs(returns[t & mask]))
        mean /= n
        for t in range(now - n + 1, now + 1):
            squares += (returns[t & mask] - mean) * (returns[t & mask] - mean)
        spread = sqrt(squares / n)
        if spread > 1e-12 * largest:
            moving += 1
            for j in range(n):
                totals[j] += (returns[(now - j) & mask] - mean) / spread
    together = 0.0
    for j in range(n):
        together += totals[j] * totals[j]
        totals[j] = 0.0
    return (together / n - moving) / (moving * (moving - 1.0)) if moving > 1 else 0.0


def sector_neutral(
    value: str = "close", *, sector: str = "sector", member: str | None = None, out: str = "sector_neutral"
) -> Feature:
    """A value less the mean of its sector at the same moment.

    d = x - mean(x) over the symbols of the timestamp whose sector code is the same

    Args:
        value: column read. (rows,) float64, any unit, or NaN.
        sector: column read: the code of the symbol's sector, any number, as known at that moment. (rows,) float64, or
            NaN; a row missing either is missing.
        member: column read that says who counts: not 0, 0, or NaN for a missing row (see `features.cross.section`).
        out: columns written, (rows,) float64, in the unit of value: `out` the difference, 0 for a symbol alone;
            `out_mean` the mean of the sector, the value itself where nobody in it counts.

    Rows of one `ts` must come in one call.

    Source: C. Asness, R. B. Porter, R. Stevens, Predicting stock returns using industry-relative firm characteristics,
        working paper, AQR, 2000 (industry-adjusted values).
    """
    gated = int(member is not None)
    inputs = ("ts", value, sector, member or value)
    return Feature(_sector_neutral, Section(gated), SCRATCH, inputs, (out, f"{out}_mean"), 0, 0, scope="cross")


def sector_correlation(
    n: int = 60,
    *,
    price: str = "close",
    sector: str = "sector",
    member: str | None = None,
    out: str = "sector_correlation",
) -> Feature:
    """How much the symbols of a sector have moved together: the mean correlation of all its pairs.

    ρ = (var(Σ z) - k) / (k (k - 1)),  z = (r - mean(r)) / s of each of k symbols over the last n timestamps

    That is the plain mean of the k (k - 1) / 2 correlations of log returns r.  A timestamp at which a symbol was absent
    counts as a return of 0, and its next return covers the gap.  The sectors are those of the present timestamp.

    Args:
        n: timestamps of the universe in the window, at least 2.
        price: column read. (rows,) float64, quote currency, positive or NaN.
        sector: column read: the code of the symbol's sector, any number. (rows,) float64, or NaN; a row missing either
            is missing.
        member: column read that says who counts: not 0, 0, or NaN for a missing row (see `features.cross.section`).
        out: columns written, (rows,) float64, NaN for the first n rows of a symbol, which does not count before:
            `out` -1 to 1, 0 where fewer than two symbols of the sector have moved;
            `out_members` how many symbols of the sector counted.

    Rows of one `ts` must come in one call.  Each costs time in proportion to n.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: E. J. Elton, M. J. Gruber, Estimating the dependence structure of share prices, J. Finance 28, 1973 (mean
        correlations within groups); the sum's variance: J. C. Nunnally, Psychometric Theory, 1967, ch. 6.
    """
    n = row_count("sector_correlation", "n", n, 2)
    numbers = [("price", "f8"), ("seen", "i8"), ("last", "i8"), ("moments", "i8")]
    blank = np.zeros((), [*numbers, *window(n, "returns", "totals")[:-1], *ROOM])
    inputs = ("ts", price, sector, member or price)
    outputs = (out, f"{out}_members")
    params = SectorWindow(n, int(member is not None))
    return Feature(_sector_correlation, params, blank, inputs, outputs, n, n, scope="cross")
