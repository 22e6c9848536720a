"""Volatility by GARCH(1,1): fitted by `arch`, filtered by a loop.

    params = fit_garch({"close": prices})          # once, or at rows fixed by the data: quantlib.features.models.refit
    feature = garch(params, ahead=5)

Source: T. Bollerslev, Generalized autoregressive conditional heteroskedasticity, J. Econometrics 31, 1986.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, isnan, log, nan, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Feature
from quantlib.features.models.refit import FitError
from quantlib.features.rows import faded, number, of_kind, row_count
from quantlib.jit import kernel

FARTHEST = 100_000  # rows ahead; a forecast has long settled there
LEAST = 50  # returns below which three parameters are not worth fitting


class Garch(NamedTuple):
    """A GARCH(1,1) of log returns: h[t] = omega + alpha e[t-1]^2 + beta h[t-1],  e = r - mean."""

    omega: float  # variance per row, above 0
    alpha: float  # weight of the last squared return, not below 0
    beta: float  # weight of the last variance, in [0, 1)
    backcast: float  # stands for e^2 and h before the first return; variance per row, above 0
    mean: float = 0.0  # return per row


class GarchFilter(NamedTuple):
    omega: float
    alpha: float
    beta: float
    backcast: float
    mean: float
    rows_per_year: float
    ahead_level: float  # the variance `ahead` rows on is ahead_level + ahead_share x the next row's
    ahead_share: float
    over_level: float  # and the sum of the variances up to there likewise
    over_share: float


TYPICAL = Garch(2e-6, 0.08, 0.9, 1e-4)  # an index, day by day


@kernel
def _garch(p, memory, symbol, price, volatility, annual, ahead, over, surprise):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        last, h = m.price, m.next
        while i < price.size and symbol[i] == code:
            volatility[i] = annual[i] = ahead[i] = over[i] = surprise[i] = nan
            if not isnan(price[i]):
                if not isnan(last):
                    e = log(price[i] / last) - p.mean
                    volatility[i] = sqrt(h)
                    annual[i] = sqrt(h * p.rows_per_year)
                    surprise[i] = e / volatility[i]
                    h = p.omega + p.alpha * (e * e) + p.beta * h
                    ahead[i] = sqrt(p.ahead_level + p.ahead_share * h)
                    over[i] = sqrt(p.over_level + p.over_share * h)
                else:
                    h = p.omega + p.alpha * p.backcast + p.beta * p.backcast
                last = price[i]
            i += 1
        m.price, m.next = last, h


def garch(
    params: Garch = TYPICAL,
    *,
    ahead: int = 5,
    rows_per_year: float = 252.0,
    price: str = "close",
    out: str = "garch",
) -> Feature:
    """Volatility by GARCH(1,1), and where it is heading.

    h[t] = ω + α e[t-1]^2 + β h[t-1],  e[t] = log(p[t] / p[t-1]) - mean,  h[1] = ω + (α + β) backcast
    E h[t+k] = ω + (α + β) E h[t+k-1],  E h[t+1] = h[t+1], both known at t

    Args:
        params: from `fit_garch`; the default is typical of an index by the day, and fitted to nothing.
        ahead: rows k of the forecasts, 1 to 100,000: 5 on one-minute bars looks five minutes ahead.
        rows_per_year: how many rows make a year, above 0: 252 days, 252 x 390 minutes.
        price: column read. (rows,) float64, quote currency, positive or NaN.
        out: columns written, (rows,) float64, NaN at the first price of a symbol:
            `out` sqrt(h[t]), the volatility of this row's return as it was expected one row ago: a fraction per row;
            `out_annual` the same times sqrt(rows_per_year): a fraction per year;
            `out_ahead` sqrt(E h[t+k]): of the return of the k-th row from here, a fraction per row;
            `out_over` sqrt(E h[t+1] + … + E h[t+k]): of the return over the next k rows, a fraction;
            `out_surprise` e[t] / sqrt(h[t]): standard deviations.

    Raises:
        ValueError: if a parameter is out of its range, α + β is above 1, or a count is.

    Source: T. Bollerslev, Generalized autoregressive conditional heteroskedasticity, J. Econometrics 31, 1986, sec. 2;
        forecasts: R. S. Tsay, Analysis of Financial Time Series, 3rd ed., 2010, sec. 3.5.
    Differs: nothing from `arch` (Zero or Constant mean, its backcast); a missing row is no row here.
    """
    omega, alpha, beta, backcast, mean = _checked(params)
    if row_count("garch", "ahead", ahead) > FARTHEST:
        raise ValueError(f"garch: ahead must be at most {FARTHEST}, got {ahead}")
    if not (isfinite(number("garch", "rows_per_year", rows_per_year)) and rows_per_year > 0.0):
        raise ValueError(f"garch: rows_per_year must be positive and finite, got {rows_per_year}")
    level, share, over_level, over_share = 0.0, 1.0, 0.0, 1.0
    for _ in range(ahead - 1):
        level, share = omega + (alpha + beta) * level, (alpha + beta) * share
        over_level, over_share = over_level + level, over_share + share
    filtered = GarchFilter(omega, alpha, beta, backcast, mean, rows_per_year, level, share, over_level, over_share)
    blank = np.array((nan, nan), [("price", "f8"), ("next", "f8")])
    outputs = (out, f"{out}_annual", f"{out}_ahead", f"{out}_over", f"{out}_surprise")
    return Feature(_garch, filtered, blank, (price,), outputs, 1, 2 + faded(1.0 - beta), recursive=True)


def fit_garch(columns: Mapping[str, NDArray[Any]], *, price: str = "close", mean: str = "zero") -> Garch:
    """The GARCH(1,1) of the log returns of a column of prices, as `fit_garch_returns`; NaN prices are left out."""
    prices = np.asarray(columns[price], np.float64)
    return fit_garch_returns(np.diff(np.log(prices[~np.isnan(prices)])), mean=mean)


def fit_garch_returns(returns: NDArray[np.float64], *, mean: str = "zero") -> Garch:
    """The GARCH(1,1) that makes the returns most likely, with normal errors.

    Returns are divided by their root mean square before and the answer is scaled back, so their unit does not matter.

    Args:
        returns: (n,) float64, log returns per row, at least 50, not all equal; no NaN.
        mean: "zero", or "constant": fitted too.

    Returns:
        Parameters per row. `backcast` is arch's: the mean of the first 75 squared returns (less the plain mean, if a
        mean is fitted), weighted by 0.94^k; it is known with the fit, so filtering rows after those of the fit looks at
        nothing to come.

    Raises:
        FitError: if there are too few returns, they do not vary, or the search does not end at a GARCH.
        ValueError: if mean is neither.

    Source: Kevin Sheppard, arch, `arch_model(vol="GARCH", p=1, q=1)`.
    """
    if mean not in ("zero", "constant"):
        raise ValueError(f"fit_garch: mean must be 'zero' or 'constant', got {mean!r}")
    if returns.size < LEAST:
        raise FitError(f"fit_garch: wants at least {LEAST} returns, got {returns.size}")
    size = sqrt(float(np.mean(returns * returns)))
    if not (isfinite(size) and float(np.ptp(returns)) > 1e-12 * size):
        raise FitError("fit_garch: the returns do not vary, or one of them is no number")
    from arch import arch_model

    model = arch_model(returns / size, mean=mean.capitalize(), vol="GARCH", p=1, q=1, rescale=False)
    found = model.fit(disp="off", show_warning=False, options={"ftol": 1e-10, "maxiter": 1000})
    *middle, omega, alpha, beta = (float(x) for x in found.params)
    mu = middle[0] if middle else 0.0
    backcast = float(model.volatility.backcast(np.asarray(model.resids(model.starting_values()))))
    try:
        return Garch(*_checked(Garch(omega * size**2, alpha, beta, backcast * size**2, mu * size)))
    except ValueError as error:
        raise FitError(f"fit_garch: the search ended at no GARCH; {error}") from None


def _checked(params: Garch) -> Garch:
    of_kind("garch", "params", params, Garch)
    omega, alpha, beta, backcast, mean = (number("garch", *field) for field in params._asdict().items())
    for name, value in (("omega", omega), ("backcast", backcast)):
        if not (isfinite(value) and value > 0.0):
            raise ValueError(f"garch: {name} must be positive and finite, got {value}")
    if not (alpha >= 0.0 and 0.0 <= beta < 1.0 and alpha + beta <= 1.0 + 1e-9):
        raise ValueError(f"garch: alpha and beta must not be negative, nor their sum above 1, got {alpha} and {beta}")
    if not isfinite(mean):
        raise ValueError(f"garch: mean must be finite, got {mean}")
    return params
