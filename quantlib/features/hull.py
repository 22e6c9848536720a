"""Hull's mean: a weighted mean whose lag is taken out by a faster one."""

from math import isnan, isqrt, nan
from typing import NamedTuple

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import kernel
from quantlib.kernels.halves import fits, halves, level_sums, line_sum, refit_line, slid, summed


class Hull(NamedTuple):
    n: int  # rows of the long mean
    half: int  # rows of the short one
    root: int  # rows of the mean of what both make


SUMS = ("s", "s_low", "w", "w_low", "r", "r_low", "v", "v_low")
LAST = ("last_cut", "last_fine", "last_limit", "q", "q_low", "u", "u_low")


@kernel
def _hma(p, memory, symbol, price, mean):
    """s and w are the sums of the long mean, r and v of the short one, q and u of the last one."""
    i = 0
    n, half, root = float(p.n), float(p.half), float(p.root)
    over, half_over, root_over = n * (n + 1.0) / 2.0, half * (half + 1.0) / 2.0, root * (root + 1.0) / 2.0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, leads, mask = m.ring, m.leads, m.ring.size - 1
        seen, cut, fine, limit = m.seen, m.cut, m.fine, m.limit
        s, s_low, w, w_low, r, r_low, v, v_low = m.s, m.s_low, m.w, m.w_low, m.r, m.r_low, m.v, m.v_low
        last_cut, last_fine, last_limit = m.last_cut, m.last_fine, m.last_limit
        q, q_low, u, u_low = m.q, m.q_low, m.u, m.u_low
        while i < price.size and symbol[i] == code:
            x = price[i]
            mean[i] = nan
            i += 1
            if isnan(x):
                continue
            high, low = halves(x, cut)
            if fits(x, low, fine, limit):
                old, old_low = halves(ring[(seen - p.n) & mask], cut)
                s, s_low, w, w_low = slid(s, s_low, w, w_low, n, high, low, old, old_low)
                old, old_low = halves(ring[(seen - p.half) & mask], cut)
                r, r_low, v, v_low = slid(r, r_low, v, v_low, half, high, low, old, old_low)
                ring[seen & mask] = x
                seen += 1
                long, short = w + w_low, v + v_low
            else:
                ring[seen & mask] = x
                seen += 1
                cut, fine, limit, s, s_low, w, w_low = refit_line(ring, seen, p.n, over)
                r, r_low, v, v_low = level_sums(ring, seen, p.half, cut)
                long = line_sum(ring, m.products, m.parts, seen, p.n, 1.0, 0.0)
                short = line_sum(ring, m.products, m.parts, seen, p.half, 1.0, 0.0)
            known = seen - p.n  # leads before this one
            if known < 0:
                continue
            lead = 2.0 * short / half_over - long / over
            high, low = halves(lead, last_cut)
            if fits(lead, low, last_fine, last_limit):
                old, old_low = halves(leads[(known - p.root) & mask], last_cut)
                q, q_low, u, u_low = slid(q, q_low, u, u_low, root, high, low, old, old_low)
                leads[known & mask] = lead
                total = u + u_low
            else:
                leads[known & mask] = lead
                last_cut, last_fine, last_limit, q, q_low, u, u_low = refit_line(leads, known + 1, p.root, root_over)
                total = line_sum(leads, m.products, m.parts, known + 1, p.root, 1.0, 0.0)
            mean[i - 1] = total / root_over if known + 1 >= p.root else nan
        m.seen, m.cut, m.fine, m.limit = seen, cut, fine, limit
        m.s, m.s_low, m.w, m.w_low, m.r, m.r_low, m.v, m.v_low = s, s_low, w, w_low, r, r_low, v, v_low
        m.last_cut, m.last_fine, m.last_limit = last_cut, last_fine, last_limit
        m.q, m.q_low, m.u, m.u_low = q, q_low, u, u_low


def hma(n: int = 20, *, price: str = "close", out: str = "hma") -> Feature:
    """Hull moving average.

    lead = 2 wma(n // 2) - wma(n),  h = wma(floor(sqrt(n))) of lead; each weighted sum exact and rounded once.

    Args:
        n: rows of the long mean, at least 2.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN for the first n + floor(sqrt(n)) - 2 prices of a
            symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: A. Hull, How to reduce lag in a moving average, 2005.
    Differs: n / 2 and sqrt(n) are rounded down, where some charts round them.
    """
    n = row_count("hma", "n", n, 2)
    params = Hull(n, n // 2, isqrt(n))
    blank = summed(n, *SUMS, *LAST, rings=("ring", "leads"), products=2 * n)
    memory = n + params.root - 2
    return Feature(_hma, params, blank, (price,), (out,), warmup=memory, horizon=memory)
