"""What trading costs, told from bars: price impact and effective spreads."""

from math import isnan, log, nan, sqrt, tanh
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, of_kind, row_count
from quantlib.jit import kernel
from quantlib.kernels.pairs import covariance
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum

SILVER = 1.0 + sqrt(2.0)  # (sqrt(2) - 1) / (3 - 2 sqrt(2)), and 1 / sqrt(3 - 2 sqrt(2)) too


class CorwinSchultz(NamedTuple):
    n: int  # pairs of rows in the window
    shift: float  # 1 if a gap between two rows is taken out of their common range, 0 if not


@kernel
def _amihud(p, memory, symbol, price, volume, impact):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, traded, parts = m.ring, m.traded, m.parts
        last, seen, total, rest, unit, rows = m.price, m.seen, m.total, m.rest, m.unit, m.rows
        mask = ring.size - 1
        while i < price.size and symbol[i] == code:
            impact[i] = nan
            if not isnan(price[i] + volume[i]):
                if not isnan(last):
                    paid = price[i] * volume[i]
                    one = abs(log(price[i] / last)) / paid if paid > 0.0 else 0.0
                    total, rest, unit, whole = window_sum(total, rest, unit, ring, parts, seen, p.n, one)
                    rows += (1.0 if paid > 0.0 else 0.0) - traded[(seen - p.n) & mask]
                    traded[seen & mask] = 1.0 if paid > 0.0 else 0.0
                    seen += 1
                    if seen >= p.n:
                        impact[i] = whole / rows if rows > 0.0 else 0.0
                last = price[i]
            i += 1
        m.price, m.seen, m.total, m.rest, m.unit, m.rows = last, seen, total, rest, unit, rows


@kernel
def _roll_spread(p, memory, symbol, price, spread):
    n = float(p.n)
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        moves, products, parts = m.moves, m.products, m.parts
        last, move, seen = m.price, m.move, m.seen
        s, s_low, s_unit, q, q_low, q_unit, before = m.s, m.s_low, m.s_unit, m.q, m.q_low, m.q_unit, m.before
        while i < price.size and symbol[i] == code:
            spread[i] = nan
            if not isnan(price[i]):
                if not isnan(last):
                    now = price[i] - last
                    s, s_low, s_unit, x = window_sum(s, s_low, s_unit, moves, parts, seen, p.n, now)
                    q, q_low, q_unit, xy = window_sum(q, q_low, q_unit, products, parts, seen, p.n, now * move)
                    seen += 1
                    if seen > p.n:
                        pull = covariance(n, x, 0.0, before, 0.0, xy, 0.0) * (n / (n - 1.0))
                        spread[i] = 2.0 * sqrt(-pull) if pull < 0.0 else 0.0
                    move, before = now, x
                last = price[i]
            i += 1
        m.price, m.move, m.seen = last, move, seen
        m.s, m.s_low, m.s_unit, m.q, m.q_low, m.q_unit, m.before = s, s_low, s_unit, q, q_low, q_unit, before


@kernel
def _corwin_schultz(p, memory, symbol, high, low, closing, spread, clipped):
    i = 0
    while i < closing.size:
        code = symbol[i]
        m = memory[code]
        spreads, clips, parts = m.spreads, m.clips, m.parts
        last_high, last_low, last, before, seen = m.high, m.low, m.close, m.reach, m.seen
        a, a_low, a_unit, b, b_low, b_unit = m.a, m.a_low, m.a_unit, m.b, m.b_low, m.b_unit
        while i < closing.size and symbol[i] == code:
            spread[i] = clipped[i] = nan
            if not isnan(high[i] + low[i] + closing[i]):
                now = log(high[i] / low[i])
                if not isnan(last):
                    gap = p.shift * (max(low[i] - last, 0.0) - max(last - high[i], 0.0))
                    top, bottom = max(high[i] - gap, last_high), min(low[i] - gap, last_low)
                    alpha = SILVER * (sqrt(now * now + before * before) - log(top / bottom))
                    one = 2.0 * tanh(0.5 * alpha)  # 2 (e^α - 1) / (1 + e^α)
                    a, a_low, a_unit, x = window_sum(a, a_low, a_unit, spreads, parts, seen, p.n, one)
                    b, b_low, b_unit, y = window_sum(b, b_low, b_unit, clips, parts, seen, p.n, max(one, 0.0))
                    seen += 1
                    if seen >= p.n:
                        spread[i], clipped[i] = x / p.n, y / p.n
                last_high, last_low, last, before = high[i], low[i], closing[i], now
            i += 1
        m.high, m.low, m.close, m.reach, m.seen = last_high, last_low, last, before, seen
        m.a, m.a_low, m.a_unit, m.b, m.b_low, m.b_unit = a, a_low, a_unit, b, b_low, b_unit


