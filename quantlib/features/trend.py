"""Where the price has been: means of it, and the distance between two of them."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import faded, row_count
from quantlib.jit import kernel
from quantlib.kernels.ewm import ewm
from quantlib.kernels.exact import ring_sum, slide
from quantlib.kernels.ring import window


class Sma(NamedTuple):
    n: int  # rows in the window


class Ema(NamedTuple):
    weight: float  # of the newest row, in (0, 1]
    seed: int  # rows in the plain mean that it starts from


class Macd(NamedTuple):
    fast: float  # weight of the newest row in the fast mean
    slow: float
    signal: float
    skip: int  # rows before the fast mean starts
    fast_seed: int  # rows in the plain mean that the fast mean starts from
    slow_seed: int
    signal_seed: int


MEAN = np.zeros((), [("mean", "f8"), ("seen", "i8")])
MEANS = np.zeros((), [("fast", "f8"), ("slow", "f8"), ("signal", "f8"), ("seen", "i8")])


@kernel
def _sma(p, memory, symbol, price, mean):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring = m.ring
        seen, total, rest = m.seen, m.total, m.rest
        while i < price.size and symbol[i] == code:
            mean[i] = nan
            if not isnan(price[i]):
                total, rest = slide(total, rest, ring, seen, p.n, price[i])
                seen += 1
                if isnan(total + rest):
                    total, _, rest = ring_sum(ring, m.parts, seen, p.n)
                    mean[i] = total / p.n if seen >= p.n else nan
                elif seen >= p.n:
                    mean[i] = (total + rest) / p.n
            i += 1
        m.seen, m.total, m.rest = seen, total, rest


@kernel
def _ema(p, memory, symbol, price, mean):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, now = m.seen, m.mean
        while i < price.size and symbol[i] == code:
            mean[i] = nan
            if not isnan(price[i]):
                now = ewm(now, price[i], seen, p.seed, p.weight)
                seen += 1
                mean[i] = now if seen >= p.seed else nan
            i += 1
        m.seen, m.mean = seen, now


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


def sma(n: int = 20, *, price: str = "close", out: str = "sma") -> Feature:
    """Simple moving average.

    s[t] = (p[t] + … + p[t-n+1]) / n, the sum exact and rounded once.

    Args:
        n: rows in the window, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TA-Lib, function SMA.
    """
    n = row_count("sma", "n", n)
    fields = [("total", "f8"), ("rest", "f8"), ("seen", "i8"), *window(n, "ring")]
    return Feature(_sma, Sma(n), np.zeros((), fields), (price,), (out,), warmup=n - 1, horizon=n - 1)


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
    params = Ema(2.0 / (n + 1.0), _seed_rows("ema", seed, n))
    horizon = params.seed - 1 + faded(params.weight)
    return Feature(_ema, params, MEAN, (price,), (out,), params.seed - 1, horizon, recursive=True)


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
    fast_seed, slow_seed, signal_seed = (_seed_rows("macd", seed, n) for n in counts)
    params = Macd(a, b, c, slow_seed - fast_seed, fast_seed, slow_seed, signal_seed)
    warmup = params.slow_seed + params.signal_seed - 2
    horizon = warmup + faded(params.slow) + faded(params.signal)
    outputs = (out, f"{out}_signal", f"{out}_histogram")
    return Feature(_macd, params, MEANS, (price,), outputs, warmup, horizon, recursive=True)


def _seed_rows(who: str, seed: str, n: int) -> int:
    rows = {"sma": n, "first": 1}
    if seed not in rows:
        raise ValueError(f"{who}: seed must be 'sma' or 'first', got {seed!r}")
    return rows[seed]
