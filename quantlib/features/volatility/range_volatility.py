"""Volatility from open, high, low and close: what a row's range tells beyond its return.

Per row, never annualised here.  All windows are exact: each row gives one number, and the mean of the last n is taken.
"""

from collections.abc import Callable
from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.features.volatility.root_mean import root_mean, root_mean_blank, root_means
from quantlib.jit import block, kernel
from quantlib.kernels.blocks import BLOCK, ONE, ZERO, alone, plane, scratch, settled, steady
from quantlib.kernels.log import LOG2, log
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum, window_sums

PARKINSON = 1.0 / (4.0 * LOG2)  # of the squared log range of a driftless diffusion: its variance
CLOSING = 2.0 * LOG2 - 1.0


class YangZhang(NamedTuple):
    n: int  # rows in the window
    k: float  # weight of the variance from open to close


@kernel
def _parkinson(p, memory, symbol, high, low, volatility):
    i, size = np.uint64(0), np.uint64(high.size)
    while i < size:
        m = memory[symbol[i]]
        if alone(symbol, i):
            volatility[i] = root_mean(m, p.n, _reach(high[i], low[i]))
            i += ONE
        else:
            i += _parkinson_rows(m, p.n, symbol, high, low, volatility, i)


@kernel
def _parkinson_rows(m, n, symbol, high, low, volatility, i):
    count = steady(symbol, i, BLOCK, high, low)
    for j in range(i, i + count):
        volatility[j] = _reach(high[j], low[j])
    return root_means(m, n, volatility, i, count)


@block
def _reach(high, low):
    """The variance that a row's range tells of."""
    reach = log(high / low)
    return PARKINSON * (reach * reach)


@kernel
def _garman_klass(p, memory, symbol, opening, high, low, closing, volatility):
    i, size = np.uint64(0), np.uint64(high.size)
    while i < size:
        m = memory[symbol[i]]
        if alone(symbol, i):
            volatility[i] = root_mean(m, p.n, _reach_and_move(opening[i], high[i], low[i], closing[i]))
            i += ONE
        else:
            i += _garman_klass_rows(m, p.n, symbol, opening, high, low, closing, volatility, i)


@kernel
def _garman_klass_rows(m, n, symbol, opening, high, low, closing, volatility, i):
    count = _complete(symbol, i, opening, high, low, closing)
    for j in range(i, i + count):
        volatility[j] = _reach_and_move(opening[j], high[j], low[j], closing[j])
    return root_means(m, n, volatility, i, count)


@block
def _reach_and_move(opening, high, low, closing):
    """The variance that a row's range and its move tell of."""
    reach, move = log(high / low), log(closing / opening)
    return 0.5 * (reach * reach) - CLOSING * (move * move)


@kernel
def _rogers_satchell(p, memory, symbol, opening, high, low, closing, volatility):
    i, size = np.uint64(0), np.uint64(high.size)
    while i < size:
        m = memory[symbol[i]]
        if alone(symbol, i):
            one = _driftless(opening[i], high[i], low[i], log(closing[i] / opening[i]))
            volatility[i] = root_mean(m, p.n, one)
            i += ONE
        else:
            i += _rogers_satchell_rows(m, p.n, symbol, opening, high, low, closing, volatility, i)


@kernel
def _rogers_satchell_rows(m, n, symbol, opening, high, low, closing, volatility, i):
    count = _complete(symbol, i, opening, high, low, closing)
    for j in range(i, i + count):
        volatility[j] = _driftless(opening[j], high[j], low[j], log(closing[j] / opening[j]))
    return root_means(m, n, volatility, i, count)


