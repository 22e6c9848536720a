"""Plain means of the last n prices: of the prices, and of the prices weighted with their volume."""

from math import isnan, nan

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.lines import bounds, cut, fits, summed
from quantlib.kernels.sliding import gather, room_for, slide


@kernel
def _sma(p, memory, symbol, price, mean):
    i = 0
    n, room = float(p.n), room_for(p.n)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, mask = m.ring, m.ring.size - 1
        seen, unit, s, s_low = m.seen, m.unit, m.s, m.s_low
        fine, limit = bounds(unit, room)
        while i < price.size and symbol[i] == code:
            x = price[i]
            high, low = cut(x, unit)
            if fits(x, low, fine, limit):
                old, old_low = cut(ring[(seen - p.n) & mask], unit)
                s += high - old
                s_low += low - old_low
                ring[seen & mask] = x
                seen += 1
                mean[i] = (s + s_low) / n if seen >= p.n else nan
            elif isnan(x):
                mean[i] = nan
            else:
                ring[seen & mask] = x
                seen += 1
                s, s_low, unit = gather(ring, m.parts, seen, p.n, room)
                fine, limit = bounds(unit, room)
                mean[i] = (s + s_low) / n if seen >= p.n else nan
            i += 1
        m.seen, m.unit, m.s, m.s_low = seen, unit, s, s_low


@kernel
def _vwma(p, memory, symbol, price, volume, mean):
    i = 0
    room = room_for(p.n)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, volumes, seen, unit, v_unit = m.ring, m.volumes, m.seen, m.unit, m.v_unit
        s, s_low, v, v_low = m.s, m.s_low, m.v, m.v_low
        while i < price.size and symbol[i] == code:
            mean[i] = nan
            if not isnan(price[i] + volume[i]):
                s, s_low = slide(s, s_low, unit, room, ring, seen, p.n, price[i] * volume[i])
                v, v_low = slide(v, v_low, v_unit, room, volumes, seen, p.n, volume[i])
                seen += 1
                if isnan(s_low + v_low):
                    s, s_low, unit = gather(ring, m.parts, seen, p.n, room)
                    v, v_low, v_unit = gather(volumes, m.parts, seen, p.n, room)
                if seen >= p.n:
                    mean[i] = (s + s_low) / (v + v_low) if v + v_low > 0.0 else price[i]
            i += 1
        m.seen, m.unit, m.v_unit = seen, unit, v_unit
        m.s, m.s_low, m.v, m.v_low = s, s_low, v, v_low


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
    blank = summed(n, *numbers, rings=("ring", "volumes"))
    return Feature(_vwma, Window(n), blank, (price, volume), (out,), warmup=n - 1, horizon=n - 1)
