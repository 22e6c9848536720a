"""Exponential means of the price, and means of such means that lag less or are smoother."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import faded, number, row_count
from quantlib.jit import Kernel, kernel
from quantlib.kernels.ewm import ewm, start_means, toward


class Ema(NamedTuple):
    weight: float  # of the newest row, in (0, 1]
    seed: int  # rows in the plain mean that it starts from


class T3(NamedTuple):
    weight: float  # of the newest row in each mean
    seed: int  # rows in the plain means that they start from
    third: float  # share of the third mean in what is written; so the others
    fourth: float
    fifth: float
    sixth: float


MEAN = np.zeros((), [("mean", "f8"), ("seen", "i8")])
MEANS = np.zeros((), [("seen", "i8"), *((name, "f8") for name in "abcdef")])


@kernel
def _ema(p, memory, symbol, price, mean):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, now = m.seen, m.mean
        while i < price.size and symbol[i] == code:
            x = price[i]
            if isnan(x):
                mean[i] = nan
            elif seen >= p.seed:
                now = toward(now, x, p.weight)
                mean[i] = now
            else:
                now = ewm(now, x, seen, p.seed, p.weight)
                seen += 1
                mean[i] = now if seen == p.seed else nan
            i += 1
        m.seen, m.mean = seen, now


@kernel
def _dema(p, memory, symbol, price, mean):
    i = 0
    first = 2 * (p.seed - 1)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, a, b = m.seen, m.a, m.b
        while i < price.size and symbol[i] == code:
            x = price[i]
            mean[i] = nan
            if not isnan(x):
                if seen > first:
                    a = toward(a, x, p.weight)
                    b = toward(b, a, p.weight)
                else:
                    a, b, _, _, _, _ = start_means(x, seen, p.seed, p.weight, a, b, 0.0, 0.0, 0.0, 0.0)
                    seen += 1
                if seen > first:
                    mean[i] = 2.0 * a - b
            i += 1
        m.seen, m.a, m.b = seen, a, b


@kernel
def _tema(p, memory, symbol, price, mean):
    i = 0
    first = 3 * (p.seed - 1)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, a, b, c = m.seen, m.a, m.b, m.c
        while i < price.size and symbol[i] == code:
            x = price[i]
            mean[i] = nan
            if not isnan(x):
                if seen > first:
                    a = toward(a, x, p.weight)
                    b = toward(b, a, p.weight)
                    c = toward(c, b, p.weight)
                else:
                    a, b, c, _, _, _ = start_means(x, seen, p.seed, p.weight, a, b, c, 0.0, 0.0, 0.0)
                    seen += 1
                if seen > first:
                    mean[i] = 3.0 * (a - b) + c
            i += 1
        m.seen, m.a, m.b, m.c = seen, a, b, c


@kernel
def _t3(p, memory, symbol, price, mean):
    i = 0
    first = 6 * (p.seed - 1)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, a, b, c, d, e, f = m.seen, m.a, m.b, m.c, m.d, m.e, m.f
        while i < price.size and symbol[i] == code:
            x = price[i]
            mean[i] = nan
            if not isnan(x):
                if seen > first:
                    a = toward(a, x, p.weight)
                    b = toward(b, a, p.weight)
                    c = toward(c, b, p.weight)
                    d = toward(d, c, p.weight)
                    e = toward(e, d, p.weight)
                    f = toward(f, e, p.weight)
                else:
                    a, b, c, d, e, f = start_means(x, seen, p.seed, p.weight, a, b, c, d, e, f)
                    seen += 1
                if seen > first:
                    mean[i] = p.sixth * f + p.fifth * e + (p.fourth * d + p.third * c)
            i += 1
        m.seen, m.a, m.b, m.c, m.d, m.e, m.f = seen, a, b, c, d, e, f


def ema(n: int = 20, *, seed: str = "sma", price: str = "close", out: str = "ema") -> Feature:
    """Exponential moving average.

    e[t] = e[t-1] + w (p[t] - e[t-1]),  w = 2 / (n + 1)

    Args:
        n: rows; half of the weight lies on the last 0.35 n or so. At least 1.
        seed: what e starts from. "sma": the plain mean of the first n prices, at the n-th (TA-Lib). "first": the first
            price, at the first (TradingView; pandas `ewm(span=n, adjust=False)`). The two differ by less than 1e-9 of
            the prices' range after 10.4 (n + 1) rows.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN before it has started.

    Raises:
        ValueError: if n is not a whole number of at least 1, or seed is neither.

    Source: TA-Lib, function EMA.
    """
    n = row_count("ema", "n", n)
    return _once(Ema(2.0 / (n + 1.0), seed_rows("ema", seed, n)), price, out)


def rma(n: int = 14, *, seed: str = "sma", price: str = "close", out: str = "rma") -> Feature:
    """Wilder's moving average, also called smoothed or running: what RSI, ATR and ADX are made of.

    r[t] = r[t-1] + w (p[t] - r[t-1]),  w = 1 / n

    Args:
        n: rows, at least 1; it is an `ema` of 2 n - 1 rows, started otherwise.
        seed: what r starts from. "sma": the plain mean of the first n prices, at the n-th (Wilder, TA-Lib,
            TradingView). "first": the first price, at the first (pandas `ewm(alpha=1/n, adjust=False)`).
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN before it has started.

    Raises:
        ValueError: if n is not a whole number of at least 1, or seed is neither.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    n = row_count("rma", "n", n)
    return _once(Ema(1.0 / n, seed_rows("rma", seed, n)), price, out)