@kernel
def _yang_zhang(p, memory, symbol, opening, high, low, closing, volatility):
    i, size = np.uint64(0), np.uint64(closing.size)
    while i < size:
        m = memory[symbol[i]]
        if not (alone(symbol, i) or isnan(m.close)):
            i += _yang_zhang_rows(m, p, symbol, opening, high, low, closing, volatility, i)
            continue
        volatility[i] = nan
        if not isnan(opening[i] + high[i] + low[i] + closing[i]):
            if not isnan(m.close):
                one, night, day = _moves(p, m.close, opening[i], high[i], low[i], closing[i])
                m.q, m.q_low, m.q_unit, square = window_sum(
                    m.q, m.q_low, m.q_unit, m.squares, m.parts, m.seen, p.n, one
                )
                m.a, m.a_low, m.a_unit, x = window_sum(m.a, m.a_low, m.a_unit, m.nights, m.a_parts, m.seen, p.n, night)
                m.b, m.b_low, m.b_unit, y = window_sum(m.b, m.b_low, m.b_unit, m.days, m.b_parts, m.seen, p.n, day)
                m.seen += 1
                if m.seen >= p.n:
                    volatility[i] = _from_moves(p, square, x, y)
            m.close = closing[i]
        i += ONE


@kernel
def _yang_zhang_rows(m, p, symbol, opening, high, low, closing, volatility, i):
    work, nights, days = scratch(), plane(0), plane(1)
    count = _complete(symbol, i, opening, high, low, closing)
    work[nights] = m.close
    for j in range(ONE, count):
        work[nights + j] = closing[i + j - ONE]
    if count > ZERO:
        m.close = closing[i + count - ONE]
    for j in range(ZERO, count):
        k = i + j
        one, night, day = _moves(p, work[nights + j], opening[k], high[k], low[k], closing[k])
        volatility[k], work[nights + j], work[days + j] = one, night, day
    m.q, m.q_low, m.q_unit = window_sums(
        m.q, m.q_low, m.q_unit, m.squares, m.parts, m.seen, p.n, volatility, i, volatility, i, count
    )
    m.a, m.a_low, m.a_unit = window_sums(
        m.a, m.a_low, m.a_unit, m.nights, m.a_parts, m.seen, p.n, work, nights, work, nights, count
    )
    m.b, m.b_low, m.b_unit = window_sums(
        m.b, m.b_low, m.b_unit, m.days, m.b_parts, m.seen, p.n, work, days, work, days, count
    )
    m.seen += np.int64(count)
    for j in range(ZERO, count):
        volatility[i + j] = _from_moves(p, volatility[i + j], work[nights + j], work[days + j])
    return settled(volatility, i, count, m.seen, p.n)


@block
def _moves(p, last, opening, high, low, closing):
    """(one, night, day): what a row adds to the squares, and the two moves whose means are taken off."""
    night, day = log(opening / last), log(closing / opening)
    inside = _driftless(opening, high, low, day)
    return (night * night + p.k * (day * day)) / (p.n - 1.0) + (1.0 - p.k) * inside / p.n, night, day


@block
def _from_moves(p, square, night, day):
    """The volatility from the sums of what `_moves` gives."""
    return sqrt(max(square - (night * night + p.k * (day * day)) / (p.n * (p.n - 1.0)), 0.0))


@block
def _complete(symbol, first, opening, high, low, closing):
    """How many rows from `first` on, at most a block, have its symbol and miss none of the four."""
    return steady(symbol, first, np.int64(steady(symbol, first, BLOCK, high, low)), opening, closing)


@block
def _driftless(opening, high, low, move):
    """log(h/o) log(h/c) + log(l/o) log(l/c), where move is log(c/o)."""
    up, down = log(high / opening), log(low / opening)
    return up * (up - move) + down * (down - move)


def parkinson(n: int = 20, *, high: str = "high", low: str = "low", out: str = "parkinson") -> Feature:
    """Parkinson's volatility, from the range.

    v[t]^2 = mean of log(h / l)^2 over the last n rows / (4 log 2)

    Args:
        n: rows in the window, at least 1.
        high, low: columns read. (rows,) float64, positive or NaN; a row missing either is missing.
        out: column written. (rows,) float64, a fraction per row, not annualised; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: M. Parkinson, The extreme value method for estimating the variance of the rate of return, J. Bus. 53, 1980.
        No drift and no gaps are assumed; few trades in a row bias it downwards.
    """
    n = row_count("parkinson", "n", n)
    return _windowed(_parkinson, n, (high, low), out)


