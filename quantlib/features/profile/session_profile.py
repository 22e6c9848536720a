"""At which prices volume traded since the session began, and what stands out in that profile.

A profile counts volume in bins of one width, bin k around the price k width.  It lies in a ring, so that it follows the
price wherever that goes (`quantlib.kernels.histogram`).
"""

from math import floor, inf, isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.flow.clockwork import SECOND, nanoseconds
from quantlib.features.rows import FOREVER, known_clock, number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.civil import DAY
from quantlib.kernels.histogram import filled, nearest_node, nearest_valley, occupied, peak, value_area
from quantlib.kernels.ring import window

FARTHEST = 2.0**53  # bins from zero: a price further out counts as there
MARKS = ("poc", "low", "high", "node", "valley", "volume")
BOUNDS = [("lowest", "i8"), ("highest", "i8"), ("top", "i8"), ("kept", "f8"), ("seen", "i8")]


class SessionProfile(NamedTuple):
    width: float  # of a bin
    bins: int  # kept at most
    share: float  # of volume in the value area
    step: int  # bins that it grows by at a time
    reach: int  # bins on each side that a node is compared with
    offset: int  # ns after 1970 at which one session began
    length: int  # of a session, ns


@kernel
def _session_profile(p, memory, symbol, ts, price, size, poc, low, high, node, valley, volume):
    for i in range(price.size):
        poc[i] = low[i] = high[i] = node[i] = valley[i] = volume[i] = nan
        if not isnan(price[i] + size[i]):
            m = memory[symbol[i]]
            now = (ts[i] - p.offset) // p.length
            if m.seen == 0 or now != m.session:
                empty(m)
                m.seen, m.session = 1, now
            k = bin_of(price[i], p.width)
            if size[i] > 0.0:
                _join(p, m, k, size[i])
            poc[i], low[i], high[i], node[i], valley[i] = marks(p, m, k)
            volume[i] = m.kept


@block
def bin_of(price, width):
    return floor(max(-FARTHEST, min(FARTHEST, price / width)) + 0.5)


@kernel
def empty(m):
    for k in range(m.volumes.size):
        m.volumes[k] = 0.0
    m.kept, m.lowest, m.highest, m.top = 0.0, 0, -1, 0


@block
def _join(p, m, k, size):
    """Volume joins a bin of a session; what the profile has no room for beside it is dropped."""
    if m.highest >= m.lowest and max(m.highest, k) - min(m.lowest, k) >= p.bins:
        _drop(p, m, k)
    if m.highest < m.lowest:
        m.lowest = m.highest = m.top = k
    m.lowest, m.highest = min(m.lowest, k), max(m.highest, k)
    mask = m.volumes.size - 1
    grown = m.volumes[k & mask] + size
    m.volumes[k & mask] = grown
    m.kept += size
    best = m.volumes[m.top & mask]
    if grown > best or (grown == best and k < m.top):
        m.top = k


@kernel
def _drop(p, m, k):
    """Bins from which k is as many bins away as are kept, or more, are emptied."""
    first, last = max(m.lowest, k - p.bins + 1), min(m.highest, k + p.bins - 1)
    if first > last:
        empty(m)
        return
    for j in range(m.lowest, first):
        m.volumes[j & (m.volumes.size - 1)] = 0.0
    for j in range(last + 1, m.highest + 1):
        m.volumes[j & (m.volumes.size - 1)] = 0.0
    bound(m, first, last)
    m.kept = filled(m.volumes, m.lowest, m.highest)


@kernel
def bound(m, first, last):
    m.lowest, m.highest = occupied(m.volumes, first, last)
    m.top = peak(m.volumes, m.lowest, m.highest)


@block
def marks(p, m, k):
    """(point of control, value area low, high, nearest node, nearest valley) as prices, seen from bin k."""
    if m.highest < m.lowest:
        here = k * p.width
        return here, here, here, here, here
    at = max(m.lowest, min(m.highest, k))
    first, last = value_area(m.volumes, m.lowest, m.highest, m.top, p.share * m.kept, p.step)
    node = nearest_node(m.volumes, at, m.lowest, m.highest, p.reach)
    valley = nearest_valley(m.volumes, at, m.lowest, m.highest, p.reach)
    return m.top * p.width, first * p.width, last * p.width, node * p.width, valley * p.width


