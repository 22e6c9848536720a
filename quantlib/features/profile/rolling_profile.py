"""At which prices the last n trades traded: the profile of a window, forgotten to the last bit as it moves on."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.profile.session_profile import BOUNDS, MARKS, bin_of, bound, checked, empty, marks
from quantlib.features.rows import known_clock, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.exact import ring_sum, two_sum
from quantlib.kernels.histogram import filled
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum


class RollingProfile(NamedTuple):
    width: float  # of a bin
    bins: int  # kept at most
    share: float  # of volume in the value area
    step: int  # bins that it grows by at a time
    reach: int  # bins on each side that a node is compared with
    n: int  # trades in the window


@kernel
def _rolling_profile(p, memory, symbol, price, size, poc, low, high, node, valley, volume):
    for i in range(price.size):
        poc[i] = low[i] = high[i] = node[i] = valley[i] = volume[i] = nan
        if not isnan(price[i] + size[i]):
            m = memory[symbol[i]]
            k = bin_of(price[i], p.width)
            _roll(p, m, k, size[i])
            if m.seen >= p.n:
                poc[i], low[i], high[i], node[i], valley[i] = marks(p, m, k)
                volume[i] = m.kept


@block
def _roll(p, m, k, size):
    """A trade joins the last n, and the oldest of them leaves."""
    mask = m.sizes.size - 1
    gone, left = m.places[(m.seen - p.n) & mask], m.sizes[(m.seen - p.n) & mask]
    m.places[m.seen & mask] = k
    m.total, m.rest, m.unit, m.kept = window_sum(m.total, m.rest, m.unit, m.sizes, m.parts, m.seen, p.n, size)
    if m.whole == 1 and m.seen >= p.n and left > 0.0:
        _shift(m, gone, -left)
    if m.whole == 1 and size > 0.0:
        empty = m.highest < m.lowest
        if not empty and max(m.highest, k) - min(m.lowest, k) >= p.bins:
            m.whole = 0
        else:
            _shift(m, k, size)
    m.seen += 1
    if m.whole == 0:
        _recount(p, m, k)


@block
def _shift(m, k, volume):
    """Volume joins a bin, or leaves it if negative; the profile is no longer whole if two numbers cannot hold it."""
    at = k & (m.volumes.size - 1)
    total, error = two_sum(m.sums[at], volume)
    before = m.rests[at]
    rest = before + error
    if not (rest - before == error and rest - error == before):
        m.whole = 0
        return
    now = total + rest
    m.sums[at], m.rests[at], m.volumes[at] = (total, rest, now) if now > 0.0 else (0.0, 0.0, 0.0)
    if volume > 0.0:
        if m.highest < m.lowest:
            m.lowest = m.highest = m.top = k
        m.lowest, m.highest = min(m.lowest, k), max(m.highest, k)
        best = m.volumes[m.top & (m.volumes.size - 1)]
        if now > best or (now == best and k < m.top):
            m.top = k
    elif k == m.top or now <= 0.0:
        bound(m, m.lowest, m.highest)


@kernel
def _recount(p, m, k):
    """The profile of the last n trades, anew: of all if they fit, else of those within half its bins of bin k."""
    mask, ring = m.volumes.size - 1, m.sizes.size - 1
    total = m.kept
    empty(m)
    m.whole, m.kept = 1, total
    for j in range(mask + 1):
        m.sums[j] = m.rests[j] = 0.0
    low, high = _spanned(p, m)
    if high < low:
        return
    if high - low >= p.bins:
        m.whole = 0
        low, high = max(low, k - p.bins // 2), min(high, k - p.bins // 2 + p.bins - 1)
    for j in range(max(0, m.seen - p.n), m.seen):
        at = m.places[j & ring]
        if low <= at <= high:
            m.sums[at & mask], error = two_sum(m.sums[at & mask], m.sizes[j & ring])
            before = m.rests[at & mask]
            rest = before + error
            m.rests[at & mask] = rest if rest - before == error and rest - error == before else nan
    fits = m.whole == 1
    for j in range(low, high + 1):
        m.volumes[j & mask] = m.sums[j & mask] + m.rests[j & mask]
        if isnan(m.rests[j & mask]):
            m.whole = 0
            m.volumes[j & mask] = _exact(p, m, j)
    bound(m, low, high)
    m.kept = total if fits else filled(m.volumes, m.lowest, m.highest)


@kernel
def _spanned(p, m):
    """(lowest, highest) bin in which any of the last n trades has volume; (0, -1) if none has."""
    ring = m.sizes.size - 1
    low, high = 0, -1
    for j in range(max(0, m.seen - p.n), m.seen):
        if m.sizes[j & ring] > 0.0:
            at = m.places[j & ring]
            low, high = (at, at) if high < low else (min(low, at), max(high, at))
    return low, high


@kernel
def _exact(p, m, k):
    """The volume of a bin, of sizes that two numbers cannot add up."""
    ring = m.sizes.size - 1
    count = 0
    for j in range(max(0, m.seen - p.n), m.seen):
        if m.places[j & ring] == k:
            m.alike[count] = m.sizes[j & ring]
            count += 1
    total, _, _ = ring_sum(m.alike, m.parts, count, count)
    return total


def rolling_profile(
    n: int = 1000,
    width: float = 1.0,
    bins: int = 500,
    *,
    share: float = 0.7,
    step: int = 2,
    reach: int = 2,
    price: str = "price",
    size: str = "size",
    out: str = "rolling_profile",
    clock: str = "trade",
) -> Feature:
    """Volume by price over the last n trades: as `volume_profile`, with a window in place of a session.

    Where the n trades span more than `bins` bins, those count that are within half of them of the last price.

    Args:
        n: trades in the window, at least 1.
        width, bins, share, step, reach, price, size, clock: as in `volume_profile`.
        out: columns written as by `volume_profile`, NaN until the n-th trade of a symbol.  Volumes are exact sums, each
            rounded once, so that what left the window is forgotten to the last bit.

    Raises:
        ValueError: if an argument is out of range.

    Source: as `volume_profile`.
    """
    n = row_count("rolling_profile", "n", n)
    params = RollingProfile(*checked("rolling_profile", width, bins, share, step, reach), n)
    trades = window(n, "sizes", "alike")
    sums = [(name, "f8") for name in ("total", "rest", "unit")]
    fields = [*BOUNDS, ("whole", "i8"), *sums, ("places", "i8", trades[0][2]), *trades]
    blank = np.zeros((), [*fields, *window(bins + 2 * reach, "volumes", "sums", "rests")[:-1]])
    blank["whole"], blank["highest"] = 1, -1
    outputs = tuple(f"{out}_{name}" for name in MARKS)
    return Feature(
        _rolling_profile, params, blank, (price, size), outputs, n - 1, n - 1, known_clock("rolling_profile", clock)
    )