def garman_klass(
    n: int = 20,
    *,
    open: str = "open",
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "garman_klass",
) -> Feature:
    """Garman and Klass's volatility, from the range and the close.

    v[t]^2 = mean of log(h / l)^2 / 2 - (2 log 2 - 1) log(c / o)^2 over the last n rows; 0 if that is negative, which it
    cannot be where l <= o, c <= h.

    Args:
        n: rows in the window, at least 1.
        open, high, low, close: columns read. (rows,) float64, positive or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, a fraction per row, not annualised; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: M. B. Garman, M. J. Klass, On the estimation of security price volatilities from historical data, J. Bus.
        53, 1980: the estimator that they call practical. No drift and no gaps are assumed.
    """
    n = row_count("garman_klass", "n", n)
    return _windowed(_garman_klass, n, (open, high, low, close), out)


def rogers_satchell(
    n: int = 20,
    *,
    open: str = "open",
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "rogers_satchell",
) -> Feature:
    """Rogers and Satchell's volatility, which a drift does not bias.

    v[t]^2 = mean of log(h / c) log(h / o) + log(l / c) log(l / o) over the last n rows; 0 if that is negative, which it
    cannot be where l <= o, c <= h.

    Args:
        n: rows in the window, at least 1.
        open, high, low, close: columns read. (rows,) float64, positive or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, a fraction per row, not annualised; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: L. C. G. Rogers, S. E. Satchell, Estimating variance from high, low and closing prices, Ann. Appl. Probab.
        1, 1991. No gaps are assumed.
    """
    n = row_count("rogers_satchell", "n", n)
    return _windowed(_rogers_satchell, n, (open, high, low, close), out)


def yang_zhang(
    n: int = 20,
    *,
    open: str = "open",
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "yang_zhang",
) -> Feature:
    """Yang and Zhang's volatility, which neither a drift nor gaps between rows bias.

    v[t]^2 = Vo + k Vc + (1 - k) Vrs,  k = 0.34 / (1.34 + (n + 1) / (n - 1)), over the last n rows: Vo and Vc the sample
    variances (over n - 1) of log(o[t] / c[t-1]) and of log(c[t] / o[t]), Vrs that of Rogers and Satchell.

    Args:
        n: rows in the window, at least 2.
        open, high, low, close: columns read. (rows,) float64, positive or NaN; a row missing one of them is missing.
        out: column written. (rows,) float64, a fraction per row, not annualised; NaN until the (n+1)-th row of a
            symbol. Below 1e-8 of the mean move it is the rounding of the squares.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: D. Yang, Q. Zhang, Drift-independent volatility estimation based on high, low, open, and close prices,
        J. Bus. 73, 2000.
    """
    n = row_count("yang_zhang", "n", n, least=2)
    numbers = [(name + end, "f8") for name in ("q", "a", "b") for end in ("", "_low", "_unit")]
    fields = [("close", "f8"), ("seen", "i8"), *numbers, *window(n, "squares", "nights", "days", "a_parts", "b_parts")]
    blank = np.zeros((), fields)
    blank["close"] = nan
    params = YangZhang(n, 0.34 / (1.34 + (n + 1.0) / (n - 1.0)))
    return Feature(_yang_zhang, params, blank, (open, high, low, close), (out,), warmup=n, horizon=n)


def _windowed(kernel: Callable[..., None], n: int, inputs: tuple[str, ...], out: str) -> Feature:
    return Feature(kernel, Window(n), root_mean_blank(n), inputs, (out,), warmup=n - 1, horizon=n - 1)
