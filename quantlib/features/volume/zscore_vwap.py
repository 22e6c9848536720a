"""Price against the price at which volume traded."""

from math import isnan, nan, sqrt

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.jit import kernel
from quantlib.kernels.exact import ring_sum, slide, two_product, two_sum
from quantlib.kernels.moments import excess, variance
from quantlib.kernels.ring import window

SUMS = ("w", "s", "t", "q", "r")  # of volume; of price x volume and its error; of price^2 x volume and its error


@kernel
def _zscore_vwap(p, memory, symbol, price, volume, z):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ws, ss, ts, qs, rs = m.ws, m.ss, m.ts, m.qs, m.rs
        w, s, t, q, r = m.w, m.s, m.t, m.q, m.r
        w_rest, s_rest, t_rest, q_rest, r_rest = m.w_rest, m.s_rest, m.t_rest, m.q_rest, m.r_rest
        seen = m.seen
        while i < price.size and symbol[i] == code:
            x, v = price[i], volume[i]
            z[i] = nan
            if not isnan(x + v):
                paid, paid_error = two_product(x, v)
                square, square_error = two_product(x, paid)
                square_error += x * paid_error
                w, w_rest = slide(w, w_rest, ws, seen, p.n, v)
                s, s_rest = slide(s, s_rest, ss, seen, p.n, paid)
                t, t_rest = slide(t, t_rest, ts, seen, p.n, paid_error)
                q, q_rest = slide(q, q_rest, qs, seen, p.n, square)
                r, r_rest = slide(r, r_rest, rs, seen, p.n, square_error)
                seen += 1
                a, a_low = two_sum(w, w_rest)
                b, b_low = two_sum(s, s_rest)
                c = t + t_rest
                d, d_low = two_sum(q, q_rest)
                e = r + r_rest
                if isnan(a + b + c + d + e):
                    a, a_low, w_rest = ring_sum(ws, m.parts, seen, p.n)
                    b, b_low, s_rest = ring_sum(ss, m.parts, seen, p.n)
                    c, _, t_rest = ring_sum(ts, m.parts, seen, p.n)
                    d, d_low, q_rest = ring_sum(qs, m.parts, seen, p.n)
                    e, _, r_rest = ring_sum(rs, m.parts, seen, p.n)
                    w, s, t, q, r = a, b, c, d, e
                if seen >= p.n:
                    spread = variance(a, a_low, b, b_low + c, d, d_low + e)
                    z[i] = excess(x, a, a_low, b, b_low + c) / sqrt(spread) if spread > 0.0 else 0.0
            i += 1
        m.seen = seen
        m.w, m.s, m.t, m.q, m.r = w, s, t, q, r
        m.w_rest, m.s_rest, m.t_rest, m.q_rest, m.r_rest = w_rest, s_rest, t_rest, q_rest, r_rest


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
    numbers = [(name + end, "f8") for name in SUMS for end in ("", "_rest")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "ws", "ss", "ts", "qs", "rs")])
    return Feature(_zscore_vwap, Window(n), blank, (price, volume), (out,), warmup=n - 1, horizon=n - 1)
