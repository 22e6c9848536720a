"""The shape of returns: asymmetry, fat tails, and what the bad days cost.

Returns are fractions per period, float64 of shape (n,), in any order.  Losses come out as positive fractions.  NaN
among the returns, or too few of them, gives NaN.
"""

from math import nan

import numpy as np
from numpy.typing import NDArray

from quantlib.stats.returns import ROUNDING

Floats = NDArray[np.float64]


def skew(returns: Floats) -> float:
    """g1 = m3 / m2^(3/2), where m[k] = mean((r - mean(r))^k); no unit; NaN if returns do not vary.

    Source: Joanes and Gill, Comparing Measures of Sample Skewness and Kurtosis, The Statistician 47(1), 1998, g1.
    """
    return _standard_moment(returns, 3)


def kurtosis(returns: Floats) -> float:
    """Excess kurtosis g2 = m4 / m2^2 - 3, which is 0 for a normal law; no unit; NaN if returns do not vary.

    Source: Joanes and Gill, Comparing Measures of Sample Skewness and Kurtosis, The Statistician 47(1), 1998, g2.
    """
    return _standard_moment(returns, 4) - 3.0


def value_at_risk(returns: Floats, tail: float = 0.05) -> float:
    """The loss that all but the worst `tail` of periods stayed within: minus the `tail` quantile of returns.

    Args:
        returns: (n,) float64, fractions per period.
        tail: share of the worst periods, in (0, 1).

    Returns:
        A fraction per period, positive for a loss; NaN without returns.

    Raises:
        ValueError: if tail is not inside (0, 1).

    Source: Jorion, Value at Risk, 3rd ed., 2006 (historical simulation); the quantile is type 7 of Hyndman and Fan,
        Sample Quantiles in Statistical Packages, The American Statistician 50(4), 1996.
    """
    _check_tail("value_at_risk", tail)
    return -float(np.quantile(returns, tail)) if returns.size else nan


def expected_shortfall(returns: Floats, tail: float = 0.05) -> float:
    """Minus the mean of the worst `tail` of returns, the last of them counted in part.

    k = tail n;  ES = -(x[1] + .. + x[floor(k)] + (k - floor(k)) x[floor(k) + 1]) / k,  x sorted from the worst.

    Args:
        returns: (n,) float64, fractions per period.
        tail: share of the worst periods, in (0, 1).

    Returns:
        A fraction per period, positive for a loss and never below `value_at_risk`; NaN without returns.

    Raises:
        ValueError: if tail is not inside (0, 1).

    Source: Rockafellar and Uryasev, Conditional Value-at-Risk for General Loss Distributions, Journal of Banking and
        Finance 26(7), 2002, proposition 8.
    """
    _check_tail("expected_shortfall", tail)
    if not returns.size or np.isnan(returns).any():
        return nan
    k = tail * returns.size
    whole = min(int(k), returns.size - 1)
    worst = np.partition(returns, whole)[: whole + 1]
    return -float(worst[:whole].sum() + (k - whole) * worst[whole]) / k


def tail_ratio(returns: Floats, tail: float = 0.05) -> float:
    """How the good tail compares with the bad one: |q(1 - tail)| / |q(tail)|, where q is the quantile.

    Returns:
        A ratio, 1 if the tails are alike; NaN without returns or if the bad tail is 0.

    Raises:
        ValueError: if tail is not inside (0, 1).

    Source: Quantopian, empyrical, `tail_ratio`.
    """
    _check_tail("tail_ratio", tail)
    if not returns.size:
        return nan
    bad, good = np.abs(np.quantile(returns, (tail, 1.0 - tail)))
    return float(good / bad) if bad > ROUNDING else nan


def _standard_moment(returns: Floats, order: int) -> float:
    if returns.size < 2:
        return nan
    away = returns - returns.mean()
    spread = float(np.sqrt(np.mean(np.square(away))))
    return float(np.mean((away / spread) ** order)) if spread > ROUNDING else nan


def _check_tail(who: str, tail: float) -> None:
    if not 0.0 < tail < 1.0:
        raise ValueError(f"{who}: tail must be inside (0, 1), got {tail}")
