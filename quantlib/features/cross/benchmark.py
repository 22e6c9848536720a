"""A symbol against a benchmark: its beta, and what the benchmark does not explain."""

from math import isnan, log, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.ring import window
from quantlib.kernels.section import section_end

STILL = 1e-24  # variance over the largest squared return, below which it is rounding


class OfSymbol(NamedTuple):
    code: int  # place of the symbol among the symbols


@kernel
def _benchmark_beta(p, memory, symbol, price, benchmark, beta, alpha, residual):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        own, market = m.own, m.market
        mask = own.size - 1
        while i < price.size and symbol[i] == code:
            beta[i] = alpha[i] = residual[i] = nan
            if not isnan(price[i] + benchmark[i]):
                if m.seen > 0:
                    place = m.seen - 1
                    own[place & mask], market[place & mask] = log(price[i] / m.price), log(benchmark[i] / m.benchmark)
                    if m.seen >= p.n:
                        beta[i], alpha[i] = line_of(market, own, place, p.n)
                        residual[i] = own[place & mask] - alpha[i] - beta[i] * market[place & mask]
                m.price, m.benchmark = price[i], benchmark[i]
                m.seen += 1
            i += 1


@kernel
def line_of(xs, ys, last, n):
    """(slope, intercept) of y on x over the n places of two rings up to `last`; a slope of 0 where x stands still."""
    mask = xs.size - 1
    x = y = largest = 0.0
    for t in range(last - n + 1, last + 1):
        x += xs[t & mask]
        y += ys[t & mask]
        largest = max(largest, abs(xs[t & mask]))
    x /= n
    y /= n
    both = wide = 0.0
    for t in range(last - n + 1, last + 1):
        away = xs[t & mask] - x
        both += away * (ys[t & mask] - y)
        wide += away * away
    slope = both / wide if wide > n * STILL * largest * largest else 0.0
    return slope, y - slope * x


@kernel
def _of_symbol(p, memory, symbol, ts, value, out):
    first = 0
    while first < ts.size:
        end = section_end(ts, first)
        for i in range(first, end):
            if symbol[i] == p.code and not isnan(value[i]):
                memory[symbol[i]].value = value[i]
        held = memory[p.code].value if p.code < memory.size else nan
        for i in range(first, end):
            out[i] = value[i] if isnan(value[i]) or isnan(held) else held
        first = end


def benchmark_beta(
    n: int = 60, *, price: str = "close", benchmark: str = "benchmark", out: str = "benchmark_beta"
) -> Feature:
    """Beta against a benchmark over the last n returns, and the part of this row's return that it does not explain.

    r = alpha + beta m + e by least squares over n rows,  r = log(p[t] / p[t-1]),  m = log(b[t] / b[t-1])

    Args:
        n: returns in the window, at least 2.
        price: column read. (rows,) float64, quote currency, positive or NaN.
        benchmark: column read: the benchmark's price as known at the same row; `of_symbol` makes it of a symbol of the
            universe. (rows,) float64, positive or NaN; a row missing either is missing.
        out: columns written, (rows,) float64, NaN until the (n+1)-th row of a symbol: `out` beta, 0 where the benchmark
            stood still or grew evenly; `out_alpha` a fraction per row; `out_residual` e of this row, a fraction.

    A row costs time in proportion to n: the window is summed anew, so nothing that left it is left over.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: W. F. Sharpe, A simplified model for portfolio analysis, Management Science 9, 1963.
    Differs: log returns, no riskless rate; TA-Lib's BETA takes simple returns and gives beta alone.
    """
    n = row_count("benchmark_beta", "n", n, 2)
    numbers = [("price", "f8"), ("benchmark", "f8"), ("seen", "i8")]
    blank = np.zeros((), [*numbers, *window(n, "own", "market")[:-1]])
    outputs = (out, f"{out}_alpha", f"{out}_residual")
    return Feature(_benchmark_beta, Window(n), blank, (price, benchmark), outputs, n, n)


def of_symbol(code: int = 0, *, value: str = "close", out: str = "benchmark") -> Feature:
    """The last known value of one symbol on the rows of all: how a symbol of the universe becomes the benchmark.

    Args:
        code: the symbol's place among the symbols (`table.symbols.index("SPY")`), from 0.
        value: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of value: that symbol's at this timestamp, or its last one
            before if it is missing there; the row's own value until that symbol has been seen, so that against itself
            nothing is left.

    Rows of one `ts` must come in one call.  That symbol may be absent for any number of rows, so none is the horizon.

    Raises:
        ValueError: if code is not a whole number of at least 0.

    Source: the as-of join of `quantlib.hold`, from one symbol's rows to all rows of the same clock.
    """
    code = row_count("of_symbol", "code", code, 0)
    blank = np.full((), nan, [("value", "f8")])
    return Feature(_of_symbol, OfSymbol(code), blank, ("ts", value), (out,), 0, FOREVER, scope="cross")
