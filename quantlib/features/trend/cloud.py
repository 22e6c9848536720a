"""Ichimoku: middles of the price's range over three windows, and the cloud between two of them.

A chart draws the two leading lines ahead of the rows they come from, and the close behind its own.  A column can hold
only what its row knows: the leading lines are told at the row that makes them, the cloud at the row it is drawn over.
The lagging line is the close itself: at the row where a chart draws it, it is not known yet.
"""

from math import isnan, nan
from typing import Any, NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import block, kernel
from quantlib.kernels.extremes import extremes, highest, lowest
from quantlib.kernels.ring import window


class Ichimoku(NamedTuple):
    fast: int  # rows of the conversion line
    base: int  # rows of the base line
    slow: int  # rows of the second leading line
    ahead: int  # rows that the cloud is drawn ahead


@block
def _middle(highs, lows, at, n, top, bottom, high, low):
    """(at, top, bottom, middle): the middle of the last n rows' range, and what to remember."""
    top, most = highest(highs, at, n, top, high)
    bottom, least = lowest(lows, at, n, bottom, low)
    return (at + 1 if at + 1 < n else 0), top, bottom, (most + least) / 2.0


@kernel
def _lines(p, m, high, low):
    """(conversion, base, lead_a, lead_b) after a row."""
    m.fast_at, m.fast_top, m.fast_bottom, fast = _middle(
        m.fast_highs, m.fast_lows, m.fast_at, p.fast, m.fast_top, m.fast_bottom, high, low
    )
    m.base_at, m.base_top, m.base_bottom, base = _middle(
        m.base_highs, m.base_lows, m.base_at, p.base, m.base_top, m.base_bottom, high, low
    )
    m.slow_at, m.slow_top, m.slow_bottom, slow = _middle(
        m.slow_highs, m.slow_lows, m.slow_at, p.slow, m.slow_top, m.slow_bottom, high, low
    )
    m.seen += 1
    return fast, base, (fast + base) / 2.0, slow


@kernel
def _ichimoku(p, memory, symbol, high, low, conversion, base, lead_a, lead_b):
    for i in range(high.size):
        conversion[i] = base[i] = lead_a[i] = lead_b[i] = nan
        if not isnan(high[i] + low[i]):
            m = memory[symbol[i]]
            c, b, a, s = _lines(p, m, high[i], low[i])
            if m.seen >= p.slow:
                conversion[i], base[i], lead_a[i], lead_b[i] = c, b, a, s


@kernel
def _ichimoku_cloud(p, memory, symbol, high, low, cloud_a, cloud_b):
    for i in range(high.size):
        cloud_a[i] = cloud_b[i] = nan
        if not isnan(high[i] + low[i]):
            m = memory[symbol[i]]
            _, _, a, b = _lines(p, m, high[i], low[i])
            now, then = m.seen & (m.leads_a.size - 1), (m.seen - p.ahead) & (m.leads_a.size - 1)
            m.leads_a[now], m.leads_b[now] = a, b
            if m.seen >= p.slow + p.ahead:
                cloud_a[i], cloud_b[i] = m.leads_a[then], m.leads_b[then]


def ichimoku(
    fast: int = 9, base: int = 26, slow: int = 52, *, high: str = "high", low: str = "low", out: str = "ichimoku"
) -> Feature:
    """Ichimoku lines, each at the row that knows it.

    middle(n) = (highest high + lowest low of the last n rows) / 2; conversion = middle(fast), base = middle(base),
    lead_a = (conversion + base) / 2, lead_b = middle(slow).

    Args:
        fast: rows of the conversion line (tenkan), at least 1.
        base: rows of the base line (kijun), at least fast.
        slow: rows of the second leading line (senkou B), at least base.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out_conversion`, `out_base`, `out_lead_a`, `out_lead_b`. (rows,) float64, in the unit of
            price; NaN until the slow-th row of a symbol. The leading lines are those of this row, which a chart draws
            26 rows ahead; `ichimoku_cloud` gives those that it draws over this row.

    Raises:
        ValueError: if a count of rows is too small or they do not rise.

    Source: G. Hosoda (Ichimoku Sanjin), Ichimoku Kinko Hyo, 1969; N. Elliott, Ichimoku Charts, 2007.
    """
    params, fields = _checked("ichimoku", fast, base, slow, 0)
    names = ("conversion", "base", "lead_a", "lead_b")
    outputs = tuple(f"{out}_{name}" for name in names)
    return Feature(_ichimoku, params, np.zeros((), fields), (high, low), outputs, params.slow - 1, params.slow - 1)


def ichimoku_cloud(
    fast: int = 9,
    base: int = 26,
    slow: int = 52,
    ahead: int = 26,
    *,
    high: str = "high",
    low: str = "low",
    out: str = "ichimoku",
) -> Feature:
    """The Ichimoku cloud over this row: the leading lines of `ahead` rows ago.

    cloud_a[t] = lead_a[t - ahead],  cloud_b[t] = lead_b[t - ahead], with the leading lines of `ichimoku`.

    Args:
        fast: rows of the conversion line, at least 1.
        base: rows of the base line, at least fast.
        slow: rows of the second leading line, at least base.
        ahead: rows that the leading lines are drawn ahead, at least 1. TradingView draws them 25 rows ahead for its
            displacement of 26.
        high, low: columns read. (rows,) float64, one unit, or NaN; a row missing one of them is missing.
        out: columns written: `out_cloud_a`, `out_cloud_b`, of which the larger is the top of the cloud. (rows,)
            float64, in the unit of price; NaN for the first slow + ahead - 1 rows of a symbol.

    Raises:
        ValueError: if a count of rows is too small or they do not rise.

    Source: as `ichimoku`.
    """
    params, fields = _checked("ichimoku_cloud", fast, base, slow, ahead)
    blank = np.zeros((), [*window(params.ahead, "leads_a", "leads_b")[:-1], *fields])
    memory = params.slow + params.ahead - 1
    return Feature(_ichimoku_cloud, params, blank, (high, low), (f"{out}_cloud_a", f"{out}_cloud_b"), memory, memory)


def _checked(who: str, fast: int, base: int, slow: int, ahead: int) -> tuple[Ichimoku, list[Any]]:
    fast, base, slow = (row_count(who, k, n) for k, n in (("fast", fast), ("base", base), ("slow", slow)))
    if not fast <= base <= slow:
        raise ValueError(f"{who}: wants fast <= base <= slow, got fast={fast}, base={base} and slow={slow}")
    ahead = row_count(who, "ahead", ahead, 0 if who == "ichimoku" else 1)
    fields: list[Any] = [("seen", "i8")]
    for name, n in (("fast", fast), ("base", base), ("slow", slow)):
        fields += [(f"{name}_at", "i8"), (f"{name}_top", "f8"), (f"{name}_bottom", "f8")]
        fields += extremes(n, f"{name}_highs", f"{name}_lows")
    return Ichimoku(fast, base, slow, ahead), fields
