"""Volume that is bought or sold, as told by where bars close."""

from math import inf, isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, Nothing, Window, faded, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.exact import two_sum
from quantlib.kernels.lines import summed
from quantlib.kernels.sliding import gather, room_for, slide


class Oscillator(NamedTuple):
    fast: float  # what the fast mean keeps of its distance from the line, a row
    slow: float
    start: int  # rows until it is told


ROUNDING = 2.0**-48  # of a price: what may be left of differences that are meant to be equal
OBV = np.array((-inf, 0.0, 0.0), [("close", "f8"), ("total", "f8"), ("rest", "f8")])
LINE = np.zeros((), [("total", "f8"), ("rest", "f8")])
DISTANCES = np.zeros((), [("seen", "i8"), ("fast", "f8"), ("slow", "f8")])


@block
def money_flow(high, low, close, volume):
    """Volume times the place of the close in its bar, -1 at the low to 1 at the high; 0 in a bar without range.

    A close nearer to the middle than prices are rounded is there: its flow would be noise, far below all others.
    """
    away = (close - low) - (high - close)
    flow = away / (high - low) * volume
    return flow if (high > low) & (abs(away) > ROUNDING * abs(close)) else 0.0


@kernel
def _obv(p, memory, symbol, close, volume, obv):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        last, total, rest = m.close, m.total, m.rest
        while i < close.size and symbol[i] == code:
            x, v = close[i], volume[i]
            obv[i] = nan
            if not isnan(x + v):
                total, error = two_sum(total, v * ((x > last) - (x < last)))
                last = x
                rest += error
                obv[i] = total + rest
            i += 1
        m.close, m.total, m.rest = last, total, rest


@kernel
def _ad(p, memory, symbol, high, low, close, volume, line):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        total, rest = m.total, m.rest
        while i < close.size and symbol[i] == code:
            line[i] = nan
            if not isnan(high[i] + low[i] + close[i] + volume[i]):
                total, error = two_sum(total, money_flow(high[i], low[i], close[i], volume[i]))
                rest += error
                line[i] = total + rest
            i += 1
        m.total, m.rest = total, rest


@kernel
def _adosc(p, memory, symbol, high, low, close, volume, oscillator):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        seen, fast, slow = m.seen, m.fast, m.slow
        while i < close.size and symbol[i] == code:
            oscillator[i] = nan
            if not isnan(high[i] + low[i] + close[i] + volume[i]):
                if seen > 0:  # the means start on the line
                    flow = money_flow(high[i], low[i], close[i], volume[i])
                    fast, slow = p.fast * (fast - flow), p.slow * (slow - flow)
                seen = min(seen + 1, p.start)
                oscillator[i] = fast - slow if seen >= p.start else nan
            i += 1
        m.seen, m.fast, m.slow = seen, fast, slow


@kernel
def _cmf(p, memory, symbol, high, low, close, volume, flow):
    i = 0
    room = room_for(p.n)
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        flows, volumes, seen, unit, v_unit = m.flows, m.volumes, m.seen, m.unit, m.v_unit
        s, s_low, v, v_low = m.s, m.s_low, m.v, m.v_low
        while i < close.size and symbol[i] == code:
            flow[i] = nan
            if not isnan(high[i] + low[i] + close[i] + volume[i]):
                now = money_flow(high[i], low[i], close[i], volume[i])
                s, s_low = slide(s, s_low, unit, room, flows, seen, p.n, now)
                v, v_low = slide(v, v_low, v_unit, room, volumes, seen, p.n, volume[i])
                seen += 1
                if isnan(s_low + v_low):
                    s, s_low, unit = gather(flows, m.parts, seen, p.n, room)
                    v, v_low, v_unit = gather(volumes, m.parts, seen, p.n, room)
                if seen >= p.n:
                    flow[i] = (s + s_low) / (v + v_low) if v + v_low > 0.0 else 0.0
            i += 1
        m.seen, m.unit, m.v_unit = seen, unit, v_unit
        m.s, m.s_low, m.v, m.v_low = s, s_low, v, v_low


