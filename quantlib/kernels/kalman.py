"""One row of a Kalman filter with one or two states, in a form whose variances cannot turn negative.

Two states (a0, a1) have the covariance U D U' with U = [[1, u], [0, 1]], D = diag(d0, d1): var a0 = d0 + u^2 d1,
var a1 = d1, cov = u d1.

Source: A. C. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989, sec. 3.2 (the filter);
G. J. Bierman, Factorization Methods for Discrete Sequential Estimation, 1977, ch. V (the factors' update).
"""

from quantlib.jit import block


@block
def level_step(level, spread, noise, drift, y):
    """Observe y = level + noise after the level took a step of variance `drift`.

    Returns:
        (level, its variance, y less what was expected, the variance of that)
    """
    spread += drift
    surprise = y - level
    f = spread + noise
    return level + spread / f * surprise, spread * (noise / f), surprise, f


@block
def pair_step(a0, a1, u, d0, d1, shift, h, noise, drift0, drift1, y):
    """Observe y = a0 + h a1 + noise after a0 moved by shift a1 and both took steps of variances drift0, drift1.

    Returns:
        (a0, a1, u, d0, d1, y less what was expected, the variance of that)
    """
    a0 += shift * a1
    u += shift
    wide = d1 + drift1
    d0 += drift0 + u * u * d1 * (drift1 / wide)
    u *= d1 / wide
    d1 = wide
    surprise = y - a0 - h * a1
    f1 = u + h
    v1 = d1 * f1
    f0 = noise + d0
    f = f0 + v1 * f1
    a0 += (d0 + v1 * u) / f * surprise
    a1 += v1 / f * surprise
    return a0, a1, u - d0 * f1 / f0, d0 * (noise / f0), d1 * (f0 / f), surprise, f


@block
def trend_start(before, y, noise, drift0, drift1):
    """Level and slope after two rows, nothing having been known: (a0, a1, u, d0, d1).

    The level is the second value and the slope their difference; its error holds both errors and both steps.
    """
    d1 = 2.0 * noise + drift0 + drift1
    u = noise / d1
    return y, y - before, u, noise * (1.0 - u), d1
