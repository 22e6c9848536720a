"""The variances of the Kalman filters, by maximum likelihood.

The size of all variances together has a formula, so only their ratios are searched: a coarse grid, then downhill from
its best point.  The same rows always give the same answer.

Source: A. C. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989, sec. 3.4 (the prediction
error decomposition and its concentrated form).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from math import exp, isfinite, log, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.features.models.kalman import Hedge, LocalLevel, LocalTrend
from quantlib.features.models.refit import FitError
from quantlib.jit import kernel
from quantlib.kernels.kalman import level_step, pair_step, trend_start

LEAST = 20  # rows below which nothing is fitted
WIDEST = 1e12  # variance of the first beta, in units of the noise and of x at its root mean square: nothing is known
LOWEST, HIGHEST = -30.0, 20.0  # bounds of the logarithms of the ratios
GRID = (-18.0, -15.0, -12.0, -9.0, -6.0, -3.0, 0.0, 3.0)


@kernel
def _level_errors(y, noise, level):
    """Sums over all rows but the first of v^2 / f and log f, v being what was not expected and f its variance."""
    squares = logs = 0.0
    state, spread = y[0], noise
    for t in range(1, y.size):
        state, spread, surprise, f = level_step(state, spread, noise, level, y[t])
        squares += surprise * surprise / f
        logs += log(f)
    return squares, logs


@kernel
def _pair_errors(y, x, shift, noise, drift0, drift1, start):
    """The same over all rows but the first two; `shift` is 1 for a level with a slope, 0 for a regression on x."""
    squares = logs = 0.0
    a0, a1, u, d0, d1 = y[0], 0.0, -x[0], noise, start
    for t in range(1, y.size):
        if t == 1 and shift == 1.0:
            a0, a1, u, d0, d1 = trend_start(y[0], y[1], noise, drift0, drift1)
            continue
        a0, a1, u, d0, d1, surprise, f = pair_step(a0, a1, u, d0, d1, shift, x[t], noise, drift0, drift1, y[t])
        if t > 1:
            squares += surprise * surprise / f
            logs += log(f)
    return squares, logs


def fit_local_level(columns: Mapping[str, NDArray[Any]], *, price: str = "close") -> LocalLevel:
    """The variances of `local_level` that make a column most likely; rows with NaN are left out.

    Args:
        columns: with the column `price`: (n,) float64, at least 20 rows that are not NaN.

    Raises:
        FitError: if there are too few rows, or they are all equal.
    """
    (y,) = _complete("fit_local_level", columns, price)

    def errors(ratios: tuple[float, ...]) -> tuple[float, float]:
        return _level_errors(y, 1.0, *ratios)

    noise, (level,) = _fitted("fit_local_level", errors, y.size - 1, 1)
    return LocalLevel(noise, level * noise)


def fit_local_trend(columns: Mapping[str, NDArray[Any]], *, price: str = "close") -> LocalTrend:
    """The variances of `local_trend` that make a column most likely; as `fit_local_level`."""
    (y,) = _complete("fit_local_trend", columns, price)
    zeros = np.zeros(y.size)

    def errors(ratios: tuple[float, ...]) -> tuple[float, float]:
        return _pair_errors(y, zeros, 1.0, 1.0, *ratios, 0.0)

    noise, (level, slope) = _fitted("fit_local_trend", errors, y.size - 2, 2)
    return LocalTrend(noise, level * noise, slope * noise)


def fit_hedge(columns: Mapping[str, NDArray[Any]], *, y: str = "close", x: str = "benchmark") -> Hedge:
    """The variances of `hedge_ratio` that make y most likely, given x; rows with NaN in either are left out.

    Beta is left as good as unknown before the first row.

    Args:
        columns: with the columns `y` and `x`: (n,) float64, at least 20 rows that are complete.

    Raises:
        FitError: if there are too few rows, x is 0 throughout, or y is on a line with x to the last digit.
    """
    ys, xs = _complete("fit_hedge", columns, y, x)
    size = sqrt(float(np.mean(xs * xs)))
    if not (isfinite(size) and size > 0.0):
        raise FitError(f"fit_hedge: {x} is 0 throughout, or too large")
    scaled = xs / size

    def errors(ratios: tuple[float, ...]) -> tuple[float, float]:
        return _pair_errors(ys, scaled, 0.0, 1.0, *ratios, WIDEST)

    noise, (alpha, beta) = _fitted("fit_hedge", errors, ys.size - 2, 2)
    return Hedge(noise, alpha * noise, beta * noise / size**2, WIDEST * noise / size**2)


def log_likelihood(params: LocalLevel | LocalTrend, values: NDArray[np.float64]) -> float:
    """Log-likelihood of a column under `local_level` or `local_trend`, the rows of the diffuse start left out.

    sum of -(log(2 pi) + log f[t] + v[t]^2 / f[t]) / 2, from the second row on (third for a trend).

    Args:
        values: (n,) float64 without NaN, at least 3.
    """
    if isinstance(params, LocalLevel):
        squares, logs = _level_errors(values, *params)
        return -0.5 * ((values.size - 1) * log(2.0 * pi) + logs + squares)
    squares, logs = _pair_errors(values, np.zeros(values.size), 1.0, *params, 0.0)
    return -0.5 * ((values.size - 2) * log(2.0 * pi) + logs + squares)


def _complete(who: str, columns: Mapping[str, NDArray[Any]], *names: str) -> list[NDArray[np.float64]]:
    given = [np.asarray(columns[name], np.float64) for name in names]
    known = np.logical_and.reduce([np.isfinite(column) for column in given])
    if int(known.sum()) < LEAST:
        raise FitError(f"{who}: wants at least {LEAST} complete rows, got {int(known.sum())}")
    return [np.ascontiguousarray(column[known]) for column in given]


def _fitted(
    who: str, errors: Callable[[tuple[float, ...]], tuple[float, float]], rows: int, ratios: int
) -> tuple[float, tuple[float, ...]]:
    """The noise, and the other variances over it, that make the rows most likely."""
    from scipy.optimize import minimize

    def loss(logs: Any) -> float:
        squares, spread = errors(tuple(exp(min(max(v, LOWEST), HIGHEST)) for v in logs))
        return rows * log(squares / rows) + spread if squares > 0.0 else -np.inf

    if not errors((1.0,) * ratios)[0] > 0.0:
        raise FitError(f"{who}: the rows leave no error to fit a variance to")
    best = min(product(GRID, repeat=ratios), key=loss)
    options = {"xatol": 1e-9, "fatol": 1e-10, "maxiter": 2_000}
    simplex = np.vstack([best, best + np.eye(ratios)])
    found = minimize(loss, best, method="Nelder-Mead", options=options | {"initial_simplex": simplex})
    shares = tuple(exp(min(max(float(v), LOWEST), HIGHEST)) for v in found.x)
    noise = errors(shares)[0] / rows
    if not (isfinite(noise) and noise > 0.0):
        raise FitError(f"{who}: the search ended at a noise of {noise}")
    return noise, shares
