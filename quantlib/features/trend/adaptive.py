"""A mean that is fast where the price goes somewhere, and slow where it goes nowhere."""

from math import isnan, nan
from typing import NamedTuple

from quantlib.core import Feature
from quantlib.features.rows import faded, row_count
from quantlib.jit import kernel
from quantlib.kernels.ewm import toward
from quantlib.kernels.lines import bounds, cut, fits, summed
from quantlib.kernels.sliding import gather, room_for


class Kama(NamedTuple):
    n: int  # moves that efficiency is measured over
    fast: float  # weight of the newest price in the fastest mean
    slow: float  # and in the slowest


@kernel
def _kama(p, memory, symbol, price, mean):
    i = 0
    room = room_for(p.n)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, prices, mask = m.ring, m.prices, m.ring.size - 1
        seen, unit, now, last, way, way_low = m.seen, m.unit, m.now, m.last, m.way, m.way_low
        fine, limit = bounds(unit, room)
        while i < price.size and symbol[i] == code:
            x = price[i]
            mean[i] = nan
            i += 1
            step = abs(x - last)
            high, low = cut(step, unit)
            if fits(step, low, fine, limit):
                old, old_low = cut(ring[(seen - p.n) & mask], unit)
                way += high - old
                way_low += low - old_low
                ring[seen & mask] = step
                seen += 1
            elif isnan(x):
                continue
            elif not isnan(step):
                ring[seen & mask] = step
                seen += 1
                way, way_low, unit = gather(ring, m.parts, seen, p.n, room)
                fine, limit = bounds(unit, room)
            if seen >= p.n:
                gone, total = abs(x - prices[(seen - p.n) & mask]), way + way_low
                efficiency = gone / total if gone < total else 1.0
                weight = p.slow + efficiency * (p.fast - p.slow)
                now = toward(now, x, weight * weight)
                mean[i - 1] = now
            else:
                now = x
            last = prices[seen & mask] = x
        m.seen, m.unit, m.now, m.last, m.way, m.way_low = seen, unit, now, last, way, way_low


def kama(n: int = 10, fast: int = 2, slow: int = 30, *, price: str = "close", out: str = "kama") -> Feature:
    """Kaufman's adaptive moving average.

    k[t] = k[t-1] + c^2 (p[t] - k[t-1]),  c = s + e (f - s),  f = 2 / (fast + 1),  s = 2 / (slow + 1),
    e = |p[t] - p[t-n]| / (|p[t] - p[t-1]| + … + |p[t-n+1] - p[t-n]|), the efficiency: its sum is exact, and e = 1 where
    the price stood still. k starts from p[n-1], the price before the first k.

    Args:
        n: moves that efficiency is measured over, at least 1.
        fast: rows of the mean where the price goes straight, at least 1.
        slow: rows of the mean where it goes nowhere, more than fast.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the (n+1)-th price of a symbol.

    Raises:
        ValueError: if a count of rows is too small, or fast is not below slow.

    Source: P. J. Kaufman, Trading Systems and Methods, 4th ed., 2005, ch. 17; TA-Lib, function KAMA.
    Differs: TA-Lib has fast = 2 and slow = 30 always, and sums the moves by add and subtract.
    """
    counts = [row_count("kama", name, rows) for name, rows in (("n", n), ("fast", fast), ("slow", slow))]
    n, fast, slow = counts
    if fast >= slow:
        raise ValueError(f"kama: fast must be below slow, got fast={fast} and slow={slow}")
    params = Kama(n, 2.0 / (fast + 1.0), 2.0 / (slow + 1.0))
    blank = summed(n, "now", "last", "way", "way_low", rings=("ring", "prices"))
    blank["last"] = nan
    return Feature(_kama, params, blank, (price,), (out,), n, n + faded(params.slow**2), recursive=True)
