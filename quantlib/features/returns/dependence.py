"""Whether a return depends on the returns before it."""

from math import isnan, log, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import kernel
from quantlib.kernels.pairs import covariance
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum

ROUNDING = 2.0**-40  # of a mean square: a variance below that is the rounding of the returns


class Autocorrelation(NamedTuple):
    lag: int  # rows between the two returns of a pair
    n: int  # pairs in the window


@kernel
def _autocorrelation(p, memory, symbol, price, correlation):
    n = float(p.n)
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        returns, squares, products, sums, spreads, parts = m.returns, m.squares, m.products, m.sums, m.spreads, m.parts
        last, seen = m.price, m.seen
        s, q, c, s_low, q_low, c_low = m.s, m.q, m.c, m.s_low, m.q_low, m.c_low
        s_unit, q_unit, c_unit = m.s_unit, m.q_unit, m.c_unit
        mask = returns.size - 1
        while i < price.size and symbol[i] == code:
            correlation[i] = nan
            if not isnan(price[i]):
                if not isnan(last):
                    r = log(price[i] / last)
                    before = (seen - p.lag) & mask
                    product = r * returns[before]  # 0 while there is none, and gone before it counts
                    s, s_low, s_unit, x = window_sum(s, s_low, s_unit, returns, parts, seen, p.n, r)
                    q, q_low, q_unit, xx = window_sum(q, q_low, q_unit, squares, parts, seen, p.n, r * r)
                    c, c_low, c_unit, xy = window_sum(c, c_low, c_unit, products, parts, seen, p.n, product)
                    spread = covariance(n, x, 0.0, x, 0.0, xx, 0.0)
                    spread = spread if spread * n > ROUNDING * xx else 0.0
                    if seen >= p.n + p.lag - 1:
                        both = spread * spreads[before]  # the older returns of the pairs were the window `lag` rows ago
                        correlation[i] = 0.0
                        if both > 0.0:
                            common = covariance(n, x, 0.0, sums[before], 0.0, xy, 0.0)
                            correlation[i] = min(max(common / sqrt(both), -1.0), 1.0)
                    sums[seen & mask], spreads[seen & mask] = x, spread
                    seen += 1
                last = price[i]
            i += 1
        m.price, m.seen = last, seen
        m.s, m.q, m.c, m.s_low, m.q_low, m.c_low = s, q, c, s_low, q_low, c_low
        m.s_unit, m.q_unit, m.c_unit = s_unit, q_unit, c_unit


def autocorrelation(lag: int = 1, n: int = 100, *, price: str = "close", out: str = "autocorrelation") -> Feature:
    """Rolling autocorrelation of log returns.

    Pearson's correlation of the last n pairs (r[t], r[t-lag]),  r[t] = log(p[t] / p[t-1]).
    0 where the returns of either side are alike (their variance below 2^-40 of their mean square).

    Args:
        lag: rows between the two returns of a pair, at least 1.
        n: pairs in the window, at least 2. Of independent returns it is 0 ± 1 / sqrt(n).
        price: column read. (rows,) float64, positive or NaN.
        out: column written. (rows,) float64, -1 to 1; NaN until the (n + lag + 1)-th price of a symbol.

    Raises:
        ValueError: if lag or n is out of range or not whole.

    Source: J. Y. Campbell, A. W. Lo, A. C. MacKinlay, The Econometrics of Financial Markets, 1997, sec. 2.4.1.
    Differs: each side of the pairs has its own mean and variance, as in pandas' `Series.autocorr`, which keeps it
        within -1 and 1.
    """
    lag = row_count("autocorrelation", "lag", lag)
    n = row_count("autocorrelation", "n", n, least=2)
    numbers = [(name + end, "f8") for name in ("s", "q", "c") for end in ("", "_low", "_unit")]
    rings = window(max(n, lag), "returns", "squares", "products", "sums", "spreads")
    blank = np.zeros((), [("seen", "i8"), ("price", "f8"), *numbers, *rings])
    blank["price"] = nan
    rows = n + lag
    return Feature(_autocorrelation, Autocorrelation(lag, n), blank, (price,), (out,), warmup=rows, horizon=rows)
