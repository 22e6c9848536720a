"""What a curve of equity earned, and against how much risk.

Returns are simple, fractions per period, float64 of shape (periods,).  `periods` is how many of them make a year.
Wherever a formula has no answer (too few returns, nothing that varies, a NaN among them) the answer is NaN.
"""

from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDING = 1e-14  # a spread of returns below this is the rounding of equity, not risk


def simple_returns(value: Floats) -> Floats:
    """r[t] = value[t] / value[t-1] - 1.

    Args:
        value: (n,) float64, quote currency.

    Returns:
        (n - 1,) float64, fractions; NaN where the value before was not positive, because a lost account has no return.
    """
    before = value[:-1]
    ratio = np.full(max(value.size - 1, 0), nan)
    np.divide(value[1:], before, out=ratio, where=before > 0)
    return ratio - 1.0


def total_return(value: Floats) -> float:
    """R = last / first - 1, a fraction; NaN without two values or if the first is not positive.

    Source: Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed., 2008, ch. 2.
    """
    return float(value[-1] / value[0] - 1.0) if value.size > 1 and value[0] > 0 else nan


def annual_return(total: float, years: float) -> float:
    """Compound annual growth rate: g = (1 + R)^(1 / years) - 1.

    Args:
        total: R, the total return, a fraction.
        years: length of the sample, usually returns.size / periods.

    Returns:
        A fraction per year; -1 if everything was lost; NaN if `years` is not positive.

    Source: Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed., 2008, ch. 2 (annualised
        returns).
    Differs: performance standards forbid to annualise less than one year; here that is left to the reader.
    """
    if not years > 0 or total != total:
        return nan
    try:
        return (1.0 + total) ** (1.0 / years) - 1.0 if total > -1 else -1.0
    except OverflowError:  # a large gain within minutes
        return nan


def annual_volatility(returns: Floats, periods: float) -> float:
    """s sqrt(periods), where s is the standard deviation with n - 1; a fraction per sqrt(year); NaN below two returns.

    Source: Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed., 2008, ch. 4.
    """
    return float(returns.std(ddof=1)) * sqrt(periods) if returns.size > 1 else nan


def sharpe(returns: Floats, periods: float, risk_free: float = 0.0) -> float:
    """Sharpe ratio: S = mean(d) / s(d) sqrt(periods),  d[t] = r[t] - risk_free.

    Args:
        returns: (n,) float64, fractions per period.
        periods: returns in a year.
        risk_free: what cash earned, a fraction per period (not per year).

    Returns:
        Annualised ratio; NaN below two returns or if they do not vary.

    Source: Sharpe, The Sharpe Ratio, Journal of Portfolio Management 21(1), 1994: "The Ex Post Sharpe Ratio" and,
        for sqrt(periods), "Time Dependence".
    """
    if returns.size < 2:
        return nan
    spread = float(returns.std(ddof=1))
    return (float(returns.mean()) - risk_free) / spread * sqrt(periods) if spread > ROUNDING else nan


def downside_deviation(returns: Floats, target: float = 0.0) -> float:
    """d = sqrt(mean(min(r[t] - target, 0)^2)), the mean over all returns; a fraction per period; NaN without returns.

    Source: Sortino and Price, Performance Measurement in a Downside Risk Framework, Journal of Investing 3(3), 1994.
    """
    if not returns.size:
        return nan
    shortfall = np.minimum(returns - target, 0.0)
    return sqrt(float(np.mean(np.square(shortfall))))


def sortino(returns: Floats, periods: float, target: float = 0.0) -> float:
    """Sortino ratio: (mean(r) - target) / downside_deviation(r, target) sqrt(periods).

    Args:
        returns: (n,) float64, fractions per period.
        periods: returns in a year.
        target: the return that was asked for, a fraction per period (not per year).

    Returns:
        Annualised ratio; NaN without returns or if none fell short.

    Source: Sortino and Price, Performance Measurement in a Downside Risk Framework, Journal of Investing 3(3), 1994.
    """
    downside = downside_deviation(returns, target)
    return (float(returns.mean()) - target) / downside * sqrt(periods) if downside > ROUNDING else nan


def calmar(growth: float, deepest: float) -> float:
    """Calmar ratio: annual return / max drawdown; NaN if there was no drawdown.

    Source: Young, Calmar Ratio: A Smoother Tool, Futures, October 1991.
    Differs: over the whole sample, where he takes the last 36 months.
    """
    return growth / deepest if deepest > 0 else nan


def rolling_sharpe(returns: Floats, periods: float, window: int) -> Floats:
    """`sharpe` of the last `window` returns, at each return.

    Returns:
        (n,) float64; NaN before the window is full and where it does not vary.
    """
    out = np.full(returns.size, nan)
    for_each = _windows(returns, window, "rolling_sharpe")
    if for_each.size:
        spread = for_each.std(axis=1, ddof=1)
        ratio = out[window - 1 :]
        np.divide(for_each.mean(axis=1) * sqrt(periods), spread, out=ratio, where=spread > ROUNDING)
    return out


def rolling_volatility(returns: Floats, periods: float, window: int) -> Floats:
    """`annual_volatility` of the last `window` returns, at each return; (n,) float64, NaN before the window is full."""
    out = np.full(returns.size, nan)
    for_each = _windows(returns, window, "rolling_volatility")
    if for_each.size:
        out[window - 1 :] = for_each.std(axis=1, ddof=1) * sqrt(periods)
    return out


def _windows(returns: Floats, window: int, who: str) -> Floats:
    if window < 2:
        raise ValueError(f"{who}: window must be at least 2 returns, got {window}")
    if returns.size < window:
        return np.empty((0, window))
    return np.lib.stride_tricks.sliding_window_view(returns, window)
