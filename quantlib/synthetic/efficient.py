"""The price that the informed know: a random walk over orders, not seconds, with volatility that comes in clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.jit import kernel
from quantlib.synthetic.arrivals import MICRO

CALM = 600.0  # seconds in which a burst of volatility has faded to half
UNREST = 0.5  # standard deviation of log volatility


def efficient(rng: Any, at: NDArray[np.int64], step: float) -> NDArray[np.float64]:
    """Log price after each order, from 0.

    x[i] = x[i-1] + step v(t_i) z_i,  log v an Ornstein-Uhlenbeck process about 0, sampled each second, z normal

    So a busy second moves the price more than a quiet one, as the season and the families of orders have it.

    Args:
        rng: numpy Generator; it is drawn from.
        at: (n,) int64, microseconds, ascending.
        step: standard deviation of log price per order, at rest.

    Source: T. Ané, H. Geman, Order flow, transaction clock, and normality of asset returns, J. Finance 55, 2000;
        S. J. Taylor, Modelling Financial Time Series, 1986 (log-volatility as a first-order autoregression).
    """
    if not len(at):
        return np.empty(0)
    second = at // MICRO
    keep = 0.5 ** (1.0 / CALM)
    shocks = rng.standard_normal(int(second[-1]) + 1) * UNREST
    shocks[1:] *= np.sqrt(1.0 - keep * keep)
    unrest = np.exp(fading(shocks, keep))
    return np.cumsum(step * unrest[second] * rng.standard_normal(len(at)))


def fading(shocks: NDArray[np.float64], keep: float) -> NDArray[np.float64]:
    """First-order autoregression: y[t] = keep y[t-1] + shocks[t], y[-1] = 0."""
    after = np.empty(len(shocks))
    _fading.dispatcher(shocks, keep, after)
    return after


@kernel
def _fading(shocks, keep, after):
    last = 0.0
    for i in range(shocks.size):
        last = keep * last + shocks[i]
        after[i] = last
