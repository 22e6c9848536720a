"""Statistics of the last n values of a column: their sum and their spread, exact at any size of the values."""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.blocks import BLOCK, ONE, ZERO, alone, scratch, settled, steady
from quantlib.kernels.lines import summed
from quantlib.kernels.sliding import room_for
from quantlib.kernels.spread import spread, spread_at, spread_blank, spreads, vacant
from quantlib.kernels.sums import window_sum, window_sums


class Spread(NamedTuple):
    n: int  # rows in the window
    scale: float  # of the variance over n: n / (n - ddof)


@kernel
def _rolling_sum(p, memory, symbol, value, total):
    i, size = ZERO, np.uint64(value.size)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _rolling_sum_rows(p, m, symbol, i, value, total)
            continue
        total[i] = nan
        if not isnan(value[i]):
            m.s, m.s_low, m.unit, s = window_sum(m.s, m.s_low, m.unit, m.ring, m.parts, m.seen, p.n, value[i])
            m.seen += 1
            if m.seen >= p.n:
                total[i] = s
        i += ONE


@kernel
def _rolling_sum_rows(p, m, symbol, i, value, total):
    count = steady(symbol, i, BLOCK, value, value)
    m.s, m.s_low, m.unit = window_sums(m.s, m.s_low, m.unit, m.ring, m.parts, m.seen, p.n, value, i, total, i, count)
    m.seen += np.int64(count)
    return settled(total, i, count, m.seen, p.n)


@kernel
def _var(p, memory, symbol, value, var):
    i, size, room = ZERO, np.uint64(value.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _var_rows(p, m, room, symbol, i, value, var)
            continue
        var[i] = nan
        if not isnan(value[i]):
            _, wide, _ = spread(m, p.n, room, value[i])
            if m.seen >= p.n:
                var[i] = wide * p.scale
        i += ONE


@kernel
def _var_rows(p, m, room, symbol, i, value, var):
    work = scratch()
    count = steady(symbol, i, vacant(m, p.n), value, value)
    spreads(m, p.n, room, value, i, count, work)
    for j in range(ZERO, count):
        _, wide, _ = spread_at(work, j, float(p.n), value[i + j])
        var[i + j] = wide * p.scale
    return settled(var, i, count, m.seen, p.n)


@kernel
def _stddev(p, memory, symbol, value, deviation):
    i, size, room = ZERO, np.uint64(value.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _stddev_rows(p, m, room, symbol, i, value, deviation)
            continue
        deviation[i] = nan
        if not isnan(value[i]):
            _, wide, _ = spread(m, p.n, room, value[i])
            if m.seen >= p.n:
                deviation[i] = sqrt(wide * p.scale)
        i += ONE


@kernel
def _stddev_rows(p, m, room, symbol, i, value, deviation):
    work = scratch()
    count = steady(symbol, i, vacant(m, p.n), value, value)
    spreads(m, p.n, room, value, i, count, work)
    for j in range(ZERO, count):
        _, wide, _ = spread_at(work, j, float(p.n), value[i + j])
        deviation[i + j] = sqrt(wide * p.scale)
    return settled(deviation, i, count, m.seen, p.n)


@block
def _score(p, wide, away):
    """Standard deviations from the mean to a value; 0 where the values do not differ."""
    return away / sqrt(wide * p.scale) if wide > 0.0 else 0.0


@kernel
def _zscore(p, memory, symbol, value, z):
    i, size, room = ZERO, np.uint64(value.size), room_for(p.n)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _zscore_rows(p, m, room, symbol, i, value, z)
            continue
        z[i] = nan
        if not isnan(value[i]):
            _, wide, away = spread(m, p.n, room, value[i])
            if m.seen >= p.n:
                z[i] = _score(p, wide, away)
        i += ONE


@kernel
def _zscore_rows(p, m, room, symbol, i, value, z):
    work = scratch()
    count = steady(symbol, i, vacant(m, p.n), value, value)
    spreads(m, p.n, room, value, i, count, work)
    for j in range(ZERO, count):
        _, wide, away = spread_at(work, j, float(p.n), value[i + j])
        z[i + j] = _score(p, wide, away)
    return settled(z, i, count, m.seen, p.n)


def rolling_sum(n: int = 20, *, value: str = "close", out: str = "rolling_sum") -> Feature:
    """Sum of the last n values, exact and rounded once.

    Args:
        n: rows in the window, at least 1.
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of value; NaN until the n-th value of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function SUM.
    """
    n = row_count("rolling_sum", "n", n)
    return Feature(_rolling_sum, Window(n), summed(n, "s", "s_low"), (value,), (out,), warmup=n - 1, horizon=n - 1)


def var(n: int = 20, ddof: int = 0, *, value: str = "close", out: str = "var") -> Feature:
    """Variance of the last n values.

    sum (x - mean)^2 / (n - ddof)

    Args:
        n: rows in the window, at least 1.
        ddof: 0 for the variance of the window itself (TA-Lib), 1 for the estimate of what it is drawn from (pandas).
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the square of the unit of value; NaN until the n-th value of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1 or ddof not one from 0 to n - 1.

    Source: TA-Lib, function VAR.
    Differs: exact to the last digits at any size of the values, where TA-Lib subtracts a squared mean from a mean of
        squares; 0 where the spread is below 2^-49 of the mean.
    """
    params = _spread("var", n, ddof)
    return Feature(_var, params, spread_blank(params.n), (value,), (out,), params.n - 1, params.n - 1)


def stddev(n: int = 20, ddof: int = 0, *, value: str = "close", out: str = "stddev") -> Feature:
    """Standard deviation of the last n values: the square root of `var`.

    Args:
        n: rows in the window, at least 1.
        ddof: 0 for the deviation of the window itself (TA-Lib), 1 for the estimate of what it is drawn from (pandas).
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of value; NaN until the n-th value of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1 or ddof not one from 0 to n - 1.

    Source: TA-Lib, function STDDEV.
    Differs: as `var`; TA-Lib gives 0 where the variance is below 1e-14, we where the spread is below 2^-49 of the mean.
    """
    params = _spread("stddev", n, ddof)
    return Feature(_stddev, params, spread_blank(params.n), (value,), (out,), params.n - 1, params.n - 1)


def zscore(n: int = 20, ddof: int = 0, *, value: str = "close", out: str = "zscore") -> Feature:
    """How many standard deviations a value lies from the mean of the last n, itself included.

    (x - mean) / stddev; 0 where the values do not differ.

    Args:
        n: rows in the window, at least 1.
        ddof: 0 for the deviation of the window itself, 1 for the estimate of what it is drawn from (pandas).
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, at most sqrt(n - 1) from 0 if ddof is 0; NaN until the n-th value of a
            symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1 or ddof not one from 0 to n - 1.

    Source: the standard score; `scipy.stats.zscore` of the window, its last number.
    """
    params = _spread("zscore", n, ddof)
    return Feature(_zscore, params, spread_blank(params.n), (value,), (out,), params.n - 1, params.n - 1)


def _spread(who: str, n: int, ddof: int) -> Spread:
    n, ddof = row_count(who, "n", n), row_count(who, "ddof", ddof, 0)
    if ddof >= n:
        raise ValueError(f"{who}: ddof must be below n, got ddof={ddof} and n={n}")
    return Spread(n, n / (n - ddof))
