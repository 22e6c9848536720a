"""The price at which volume traded: since a session began, since an instant, over the last n rows."""

from math import inf, isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.flow.clockwork import LONGEST, SECOND, nanoseconds
from quantlib.features.rows import FOREVER, known_clock, number, row_count, whole
from quantlib.jit import kernel
from quantlib.kernels.civil import DAY
from quantlib.kernels.moments import variance
from quantlib.kernels.weighed import weighed, weighed_fields


class Since(NamedTuple):
    first: int  # ts at which a span begins, ns
    length: int  # of a span, ns
    width: float  # standard deviations from the middle to a band


class Lately(NamedTuple):
    n: int  # rows in the window
    width: float  # standard deviations from the middle to a band


SPAN = np.zeros((), [("seen", "i8"), ("span", "i8"), ("volume", "f8"), ("mean", "f8"), ("squares", "f8")])


@kernel
def _span_vwap(p, memory, symbol, ts, price, volume, middle, upper, lower, deviation):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, span, total, mean, squares = m.seen, m.span, m.volume, m.mean, m.squares
        while i < price.size and symbol[i] == code:
            x, v = price[i], volume[i]
            middle[i] = upper[i] = lower[i] = deviation[i] = nan
            if not isnan(x + v):
                now = (ts[i] - p.first) // p.length
                if seen == 0 or now != span:
                    seen, span, total, mean, squares = 1, now, 0.0, x, 0.0
                total += v
                if v > 0.0:
                    away = x - mean
                    mean += away * (v / total)
                    squares += v * away * (x - mean)
                else:
                    mean = mean if total > 0.0 else x
                wide = sqrt(squares / total) if squares > 0.0 else 0.0
                middle[i], deviation[i] = mean, wide
                upper[i], lower[i] = mean + p.width * wide, mean - p.width * wide
            i += 1
        m.seen, m.span, m.volume, m.mean, m.squares = seen, span, total, mean, squares


@kernel
def _rolling_vwap(p, memory, symbol, price, volume, middle, upper, lower, deviation):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        while i < price.size and symbol[i] == code:
            x, v = price[i], volume[i]
            middle[i] = upper[i] = lower[i] = deviation[i] = nan
            if not isnan(x + v):
                w, w_low, s, s_low, q, q_low = weighed(m, p.n, x, v)
                if m.seen >= p.n:
                    wide = sqrt(variance(w, w_low, s, s_low, q, q_low))
                    mean = (s + s_low) / w if w > 0.0 else x
                    middle[i], deviation[i] = mean, wide
                    upper[i], lower[i] = mean + p.width * wide, mean - p.width * wide
            i += 1


def session_vwap(
    width: float = 2.0,
    *,
    length: float = DAY / SECOND,
    offset: float = 0.0,
    price: str = "price",
    volume: str = "size",
    out: str = "session_vwap",
    clock: str = "trade",
) -> Feature:
    """Volume-weighted average price of the session so far, with bands.

    V = sum(v p) / sum(v),  σ^2 = sum(v (p - V)^2) / sum(v),  bands V ± width σ, sums since the session began

    Args:
        width: standard deviations from V to a band, not negative.
        length: seconds of a session; a day unless given.
        offset: seconds after 1970-01-01 00:00 UTC at which one session began, and so all others: 0 to below length.
            52,200 for days from 14:30 UTC.
        price: column read. (rows,) float64, any unit, or NaN. Of bars, `close` or a typical price.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing either is missing.  It reads `ts` too.
        out: columns written, (rows,) float64, in the unit of price, finite from the first row: `out` V, the last price
            while nothing has traded; `out_upper`, `out_lower` the bands; `out_deviation` σ.
        clock: the rows it runs on; for bars, price="close", volume="volume", clock="bar".

    Any number of rows may lie in a session, so no number of rows is its horizon.  Squares of distances must be float64
    numbers: σ and the bands are finite for prices up to 1e150.

    Raises:
        ValueError: if width, length or offset is out of range.

    Source: S. A. Berkowitz, D. E. Logue, E. A. Noser, The total cost of transactions on the NYSE, J. Finance 43, 1988
        (the average); bands as TradingView draws them; sums by D. H. D. West, Updating mean and variance estimates,
        Commun. ACM 22, 1979.
    """
    who = "session_vwap"
    span = nanoseconds(who, "length", length)
    if not 0.0 <= number(who, "offset", offset) < length:
        raise ValueError(f"{who}: offset must be from 0 to below length, got {offset}")
    params = Since(round(offset * SECOND), span, _checked(who, width))
    return Feature(_span_vwap, params, SPAN, ("ts", price, volume), _outputs(out), 0, FOREVER, known_clock(who, clock))


