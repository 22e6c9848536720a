"""Plain means of the last n prices: of the prices, and of the prices weighted with their volume."""

from math import isnan, nan

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.halves import fits, halves, refit, summed


@kernel
def _sma(p, memory, symbol, price, mean):
    i = 0
    n = float(p.n)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, mask = m.ring, m.ring.size - 1
        seen, highs, lows, cut, fine, limit = m.seen, m.highs, m.lows, m.cut, m.fine, m.limit
        while i < price.size and symbol[i] == code:
            x = price[i]
            high, low = halves(x, cut)
            if fits(x, low, fine, limit):
                old_high, old_low = halves(ring[(seen - p.n) & mask], cut)
                highs += high - old_high
                lows += low - old_low
                ring[seen & mask] = x
                seen += 1
                mean[i] = (highs + lows) / n if seen >= p.n else nan
            elif isnan(x):
                mean[i] = nan
            else:
                ring[seen & mask] = x
                seen += 1
                cut, fine, limit, highs, lows, total = refit(ring, m.parts, seen, p.n)
                mean[i] = total / n if seen >= p.n else nan
            i += 1
        m.seen, m.highs, m.lows, m.cut, m.fine, m.limit = seen, highs, lows, cut, fine, limit


@kernel
def _vwma(p, memory, symbol, price, volume, mean):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        paid, volumes, mask = m.ring, m.volumes, m.ring.size - 1
        seen, s, s_low, v, v_low = m.seen, m.s, m.s_low, m.v, m.v_low
        cut, fine, limit, v_cut, v_fine, v_limit = m.cut, m.fine, m.limit, m.v_cut, m.v_fine, m.v_limit
        while i < price.size and symbol[i] == code:
            x, y = price[i] * volume[i], volume[i]
            mean[i] = nan
            i += 1
            high, low = halves(x, cut)
            y_high, y_low = halves(y, v_cut)
            if fits(x, low, fine, limit) and fits(y, y_low, v_fine, v_limit):
                old, old_low = halves(paid[(seen - p.n) & mask], cut)
                s += high - old
                s_low += low - old_low
                old, old_low = halves(volumes[(seen - p.n) & mask], v_cut)
                v += y_high - old
                v_low += y_low - old_low
                paid[seen & mask], volumes[seen & mask] = x, y
                top, bottom = s + s_low, v + v_low
            elif isnan(price[i - 1] + y):
                continue
            else:
                paid[seen & mask], volumes[seen & mask] = x, y
                cut, fine, limit, s, s_low, top = refit(paid, m.parts, seen + 1, p.n)
                v_cut, v_fine, v_limit, v, v_low, bottom = refit(volumes, m.parts, seen + 1, p.n)
            seen += 1
            if seen >= p.n:
                mean[i - 1] = top / bottom if bottom > 0.0 else price[i - 1]
        m.seen, m.s, m.s_low, m.v, m.v_low = seen, s, s_low, v, v_low
        m.cut, m.fine, m.limit, m.v_cut, m.v_fine, m.v_limit = cut, fine, limit, v_cut, v_fine, v_limit


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
    return Feature(_sma, Window(n), summed(n, "highs", "lows"), (price,), (out,), warmup=n - 1, horizon=n - 1)


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
    numbers = ("s", "s_low", "v", "v_low", "v_cut", "v_fine", "v_limit")
    blank = summed(n, *numbers, rings=("ring", "volumes"))
    return Feature(_vwma, Window(n), blank, (price, volume), (out,), warmup=n - 1, horizon=n - 1)
