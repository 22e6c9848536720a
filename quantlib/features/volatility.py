"""Volatility of log returns, per row (never annualised here)."""

from math import isnan, log, nan, sqrt

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.exact import ring_sum, slide
from quantlib.kernels.ring import window


@kernel
def _realised_volatility(p, memory, symbol, price, volatility):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring = m.ring
        last, seen, total, rest = m.price, m.seen, m.total, m.rest
        while i < price.size and symbol[i] == code:
            volatility[i] = nan
            if not isnan(price[i]):
                if not isnan(last):
                    r = log(price[i] / last)
                    total, rest = slide(total, rest, ring, seen, p.n, r * r)
                    seen += 1
                    high = total + rest
                    if isnan(high):
                        high, _, rest = ring_sum(ring, m.parts, seen, p.n)
                        total = high
                    volatility[i] = sqrt(high / p.n) if seen >= p.n else nan
                last = price[i]
            i += 1
        m.price, m.seen, m.total, m.rest = last, seen, total, rest


def realised_volatility(n: int = 20, *, price: str = "close", out: str = "realised_volatility") -> Feature:
    """Realised volatility: root mean square of the last n log returns.

    v[t] = sqrt((r[t]^2 + … + r[t-n+1]^2) / n),  r[t] = log(p[t] / p[t-1])

    Args:
        n: returns in the window, at least 1.
        price: column read. (rows,) float64, quote currency, positive or NaN.
        out: column written. (rows,) float64, a fraction per row, not annualised; NaN until the (n+1)-th price of a
            symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: T. G. Andersen, T. Bollerslev, F. X. Diebold, P. Labys, The distribution of realized exchange rate
        volatility, J. Am. Stat. Assoc. 96, 2001.
    Differs: the mean in place of the sum, so that it stays a volatility per row; times sqrt(n) it is theirs.
    """
    n = row_count("realised_volatility", "n", n)
    fields = [("price", "f8"), ("total", "f8"), ("rest", "f8"), ("seen", "i8"), *window(n, "ring")]
    blank = np.zeros((), fields)
    blank["price"] = nan
    return Feature(_realised_volatility, Window(n), blank, (price,), (out,), warmup=n, horizon=n)
