"""A mean that is fast where the price goes somewhere, and slow where it goes nowhere."""

from math import isnan, nan
from typing import NamedTuple

from quantlib.core import Feature
from quantlib.features.rows import faded, row_count
from quantlib.jit import kernel
from quantlib.kernels.ewm import toward
from quantlib.kernels.halves import fits, halves, refit, summed


class Kama(NamedTuple):
    n: int  # moves that efficiency is measured over
    fast: float  # weight of the newest price in the fastest mean
    slow: float  # and in the slowest


@kernel
def _kama(p, memory, symbol, price, mean):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, prices, mask = m.ring, m.prices, m.ring.size - 1
        seen, now, last, way, way_low = m.seen, m.now, m.last, m.way, m.way_low
        cut, fine, limit = m.cut, m.fine, m.limit
        while i < price.size and symbol[i] == code:
            x = price[i]
            mean[i] = nan
            i += 1
            step = abs(x - last)
            high, low = halves(step, cut)
            if fits(step, low, fine, limit):
                old, old_low = halves(ring[(seen - p.n) & mask], cut)
                way += high - old
                way_low += low - old_low
                ring[seen & mask] = step
                total = way + way_low
            elif isnan(x):
                continue
            elif isnan(step):  # the first price makes no move
                prices[0] = now = last = x
                continue
            else:
                ring[seen & mask] = step
                cut, fine, limit, way, way_low, total = refit(ring, m.parts, seen + 1, p.n)
            seen += 1
            last = x
            prices[seen & mask] = x
            if seen >= p.n:
                gone = abs(x - prices[(seen - p.n) & mask])
                efficiency = gone / total if gone < total else 1.0
                weight = p.slow + efficiency * (p.fast - p.slow)
                now = toward(now, x, weight * weight)
                mean[i - 1] = now
            else:
                now = x
        m.seen, m.now, m.last, m.way, m.way_low = seen, now, last, way, way_low
        m.cut, m.fine, m.limit = cut, fine, limit


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