def dema(n: int = 20, *, seed: str = "sma", price: str = "close", out: str = "dema") -> Feature:
    """Double exponential moving average: an exponential mean with most of its lag taken out.

    d = 2 a - b,  a = ema(n) of the price,  b = ema(n) of a

    Args:
        n: rows of both means, at least 1.
        seed: what each mean starts from: "sma", the plain mean of its first n values (TA-Lib), or "first", the first.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN for the first 2 (n - 1) prices of a symbol (none
            of them if seed is "first").

    Raises:
        ValueError: if n is not a whole number of at least 1, or seed is neither.

    Source: P. Mulloy, Smoothing data with faster moving averages, Stocks & Commodities 12, 1994; TA-Lib, function DEMA.
    """
    n = row_count("dema", "n", n)
    params = Ema(2.0 / (n + 1.0), seed_rows("dema", seed, n))
    return _nested(_dema, params, 2, price, out)


def tema(n: int = 20, *, seed: str = "sma", price: str = "close", out: str = "tema") -> Feature:
    """Triple exponential moving average: as `dema`, with still less lag.

    t = 3 a - 3 b + c,  a = ema(n) of the price,  b = ema(n) of a,  c = ema(n) of b

    Args:
        n: rows of the three means, at least 1.
        seed: what each mean starts from: "sma", the plain mean of its first n values (TA-Lib), or "first", the first.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN for the first 3 (n - 1) prices of a symbol (none
            of them if seed is "first").

    Raises:
        ValueError: if n is not a whole number of at least 1, or seed is neither.

    Source: P. Mulloy, Smoothing data with less lag, Stocks & Commodities 12, 1994; TA-Lib, function TEMA.
    """
    n = row_count("tema", "n", n)
    params = Ema(2.0 / (n + 1.0), seed_rows("tema", seed, n))
    return _nested(_tema, params, 3, price, out)


def t3(n: int = 5, factor: float = 0.7, *, seed: str = "sma", price: str = "close", out: str = "t3") -> Feature:
    """Tillson's T3: a generalised `dema`, taken three times over.

    g(x) = (1 + v) ema(n) of x - v ema(n) of ema(n) of x,  t = g(g(g(p))), v the factor; with c to f the third to sixth
    mean of means: t = (1 + v)^3 c - 3 v (1 + v)^2 d + 3 v^2 (1 + v) e - v^3 f.

    Args:
        n: rows of the six means, at least 1.
        factor: v, 0 (a triple mean of means) to 1 (`dema` three times over).
        seed: what each mean starts from: "sma", the plain mean of its first n values (TA-Lib), or "first", the first.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN for the first 6 (n - 1) prices of a symbol (none
            of them if seed is "first").

    Raises:
        ValueError: if n is not a whole number of at least 1, factor lies outside 0 to 1, or seed is neither.

    Source: T. Tillson, Smoothing techniques for more accurate signals, Stocks & Commodities 16, 1998; TA-Lib, function
        T3.
    """
    n = row_count("t3", "n", n)
    if not 0.0 <= number("t3", "factor", factor) <= 1.0:
        raise ValueError(f"t3: factor must be from 0 to 1, got {factor}")
    v, u = float(factor), 1.0 + factor
    params = T3(2.0 / (n + 1.0), seed_rows("t3", seed, n), u**3, -3.0 * v * u**2, 3.0 * v**2 * u, -(v**3))
    return _nested(_t3, params, 6, price, out)


def seed_rows(who: str, seed: str, n: int) -> int:
    """Rows in the plain mean that an exponential mean of n rows starts from.

    Raises:
        ValueError: if seed is neither "sma" nor "first".
    """
    rows = {"sma": n, "first": 1}
    if seed not in rows:
        raise ValueError(f"{who}: seed must be 'sma' or 'first', got {seed!r}")
    return rows[seed]


def _once(params: Ema, price: str, out: str) -> Feature:
    warmup = params.seed - 1
    return Feature(_ema, params, MEAN, (price,), (out,), warmup, warmup + faded(params.weight), recursive=True)


def _nested(loop: Kernel, params: Ema | T3, times: int, price: str, out: str) -> Feature:
    warmup = times * (params.seed - 1)
    horizon = warmup + times * faded(params.weight)
    return Feature(loop, params, MEANS, (price,), (out,), warmup, horizon, recursive=True)
