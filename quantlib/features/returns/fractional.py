"""Differences of fractional order: as stationary as needed, with as much memory as possible."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import Window, number
from quantlib.jit import block, kernel
from quantlib.kernels.ring import window

MOST = 4096  # weights in a window: a row costs a multiplication for each
AHEAD = tuple(np.uint64(j) for j in range(1, 8))


@kernel
def _fractional_difference(p, memory, symbol, price, difference):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        ring, weights, seen = m.ring, m.weights, m.seen
        half = ring.size // 2
        while i < price.size and symbol[i] == code:
            difference[i] = nan
            if not isnan(price[i]):
                at = half - 1 - (seen & (half - 1))  # backwards, so that the newest lies first
                ring[at] = ring[at + half] = price[i]  # twice, so that any n of them lie side by side
                seen += 1
                if seen >= p.n:
                    difference[i] = _weighted(weights, ring, at, p.n)
            i += 1
        m.seen = seen


@block
def _weighted(weights, values, first, n):
    """The sum of n weights times values, beyond which the weights are zero.

    Eight sums in place of one: which weight joins which is fixed, so the machine may take them side by side.  Indices
    are unsigned, so that none is looked at twice.
    """
    j1, j2, j3, j4, j5, j6, j7 = AHEAD
    a = b = c = d = e = f = g = h = 0.0
    for k in range(np.uint64(0), np.uint64(n), np.uint64(8)):
        i = np.uint64(first) + k
        a += weights[k] * values[i]
        b += weights[k + j1] * values[i + j1]
        c += weights[k + j2] * values[i + j2]
        d += weights[k + j3] * values[i + j3]
        e += weights[k + j4] * values[i + j4]
        f += weights[k + j5] * values[i + j5]
        g += weights[k + j6] * values[i + j6]
        h += weights[k + j7] * values[i + j7]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


def fractional_weights(d: float, threshold: float = 1e-4) -> list[float]:
    """Weights of a fractional difference, the newest row's first, as far as they count.

    w[0] = 1,  w[k] = -w[k-1] (d - k + 1) / k, up to the last with |w[k]| >= threshold.

    Args:
        d: order of the difference, not negative: 0 the series itself, 1 its plain difference.
        threshold: least size of a weight that counts, in (0, 1).

    Raises:
        ValueError: if d is negative or not finite, threshold is not inside (0, 1), or more than 4096 weights count.

    Source: M. Lopez de Prado, Advances in Financial Machine Learning, 2018, sec. 5.4.2 and 5.5, snippet 5.3.
    """
    if not 0.0 <= number("fractional_difference", "d", d) < float("inf"):
        raise ValueError(f"fractional_difference: d must be finite and not negative, got {d}")
    if not 0.0 < number("fractional_difference", "threshold", threshold) < 1.0:
        raise ValueError(f"fractional_difference: threshold must be inside (0, 1), got {threshold}")
    weights = [1.0]
    while True:
        k = len(weights)
        after = -weights[-1] * (d - k + 1.0) / k
        if abs(after) < threshold:
            return weights
        if k == MOST:
            raise ValueError(f"fractional_difference: more than {MOST} weights reach {threshold}; raise the threshold")
        weights.append(after)


def fractional_difference(
    d: float = 0.4, threshold: float = 1e-4, *, price: str = "close", out: str = "fractional_difference"
) -> Feature:
    """Difference of fractional order, over a window of fixed width.

    y[t] = w[0] x[t] + w[1] x[t-1] + … + w[n-1] x[t-n+1], the weights those of `fractional_weights`.

    Args:
        d: order of the difference, not negative: 0 gives the column itself, 1 its plain difference.
        threshold: least size of a weight that counts, in (0, 1). It sets n: 282 rows at 1e-4 and d = 0.4, 55 at 1e-3. A
            row costs about n / 3 ns.
        price: column read: a price, or its logarithm by `log_price`. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if d is negative or not finite, threshold is not inside (0, 1), or more than 4096 weights count.

    Source: M. Lopez de Prado, Advances in Financial Machine Learning, 2018, sec. 5.5 (fixed-width window); J. R. M.
        Hosking, Fractional differencing, Biometrika 68, 1981, for the expansion of (1 - L)^d.
    """
    weights = fractional_weights(d, threshold)
    n = len(weights)
    size = window(n, "ring")[0][2]
    blank = np.zeros((), [("seen", "i8"), ("weights", "f8", size), ("ring", "f8", 2 * size)])
    blank["weights"][:n] = weights
    return Feature(_fractional_difference, Window(n), blank, (price,), (out,), warmup=n - 1, horizon=n - 1)
