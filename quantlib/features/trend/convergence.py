"""How far a fast mean of the price is from a slow one, and how fast a mean goes."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import faded, row_count
from quantlib.features.trend.exponential import MEANS, Ema, seed_rows
from quantlib.jit import Kernel, kernel
from quantlib.kernels.ewm import ewm, start_means, toward


class Macd(NamedTuple):
    fast: float  # weight of the newest row in the fast mean
    slow: float
    signal: float
    skip: int  # rows before the fast mean starts
    fast_seed: int  # rows in the plain mean that the fast mean starts from
    slow_seed: int
    signal_seed: int


class Pair(NamedTuple):
    fast: float  # weight of the newest row in the fast mean
    slow: float
    fast_seed: int  # rows in the plain mean that the fast mean starts from
    slow_seed: int


TWO = np.zeros((), [("fast", "f8"), ("slow", "f8"), ("seen", "i8")])
THREE = np.zeros((), [("fast", "f8"), ("slow", "f8"), ("signal", "f8"), ("seen", "i8")])


@kernel
def _macd(p, memory, symbol, price, line, signal, histogram):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, fast, slow, smooth = m.seen, m.fast, m.slow, m.signal
        while i < price.size and symbol[i] == code:
            x = price[i]
            line[i] = signal[i] = histogram[i] = nan
            if not isnan(x):
                if seen >= p.skip:
                    fast = ewm(fast, x, seen - p.skip, p.fast_seed, p.fast)
                slow = ewm(slow, x, seen, p.slow_seed, p.slow)
                seen += 1
                known = seen - p.slow_seed  # lines before this one
                if known >= 0:
                    smooth = ewm(smooth, fast - slow, known, p.signal_seed, p.signal)
                    if known >= p.signal_seed - 1:
                        line[i], signal[i], histogram[i] = fast - slow, smooth, fast - slow - smooth
            i += 1
        m.seen, m.fast, m.slow, m.signal = seen, fast, slow, smooth


@kernel
def _apo(p, memory, symbol, price, gap):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, fast, slow = m.seen, m.fast, m.slow
        while i < price.size and symbol[i] == code:
            x = price[i]
            gap[i] = nan
            if not isnan(x):
                fast = ewm(fast, x, seen, p.fast_seed, p.fast)
                slow = ewm(slow, x, seen, p.slow_seed, p.slow)
                seen += 1
                if seen >= p.slow_seed:
                    gap[i] = fast - slow
            i += 1
        m.seen, m.fast, m.slow = seen, fast, slow


@kernel
def _ppo(p, memory, symbol, price, percent):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, fast, slow = m.seen, m.fast, m.slow
        while i < price.size and symbol[i] == code:
            x = price[i]
            percent[i] = nan
            if not isnan(x):
                fast = ewm(fast, x, seen, p.fast_seed, p.fast)
                slow = ewm(slow, x, seen, p.slow_seed, p.slow)
                seen += 1
                if seen >= p.slow_seed:
                    percent[i] = 100.0 * ((fast - slow) / slow) if slow != 0.0 else 0.0
            i += 1
        m.seen, m.fast, m.slow = seen, fast, slow


@kernel
def _trix(p, memory, symbol, price, percent):
    i = 0
    first = 3 * (p.seed - 1)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, a, b, c = m.seen, m.a, m.b, m.c
        while i < price.size and symbol[i] == code:
            x = price[i]
            percent[i] = nan
            if not isnan(x):
                last = c
                if seen > first:
                    a = toward(a, x, p.weight)
                    b = toward(b, a, p.weight)
                    c = toward(c, b, p.weight)
                    percent[i] = 100.0 * (c / last - 1.0) if last != 0.0 else 0.0
                else:
                    a, b, c, _, _, _ = start_means(x, seen, p.seed, p.weight, a, b, c, 0.0, 0.0, 0.0)
                    seen += 1
            i += 1
        m.seen, m.a, m.b, m.c = seen, a, b, c


def macd(
    fast: int = 12, slow: int = 26, signal: int = 9, *, seed: str = "sma", price: str = "close", out: str = "macd"
) -> Feature:
    """Moving average convergence and divergence.

    line = ema(fast) - ema(slow),  signal = ema(signal) of the line,  histogram = line - signal

    Args:
        fast: rows of the fast mean, at least 1.
        slow: rows of the slow mean, more than fast.
        signal: rows of the mean of the line, at least 1.
        seed: what the means start from. "sma": plain means of the slow-th first prices, of the `fast` prices up to
            that same row, and of the first `signal` lines (TA-Lib). "first": the first price and the first line
            (TradingView; pandas `ewm(adjust=False)`). The two differ by less than 1e-9 of the prices' range after
            about 11 (slow + signal) rows.
        price: column read. (rows,) float64, any unit, or NaN.
        out: columns written: `out`, `out_signal`, `out_histogram`. (rows,) float64, in the unit of price; NaN for the
            first slow + signal - 2 prices of a symbol (none of them if seed is "first").

    Raises:
        ValueError: if a count of rows is too small, fast is not below slow, or seed is neither.

    Source: TA-Lib, function MACD.
    """
    counts = [row_count("macd", name, n) for name, n in (("fast", fast), ("slow", slow), ("signal", signal))]
    if fast >= slow:
        raise ValueError(f"macd: fast must be below slow, got fast={fast} and slow={slow}")
    a, b, c = (2.0 / (n + 1.0) for n in counts)
    fast_seed, slow_seed, signal_seed = (seed_rows("macd", seed, n) for n in counts)
    params = Macd(a, b, c, slow_seed - fast_seed, fast_seed, slow_seed, signal_seed)
    warmup = params.slow_seed + params.signal_seed - 2
    horizon = warmup + faded(params.slow) + faded(params.signal)
    outputs = (out, f"{out}_signal", f"{out}_histogram")
    return Feature(_macd, params, THREE, (price,), outputs, warmup, horizon, recursive=True)


def apo(fast: int = 12, slow: int = 26, *, seed: str = "sma", price: str = "close", out: str = "apo") -> Feature:
    """Absolute price oscillator.

    a = ema(fast) - ema(slow)

    Args:
        fast: rows of the fast mean, at least 1.
        slow: rows of the slow mean, more than fast.
        seed: what each mean starts from: "sma", the plain mean of its own first prices (TA-Lib), or "first", the first.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the slow-th price of a symbol (finite from
            the first if seed is "first").

    Raises:
        ValueError: if a count of rows is too small, fast is not below slow, or seed is neither.

    Source: TA-Lib, function APO with matype 1.
    Differs: TA-Lib's default is the gap between two plain means (matype 0). The line of `macd` is the same gap, but
        there the fast mean starts as late as the slow one.
    """
    return _pair(_apo, "apo", fast, slow, seed, price, out)


def ppo(fast: int = 12, slow: int = 26, *, seed: str = "sma", price: str = "close", out: str = "ppo") -> Feature:
    """Percentage price oscillator: `apo` in percent of the slow mean.

    o = 100 (ema(fast) - ema(slow)) / ema(slow); 0 where the slow mean is 0.

    Args:
        fast: rows of the fast mean, at least 1.
        slow: rows of the slow mean, more than fast.
        seed: what each mean starts from: "sma", the plain mean of its own first prices (TA-Lib), or "first", the first.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, percent; NaN until the slow-th price of a symbol (finite from the first if
            seed is "first").

    Its customary signal line is `ema(9, price="ppo")`.

    Raises:
        ValueError: if a count of rows is too small, fast is not below slow, or seed is neither.

    Source: TA-Lib, function PPO with matype 1.
    Differs: TA-Lib's default is the gap between two plain means (matype 0).
    """
    return _pair(_ppo, "ppo", fast, slow, seed, price, out)


def trix(n: int = 15, *, seed: str = "sma", price: str = "close", out: str = "trix") -> Feature:
    """Rate of change of a triple exponential mean.

    x[t] = 100 (c[t] / c[t-1] - 1),  c = ema(n) of ema(n) of ema(n) of the price; 0 where c[t-1] is 0.

    Args:
        n: rows of the three means, at least 1.
        seed: what each mean starts from: "sma", the plain mean of its first n values (TA-Lib), or "first", the first.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, percent per row; NaN for the first 3 (n - 1) + 1 prices of a symbol (only
            for the first if seed is "first").

    Raises:
        ValueError: if n is not a whole number of at least 1, or seed is neither.

    Source: J. K. Hutson, Good TRIX, Stocks & Commodities 1, 1983; TA-Lib, function TRIX.
    """
    n = row_count("trix", "n", n)
    params = Ema(2.0 / (n + 1.0), seed_rows("trix", seed, n))
    warmup = 3 * (params.seed - 1) + 1
    horizon = warmup + 3 * faded(params.weight)
    return Feature(_trix, params, MEANS, (price,), (out,), warmup, horizon, recursive=True)


def _pair(loop: Kernel, who: str, fast: int, slow: int, seed: str, price: str, out: str) -> Feature:
    fast, slow = row_count(who, "fast", fast), row_count(who, "slow", slow)
    if fast >= slow:
        raise ValueError(f"{who}: fast must be below slow, got fast={fast} and slow={slow}")
    params = Pair(2.0 / (fast + 1.0), 2.0 / (slow + 1.0), seed_rows(who, seed, fast), seed_rows(who, seed, slow))
    warmup = params.slow_seed - 1
    return Feature(loop, params, TWO, (price,), (out,), warmup, warmup + faded(params.slow), recursive=True)
