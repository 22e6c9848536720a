"""Levels, slopes and hedge ratios by Kalman filters; `kalman_fit` fits their variances by maximum likelihood.

All start diffuse: nothing is believed of the level before the first price.

Source: A. C. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989; J. Durbin, S. J. Koopman,
Time Series Analysis by State Space Methods, 2nd ed., 2012.
"""

from math import inf, isfinite, isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, FORGOTTEN, faded, number, of_kind
from quantlib.jit import kernel
from quantlib.kernels.kalman import level_step, pair_step, trend_start

LONG = 100_000  # rows of a horizon above which a filter counts as never forgetting


class LocalLevel(NamedTuple):
    """Variances of a level that walks at random and is seen through noise, in squared units of the column."""

    noise: float = 1.0  # of what is seen, around the level; above 0
    level: float = 0.1  # of the level's step from row to row; not below 0


class LocalTrend(NamedTuple):
    """Variances of a level with a slope, both walking at random, in squared units of the column."""

    noise: float = 1.0  # of what is seen, around the level; above 0
    level: float = 0.1  # of the level's step beyond the slope; not below 0
    slope: float = 0.01  # of the slope's step; not below 0


class Hedge(NamedTuple):
    """Variances of a regression y = alpha + beta x + noise whose coefficients walk at random."""

    noise: float = 1.0  # of y around the line, in squared units of y; above 0
    alpha: float = 1e-3  # of alpha's step; not below 0
    beta: float = 1e-5  # of beta's step; not below 0
    start: float = 1e6  # of beta around 0 before the first row; above 0


STATE = np.zeros((), [("seen", "i8"), ("a0", "f8"), ("a1", "f8"), ("u", "f8"), ("d0", "f8"), ("d1", "f8")])
LEVEL = np.zeros((), [("seen", "i8"), ("level", "f8"), ("spread", "f8")])


@kernel
def _local_level(p, memory, symbol, price, level, variance, z):
    for i in range(price.size):
        level[i] = variance[i] = z[i] = nan
        if isnan(price[i]):
            continue
        m = memory[symbol[i]]
        if m.seen == 0:
            m.level, m.spread, m.seen = price[i], p.noise, 1
            continue
        m.level, m.spread, surprise, f = level_step(m.level, m.spread, p.noise, p.level, price[i])
        level[i], variance[i], z[i] = m.level, m.spread, surprise / sqrt(f)


@kernel
def _local_trend(p, memory, symbol, price, level, slope, variance, z):
    for i in range(price.size):
        level[i] = slope[i] = variance[i] = z[i] = nan
        y = price[i]
        if isnan(y):
            continue
        m = memory[symbol[i]]
        m.seen += 1
        if m.seen == 1:
            m.a0 = y
            continue
        if m.seen == 2:
            m.a0, m.a1, m.u, m.d0, m.d1 = trend_start(m.a0, y, p.noise, p.level, p.slope)
            continue
        m.a0, m.a1, m.u, m.d0, m.d1, surprise, f = pair_step(
            m.a0, m.a1, m.u, m.d0, m.d1, 1.0, 0.0, p.noise, p.level, p.slope, y
        )
        level[i], slope[i], variance[i], z[i] = m.a0, m.a1, m.d0 + m.u * m.u * m.d1, surprise / sqrt(f)


@kernel
def _hedge(p, memory, symbol, y, x, alpha, beta, spread, z):
    for i in range(y.size):
        alpha[i] = beta[i] = spread[i] = z[i] = nan
        if isnan(y[i] + x[i]):
            continue
        m = memory[symbol[i]]
        m.seen += 1
        if m.seen == 1:  # alpha is y - beta x, and of beta only `start` is known
            m.a0, m.a1, m.u, m.d0, m.d1 = y[i], 0.0, -x[i], p.noise, p.start
            continue
        m.a0, m.a1, m.u, m.d0, m.d1, surprise, f = pair_step(
            m.a0, m.a1, m.u, m.d0, m.d1, 0.0, x[i], p.noise, p.alpha, p.beta, y[i]
        )
        alpha[i], beta[i], spread[i], z[i] = m.a0, m.a1, surprise, surprise / sqrt(f)


def local_level(params: LocalLevel = LocalLevel(), *, price: str = "close", out: str = "level") -> Feature:  # noqa: B008
    """The level behind a noisy column: a random walk seen through noise, filtered.

    y[t] = level[t] + e[t],  level[t] = level[t-1] + w[t],  var e = noise, var w = level (of the parameters)

    Args:
        params: variances, from `fit_local_level`; in squared units of the column.
        price: column read. (rows,) float64, any unit, or NaN.
        out: columns written, (rows,) float64, NaN at the first price of a symbol:
            `out` the level given all prices up to this one, in the unit of price;
            `out_variance` of its error, in that unit squared;
            `out_z` what was not expected of this price, in standard deviations.

    The past fades by 1 - K a row, K being the gain that the filter settles at: K = P / (P + noise),
    P^2 = level (P + noise). Without steps of the level it never forgets.

    Raises:
        ValueError: if a variance is out of its range.

    Source: A. C. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989, sec. 4.1.2.
    Differs: a missing row is no row here, where Harvey lets the level take its step. The start is exactly diffuse
        (Durbin and Koopman, sec. 5.2): the first price is the first level.
    """
    noise, drift = _variances("local_level", params, LocalLevel)
    p = 0.5 * (drift + sqrt(drift * drift + 4.0 * drift * noise))
    horizon = 1 + faded(p / (p + noise)) if drift > 0.0 else FOREVER
    outputs = (out, f"{out}_variance", f"{out}_z")
    return Feature(_local_level, params, LEVEL, (price,), outputs, 1, horizon, recursive=True)


