"""Plain means of the last n prices: of the prices, and of the prices weighted with their volume."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.blocks import BLOCK, ONE, alone, plane, scratch, settled, steady
from quantlib.kernels.lines import summed
from quantlib.kernels.sums import window_sum, window_sums


@kernel
def _sma(p, memory, symbol, price, mean):
    i, size = np.uint64(0), np.uint64(price.size)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _sma_rows(m, p.n, symbol, price, mean, i)
            continue
        mean[i] = nan
        if not isnan(price[i]):
            m.s, m.s_low, m.unit, s = window_sum(m.s, m.s_low, m.unit, m.ring, m.parts, m.seen, p.n, price[i])
            m.seen += 1
            if m.seen >= p.n:
                mean[i] = s / p.n
        i += ONE


@kernel
def _sma_rows(m, n, symbol, price, mean, i):
    count = steady(symbol, i, BLOCK, price, price)
    m.s, m.s_low, m.unit = window_sums(m.s, m.s_low, m.unit, m.ring, m.parts, m.seen, n, price, i, mean, i, count)
    m.seen += np.int64(count)
    for j in range(i, i + count):
        mean[j] /= n
    return settled(mean, i, count, m.seen, n)


@kernel
def _vwma(p, memory, symbol, price, volume, mean):
    i, size = np.uint64(0), np.uint64(price.size)
    while i < size:
        m = memory[symbol[i]]
        if not alone(symbol, i):
            i += _vwma_rows(m, p.n, symbol, price, volume, mean, i)
            continue
        mean[i] = nan
        if not isnan(price[i] + volume[i]):
            product = price[i] * volume[i]
            m.s, m.s_low, m.unit, s = window_sum(m.s, m.s_low, m.unit, m.ring, m.parts, m.seen, p.n, product)
            m.v, m.v_low, m.v_unit, v = window_sum(m.v, m.v_low, m.v_unit, m.volumes, m.v_parts, m.seen, p.n, volume[i])
            m.seen += 1
            if m.seen >= p.n:
                mean[i] = s / v if v > 0.0 else price[i]
        i += ONE


@kernel
def _vwma_rows(m, n, symbol, price, volume, mean, i):
    volumes, none = scratch(), plane(0)
    count = steady(symbol, i, BLOCK, price, volume)
    for j in range(i, i + count):
        mean[j] = price[j] * volume[j]
    m.s, m.s_low, m.unit = window_sums(m.s, m.s_low, m.unit, m.ring, m.parts, m.seen, n, mean, i, mean, i, count)
    m.v, m.v_low, m.v_unit = window_sums(
        m.v, m.v_low, m.v_unit, m.volumes, m.v_parts, m.seen, n, volume, i, volumes, none, count
    )
    m.seen += np.int64(count)
    for j in range(count):
        mean[i + j] = mean[i + j] / volumes[j] if volumes[j] > 0.0 else price[i + j]
    return settled(mean, i, count, m.seen, n)


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
    return Feature(_sma, Window(n), summed(n, "s", "s_low"), (price,), (out,), warmup=n - 1, horizon=n - 1)


def vwma(n: int = 20, *, price: str = "close", volume: str = "volume", out: str = "vwma") -> Feature:
    """Volume-weighted moving average.

    v[t] = sum(v p) / sum(v) over the last n rows, sums of the rounded products exact; p[t] where no volume traded.

    Args:
        n: rows in the window, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing either is missing.
        out: column written. (rows,) float64, in the unit of price; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: TradingView, function ta.vwma: sma(price x volume) over sma(volume).
    Differs: theirs has no value where no volume traded.
    """
    n = row_count("vwma", "n", n)
    numbers = ("s", "s_low", "v", "v_low", "v_unit")
    blank = summed(n, *numbers, rings=("ring", "volumes", "v_parts"))
    return Feature(_vwma, Window(n), blank, (price, volume), (out,), warmup=n - 1, horizon=n - 1)
