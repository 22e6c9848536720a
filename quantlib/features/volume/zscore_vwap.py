"""Price against the price at which volume traded."""

from math import isnan, nan, sqrt

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.moments import excess, variance
from quantlib.kernels.weighed import weighed, weighed_fields


@kernel
def _zscore_vwap(p, memory, symbol, price, volume, z):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        while i < price.size and symbol[i] == code:
            x, v = price[i], volume[i]
            z[i] = nan
            if not isnan(x + v):
                w, w_low, s, s_low, q, q_low = weighed(m, p.n, x, v)
                if m.seen >= p.n:
                    wide = variance(w, w_low, s, s_low, q, q_low)
                    z[i] = excess(x, w, w_low, s, s_low) / sqrt(wide) if wide > 0.0 else 0.0
            i += 1


def zscore_vwap(n: int = 20, *, price: str = "close", volume: str = "volume", out: str = "zscore_vwap") -> Feature:
    """How many standard deviations the price lies from the volume-weighted average price of the last n rows.

    z = (p - V) / σ,  V = sum(v p) / sum(v),  σ^2 = sum(v (p - V)^2) / sum(v), sums over the last n rows.
    0 where no volume traded or σ is below 2^-49 of the price.

    Args:
        n: rows in the window, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing either is missing.
        out: column written. (rows,) float64, standard deviations; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: the deviation bands of TradingView's VWAP, over n rows in place of a session.
    """
    n = row_count("zscore_vwap", "n", n)
    blank = np.zeros((), weighed_fields(n))
    return Feature(_zscore_vwap, Window(n), blank, (price, volume), (out,), warmup=n - 1, horizon=n - 1)