def local_trend(params: LocalTrend = LocalTrend(), *, price: str = "close", out: str = "trend") -> Feature:  # noqa: B008
    """The level and the slope behind a noisy column: the local linear trend model, filtered.

    y[t] = level[t] + e[t],  level[t] = level[t-1] + slope[t-1] + w[t],  slope[t] = slope[t-1] + v[t]

    Args:
        params: variances of e, w, v, from `fit_local_trend`; in squared units of the column.
        price: column read. (rows,) float64, any unit, or NaN.
        out: columns written, (rows,) float64, NaN for the first two prices of a symbol:
            `out` the level given all prices up to this one, in the unit of price;
            `out_slope` its growth per row;
            `out_variance` of the level's error, in that unit squared;
            `out_z` what was not expected of this price, in standard deviations.

    The past fades as powers of (1 - K Z) T do, K being the gain that the filter settles at; the horizon is where those
    are below 1e-12. Without steps of the slope it never forgets.

    Raises:
        ValueError: if a variance is out of its range.

    Source: A. C. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989, sec. 4.1.2.
    Differs: a missing row is no row here, where Harvey lets level and slope take their steps. The start is exactly
        diffuse (Durbin and Koopman, sec. 5.2): after two prices the level is the second, the slope their difference.
    """
    noise, level, slope = _variances("local_trend", params, LocalTrend)
    outputs = (out, f"{out}_slope", f"{out}_variance", f"{out}_z")
    horizon = _trend_memory(noise, level, slope)
    return Feature(_local_trend, params, STATE, (price,), outputs, 2, horizon, recursive=True)


def hedge_ratio(
    params: Hedge = Hedge(),  # noqa: B008
    *,
    y: str = "close",
    x: str = "benchmark",
    out: str = "hedge",
) -> Feature:
    """How much of x hedges y, when that changes: a regression whose coefficients walk at random.

    y[t] = alpha[t] + beta[t] x[t] + e[t],  alpha[t] = alpha[t-1] + w[t],  beta[t] = beta[t-1] + v[t]

    Args:
        params: variances of e, w, v, and of beta before the first row; from `fit_hedge`.
        y: column read: what is hedged. (rows,) float64, any unit, or NaN.
        x: column read: what hedges it, known at the same row. (rows,) float64, any unit, or NaN; a row missing either
            is missing. Prices or their logarithms: with logarithms beta is an elasticity.
        out: columns written, (rows,) float64, NaN at the first row of a symbol:
            `out_alpha` in the unit of y and `out_beta` in y's per x's, given all rows up to this one;
            `out_spread` y less what alpha and beta of the row before expected of it, in the unit of y;
            `out_z` the spread in standard deviations.

    While x stands still alpha and beta cannot be told apart, and what was known of either before is kept, so it never
    forgets.  Powers of x must be float64 numbers: outputs are finite for columns up to 1e100.

    Raises:
        ValueError: if a variance is out of its range.

    Source: A. C. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989, sec. 7.2 (time-varying
        parameters); E. P. Chan, Algorithmic Trading, 2013, ch. 3 (pairs).
    Differs: Chan ties both steps to one number; here each has its variance. Alpha starts exactly diffuse, so the first
        row is on the line.
    """
    _variances("hedge_ratio", params, Hedge)
    if not params.start > 0.0:
        raise ValueError(f"hedge_ratio: start must be positive, got {params.start}")
    outputs = (f"{out}_alpha", f"{out}_beta", f"{out}_spread", f"{out}_z")
    return Feature(_hedge, params, STATE, (y, x), outputs, 1, FOREVER)


def _variances(who: str, params: LocalLevel | LocalTrend | Hedge, kind: type) -> tuple[float, ...]:
    for name, value in of_kind(who, "params", params, kind)._asdict().items():
        if not (isfinite(number(who, name, value)) and value >= 0.0) or (name == "noise" and value == 0.0):
            least = "positive" if name == "noise" else "not negative"
            raise ValueError(f"{who}: {name} is a variance: {least} and finite, got {value}")
    return tuple(params)


def _trend_memory(noise: float, level: float, slope: float) -> int:
    """Rows until an error of level and slope has faded to 1e-12 of itself under the gain that the filter settles at."""
    if slope == 0.0:
        return FOREVER
    p00, p01, p11 = 1e3 * (noise + level), 0.0, 1e3 * (noise + slope)  # of the expected state
    before = inf
    for _ in range(LONG):
        f = p00 + noise
        k0, k1 = p00 / f, p01 / f
        c00, c01, c11 = p00 * (1.0 - k0), p01 * (1.0 - k0), p11 - k1 * p01
        p00, p01, p11 = c00 + 2.0 * c01 + c11 + level, c01 + c11, c11 + slope
        if abs(p00 - before) <= 1e-13 * p00:
            break
        before = p00
    k0, k1 = p00 / (p00 + noise), p01 / (p00 + noise)
    fade = np.array([[1.0 - k0, 1.0 - k0], [-k1, 1.0 - k1]])
    power, rows = np.eye(2), 0
    scale = np.array([[1.0, sqrt(p11 / p00)], [sqrt(p00 / p11), 1.0]])  # level and slope in their own sizes
    while np.abs(power * scale).max() > FORGOTTEN:
        power, rows = power @ fade, rows + 1
        if rows > LONG:
            return FOREVER
    return 2 + rows