def anchored_vwap(
    anchor: int = 0,
    width: float = 2.0,
    *,
    price: str = "price",
    volume: str = "size",
    out: str = "anchored_vwap",
    clock: str = "trade",
) -> Feature:
    """Volume-weighted average price since an instant, with bands.

    V = sum(v p) / sum(v),  σ^2 = sum(v (p - V)^2) / sum(v),  bands V ± width σ, sums over rows with ts >= anchor

    Args:
        anchor: ts in nanoseconds UTC from which rows count.  Earlier rows have sums of their own, since the first row.
        width: standard deviations from V to a band, not negative.
        price, volume, out, clock: as in `session_vwap`.

    Raises:
        ValueError: if width or anchor is out of range.

    Source: B. Shannon, Maximum Trading Gains with Anchored VWAP, 2023; otherwise as `session_vwap`.
    """
    if not 0 <= whole("anchored_vwap", "anchor", anchor, "nanoseconds") <= LONGEST:
        raise ValueError(f"anchored_vwap: anchor must be nanoseconds since 1970, got {anchor}")
    params = Since(int(anchor), LONGEST, _checked("anchored_vwap", width))
    return Feature(
        _span_vwap, params, SPAN, ("ts", price, volume), _outputs(out), 0, FOREVER, known_clock("anchored_vwap", clock)
    )


def rolling_vwap(
    n: int = 500,
    width: float = 2.0,
    *,
    price: str = "price",
    volume: str = "size",
    out: str = "rolling_vwap",
    clock: str = "trade",
) -> Feature:
    """Volume-weighted average price of the last n rows, with bands.

    V = sum(v p) / sum(v),  σ^2 = sum(v (p - V)^2) / sum(v),  bands V ± width σ, sums over the last n rows, exact

    Args:
        n: rows in the window, at least 1.
        width: standard deviations from V to a band, not negative.
        price: column read. (rows,) float64, any unit, or NaN.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing either is missing.
        out: columns written as by `session_vwap`, NaN until the n-th row of a symbol; the last price where nothing
            traded, and σ is 0 where it is below 2^-49 of the price.
        clock: the rows it runs on.

    Raises:
        ValueError: if n or width is out of range.

    Source: as `session_vwap`, over n rows in place of a session.
    """
    n = row_count("rolling_vwap", "n", n)
    blank = np.zeros((), weighed_fields(n))
    params = Lately(n, _checked("rolling_vwap", width))
    return Feature(
        _rolling_vwap, params, blank, (price, volume), _outputs(out), n - 1, n - 1, known_clock("rolling_vwap", clock)
    )


def multi_vwap(
    n: int = 500,
    anchor: int = 0,
    width: float = 2.0,
    *,
    length: float = DAY / SECOND,
    offset: float = 0.0,
    price: str = "price",
    volume: str = "size",
    out: str = "vwap",
    clock: str = "trade",
) -> tuple[Feature, Feature, Feature]:
    """Session, anchored and rolling VWAP of the same rows: three features, to be run together.

    Args:
        n, anchor, width, length, offset, price, volume, clock: as in `rolling_vwap`, `anchored_vwap`, `session_vwap`.
        out: columns written: `out_session`, `out_anchored`, `out_rolling`, each with `_upper`, `_lower`, `_deviation`.

    Raises:
        ValueError: if an argument is out of range.
    """
    return (
        session_vwap(
            width, length=length, offset=offset, price=price, volume=volume, out=f"{out}_session", clock=clock
        ),
        anchored_vwap(anchor, width, price=price, volume=volume, out=f"{out}_anchored", clock=clock),
        rolling_vwap(n, width, price=price, volume=volume, out=f"{out}_rolling", clock=clock),
    )


def _checked(who: str, width: float) -> float:
    if not 0.0 <= number(who, "width", width) < inf:
        raise ValueError(f"{who}: width must be finite and not negative, got {width}")
    return float(width)


def _outputs(out: str) -> tuple[str, ...]:
    return (out, *(f"{out}_{name}" for name in ("upper", "lower", "deviation")))