def obv(*, close: str = "close", volume: str = "volume", out: str = "obv") -> Feature:
    """On-balance volume: volume of rows that rose less volume of rows that fell, since the first.

    o[t] = o[t-1] + sign(c[t] - c[t-1]) v[t],  o[0] = v[0]

    Args:
        close: column read. (rows,) float64, any unit, or NaN.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing either is missing.
        out: column written. (rows,) float64, in the unit of volume; finite from the first row.

    It forgets nothing: its level depends on where the rows began, and it goes on only from carried memory.

    Source: J. E. Granville, New Key to Stock Market Profits, 1963; TA-Lib, function OBV.
    """
    return Feature(_obv, Nothing(), OBV, (close, volume), (out,), warmup=0, horizon=FOREVER)


def ad(
    *, high: str = "high", low: str = "low", close: str = "close", volume: str = "volume", out: str = "ad"
) -> Feature:
    """Accumulation/distribution line: volume times the place of the close in its bar, summed since the first row.

    a[t] = a[t-1] + v ((c - l) - (h - c)) / (h - l); a bar without range adds nothing, nor does one whose close is
    nearer to the middle than 2^-48 of the price.

    Args:
        high, low, close: columns read. (rows,) float64, one unit, or NaN.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing one of the four is missing.
        out: column written. (rows,) float64, in the unit of volume; finite from the first row.

    It forgets nothing: its level depends on where the rows began, and it goes on only from carried memory.

    Source: M. Chaikin; TA-Lib, function AD.
    """
    return Feature(_ad, Nothing(), LINE, (high, low, close, volume), (out,), warmup=0, horizon=FOREVER)


def adosc(
    fast: int = 3,
    slow: int = 10,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    volume: str = "volume",
    out: str = "adosc",
) -> Feature:
    """Chaikin oscillator: a fast exponential mean of the accumulation/distribution line less a slow one.

    ema(fast) of ad - ema(slow) of ad, both started at the first value of the line.  Computed from their distances to
    the line, d[t] = (1 - w) (d[t-1] - flow[t]), w = 2 / (n + 1), so that the level of the line does not matter.

    Args:
        fast: rows of the fast mean, at least 1.
        slow: rows of the slow mean, more than fast.
        high, low, close: columns read. (rows,) float64, one unit, or NaN.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing one of the four is missing.
        out: column written. (rows,) float64, in the unit of volume; NaN for the first slow - 1 rows of a symbol.

    Raises:
        ValueError: if a count of rows is not a whole number of at least 1, or fast is not below slow.

    Source: M. Chaikin; TA-Lib, function ADOSC.
    Differs: TA-Lib takes the means of the line itself, and loses digits as the line grows.
    """
    fast, slow = row_count("adosc", "fast", fast), row_count("adosc", "slow", slow)
    if fast >= slow:
        raise ValueError(f"adosc: fast must be below slow, got fast={fast} and slow={slow}")
    params = Oscillator((fast - 1.0) / (fast + 1.0), (slow - 1.0) / (slow + 1.0), slow)
    horizon = slow - 1 + faded(1.0 - params.slow)
    return Feature(
        _adosc, params, DISTANCES, (high, low, close, volume), (out,), warmup=slow - 1, horizon=horizon, recursive=True
    )


def cmf(
    n: int = 20,
    *,
    high: str = "high",
    low: str = "low",
    close: str = "close",
    volume: str = "volume",
    out: str = "cmf",
) -> Feature:
    """Chaikin money flow: volume weighted with the place of the close in its bar, as a share of all volume.

    sum(v ((c - l) - (h - c)) / (h - l)) / sum(v) over the last n rows; a bar without range flows neither way, and 0
    where no volume traded.

    Args:
        n: rows in the window, at least 1.
        high, low, close: columns read. (rows,) float64, one unit, or NaN.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing one of the four is missing.
        out: column written. (rows,) float64, -1 to 1; NaN until the n-th row of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: M. Chaikin; TradingView, Chaikin Money Flow.
    Differs: as `ad`, a close nearer to the middle than 2^-48 of the price is there.
    """
    n = row_count("cmf", "n", n)
    blank = summed(n, "s", "s_low", "v", "v_low", "v_unit", rings=("flows", "volumes"))
    return Feature(_cmf, Window(n), blank, (high, low, close, volume), (out,), warmup=n - 1, horizon=n - 1)