def amihud(n: int = 20, *, price: str = "close", volume: str = "volume", out: str = "amihud") -> Feature:
    """Amihud's illiquidity: how far the price moves per unit of money traded.

    mean of |log(p[t] / p[t-1])| / (p[t] v[t]) over those of the last n rows in which money was traded; 0 if none was.

    Args:
        n: rows in the window, at least 1.
        price: column read. (rows,) float64, quote currency, positive or NaN.
        volume: column read. (rows,) float64, base units, not negative, or NaN; a row missing either is missing.
        out: column written. (rows,) float64, per unit of quote currency; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: Y. Amihud, Illiquidity and stock returns, J. Financ. Mark. 5, 2002, eq. 1.
    Differs: log returns in place of simple ones; money is price times volume at the row's price.
    """
    n = row_count("amihud", "n", n)
    numbers = [(name, "f8") for name in ("price", "total", "rest", "unit", "rows")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "ring", "traded")])
    blank["price"] = nan
    return Feature(_amihud, Window(n), blank, (price, volume), (out,), warmup=n, horizon=n)


def roll_spread(n: int = 50, *, price: str = "close", out: str = "roll_spread") -> Feature:
    """Roll's effective spread, from how the price bounces.

    s = 2 sqrt(max(-C, 0)), C the sample covariance (over n - 1) of the last n pairs of neighbouring moves
    (p[t] - p[t-1], p[t-1] - p[t-2]); 0 where they do not pull apart.

    Args:
        n: pairs of moves in the window, at least 2.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the (n+2)-th price of a symbol. Below 1e-8
            of the moves it is the rounding of their products.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: R. Roll, A simple implicit measure of the effective bid-ask spread in an efficient market, J. Finance 39,
        1984.
    Differs: of moves, in the unit of price, where he takes returns; give it the log price for a fraction.
    """
    n = row_count("roll_spread", "n", n, least=2)
    numbers = [(name, "f8") for name in ("price", "move", "before")]
    numbers += [(name + end, "f8") for name in ("s", "q") for end in ("", "_low", "_unit")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "moves", "products")])
    blank["price"] = nan
    return Feature(_roll_spread, Window(n), blank, (price,), (out,), warmup=n + 1, horizon=n + 1)


def corwin_schultz(
    n: int = 20,
    overnight: bool = True,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    out: str = "corwin_schultz",
) -> Feature:
    """Corwin and Schultz's spread, from the ranges of neighbouring rows.

    s = 2 (e^α - 1) / (1 + e^α),  α = (sqrt(2 β) - sqrt(β)) / (3 - 2 sqrt(2)) - sqrt(γ / (3 - 2 sqrt(2))),
    β = log(h[t] / l[t])^2 + log(h[t-1] / l[t-1])^2,  γ = log(max(h[t], h[t-1]) / min(l[t], l[t-1]))^2;
    the mean of s over the last n pairs of rows, and the mean of max(s, 0).

    Args:
        n: pairs of rows in the window, at least 1; 1 gives each pair its own.
        overnight: whether a gap is taken out of γ first: if l[t] lies above c[t-1], or h[t] below it, both move by that
            distance towards c[t-1].
        high, low, close: columns read. (rows,) float64, positive or NaN; a row missing one of them is missing.
        out: columns written: `out`, which noise makes negative at times, and `out_clipped`. (rows,) float64, fractions
            of the price; NaN until the (n+1)-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1, or overnight neither True nor False.

    Source: S. A. Corwin, P. Schultz, A simple way to estimate bid-ask spreads from daily high and low prices,
        J. Finance 67, 2012, eqs. 14 and 18 and sec. II.B.
    Differs: the gap is taken out of γ only; a row's own log range in β would change by a share of the gap itself.
    """
    n = row_count("corwin_schultz", "n", n)
    numbers = [(name, "f8") for name in ("high", "low", "close", "reach")]
    numbers += [(name + end, "f8") for name in ("a", "b") for end in ("", "_low", "_unit")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "spreads", "clips")])
    blank["close"] = nan
    params = CorwinSchultz(n, 1.0 if of_kind("corwin_schultz", "overnight", overnight, bool) else 0.0)
    return Feature(_corwin_schultz, params, blank, (high, low, close), (out, f"{out}_clipped"), warmup=n, horizon=n)
