"""Hull's mean: a weighted mean whose lag is taken out by a faster one."""

from math import isnan, isqrt, nan
from typing import NamedTuple

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import kernel
from quantlib.kernels.lines import bounds, cut, fits, gather_line, level_sums, line_sum, slid, summed
from quantlib.kernels.sliding import room_for


class Hull(NamedTuple):
    n: int  # rows of the long mean
    half: int  # rows of the short one
    root: int  # rows of the mean of what both make


SUMS = ("s", "s_low", "w", "w_low", "r", "r_low", "v", "v_low")
LAST = ("q", "q_low", "u", "u_low", "last_unit")


@kernel
def _hma(p, memory, symbol, price, mean):
    """s and w are the sums of the long mean, r and v of the short one, q and u of the last one."""
    i = 0
    over, half_over, root_over = _weights(p.n), _weights(p.half), _weights(p.root)
    room, last_room = room_for(over), room_for(root_over)
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, leads, mask = m.ring, m.leads, m.ring.size - 1
        seen, unit, last_unit = m.seen, m.unit, m.last_unit
        s, s_low, w, w_low, r, r_low, v, v_low = m.s, m.s_low, m.w, m.w_low, m.r, m.r_low, m.v, m.v_low
        q, q_low, u, u_low = m.q, m.q_low, m.u, m.u_low
        while i < price.size and symbol[i] == code:
            x = price[i]
            mean[i] = nan
            i += 1
            high, low = cut(x, unit)
            if fits(x, low, *bounds(unit, room)):
                old, old_low = cut(ring[(seen - p.n) & mask], unit)
                s, s_low, w, w_low = slid(s, s_low, w, w_low, p.n, high, low, old, old_low)
                old, old_low = cut(ring[(seen - p.half) & mask], unit)
                r, r_low, v, v_low = slid(r, r_low, v, v_low, p.half, high, low, old, old_low)
                ring[seen & mask] = x
                long, short = w + w_low, v + v_low
            elif isnan(x):
                continue
            else:
                ring[seen & mask] = x
                s, s_low, w, w_low, unit = gather_line(ring, m.parts, seen + 1, p.n, room)
                r, r_low, v, v_low = level_sums(ring, seen + 1, p.half, unit)
                long = line_sum(ring, m.products, m.parts, seen + 1, p.n, 1.0, 0.0)
                short = line_sum(ring, m.products, m.parts, seen + 1, p.half, 1.0, 0.0)
            seen += 1
            known = seen - p.n  # leads before this one
            if known < 0:
                continue
            lead = 2.0 * short / half_over - long / over
            high, low = cut(lead, last_unit)
            if fits(lead, low, *bounds(last_unit, last_room)):
                old, old_low = cut(leads[(known - p.root) & mask], last_unit)
                q, q_low, u, u_low = slid(q, q_low, u, u_low, p.root, high, low, old, old_low)
                leads[known & mask] = lead
                total = u + u_low
            else:
                leads[known & mask] = lead
                q, q_low, u, u_low, last_unit = gather_line(leads, m.parts, known + 1, p.root, last_room)
                total = line_sum(leads, m.products, m.parts, known + 1, p.root, 1.0, 0.0)
            if known + 1 >= p.root:
                mean[i - 1] = total / root_over
        m.seen, m.unit, m.last_unit = seen, unit, last_unit
        m.s, m.s_low, m.w, m.w_low, m.r, m.r_low, m.v, m.v_low = s, s_low, w, w_low, r, r_low, v, v_low
        m.q, m.q_low, m.u, m.u_low = q, q_low, u, u_low


@kernel
def _weights(n):
    """The sum of the weights 1 to n."""
    return n * (n + 1.0) / 2.0


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