def volume_profile(
    width: float = 1.0,
    bins: int = 500,
    *,
    share: float = 0.7,
    step: int = 2,
    reach: int = 2,
    length: float = DAY / SECOND,
    offset: float = 0.0,
    price: str = "price",
    size: str = "size",
    out: str = "volume_profile",
    clock: str = "trade",
) -> Feature:
    """Volume by price since the session began: where most of it traded, the value area, and nodes near the price.

    The point of control is the bin of most volume.  From there the value area grows by two bins at a time, to the side
    where the next two hold more (up, where they hold the same), until it holds `share` of the volume.  A node is a bin
    with at least as much volume as the `reach` bins on each side of it, a valley one with at most as much; the nearest
    to the price is told, and the lower of two equally near.

    At most `bins` bins are kept.  When a trade comes that is further than that from the other end, the bins at that end
    are dropped until it fits; their volume is gone.

    Args:
        width: of a bin, in the unit of price, positive: whole ticks. A cent suits few sessions; the profile of a day
            reads well in 50 to 200 bins.
        bins: kept at most, 1 to 30,000.
        share: of volume that the value area holds at least, above 0, at most 1.
        step: bins that the value area grows by at a time, 1 or 2.
        reach: bins on each side that a node or valley is compared with, 1 to 16.
        length: seconds of a session; a day unless given.
        offset: seconds after 1970-01-01 00:00 UTC at which one session began, and so all others: 0 to below length.
        price: column read. (rows,) float64, or NaN.
        size: column read. (rows,) float64, not negative, or NaN; a row missing either is missing.  It reads `ts` too.
        out: columns written, (rows,) float64, finite from the first row, each the middle of a bin in the unit of price:
            `out_poc`, `out_low`, `out_high` (of the value area), `out_node`, `out_valley`, all of them the bin of the
            price while nothing has traded; and `out_volume`, the volume that is kept, in the unit of size.
        clock: the rows it runs on.

    Any number of trades may lie in a session, so no number of rows is its horizon.

    Raises:
        ValueError: if an argument is out of range.

    Source: Chicago Board of Trade, A Six-Part Study Guide to Market Profile, 1996, part I; J. F. Dalton, E. T. Jones,
        R. B. Dalton, Mind over Markets, 1990, appendix 1.
    Differs: they count half hours (TPO) and take of equal rows the one nearest to the middle, we the lowest; nodes have
        no definition there.
    """
    who = "volume_profile"
    span = nanoseconds(who, "length", length)
    if not 0.0 <= number(who, "offset", offset) < length:
        raise ValueError(f"{who}: offset must be from 0 to below length, got {offset}")
    shape = checked(who, width, bins, share, step, reach)
    params = SessionProfile(*shape, round(offset * SECOND), span)
    blank = np.zeros((), [*BOUNDS, ("session", "i8"), *window(bins + 2 * reach, "volumes")[:-1]])
    outputs = tuple(f"{out}_{name}" for name in MARKS)
    return Feature(
        _session_profile, params, blank, ("ts", price, size), outputs, 0, FOREVER, known_clock("volume_profile", clock)
    )


def checked(
    who: str, width: float, bins: int, share: float, step: int, reach: int
) -> tuple[float, int, float, int, int]:
    if not 0.0 < number(who, "width", width) < inf:
        raise ValueError(f"{who}: width must be positive and finite, got {width}")
    if not 0.0 < number(who, "share", share) <= 1.0:
        raise ValueError(f"{who}: share must be above 0 and at most 1, got {share}")
    for name, value, most in (("bins", bins, 30_000), ("step", step, 2), ("reach", reach, 16)):
        if row_count(who, name, value) > most:
            raise ValueError(f"{who}: {name} must be at most {most}, got {value}")
    return float(width), bins, share, step, reach
