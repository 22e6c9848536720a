"""How far a curve stood below its best, and for how long."""

from math import nan

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def drawdown(value: Floats) -> Floats:
    """d[t] = 1 - value[t] / max(value[0..t]).

    Args:
        value: (n,) float64, quote currency.

    Returns:
        (n,) float64: the fraction lost since the best value so far, 0 at a new best, over 1 once the value is
        negative; NaN while no value was positive, and from the first NaN on.  One array is made, none besides.

    Source: Magdon-Ismail and Atiya, Maximum Drawdown, Risk 17(10), 2004.
    Differs: theirs is in units of value, ours is the fraction.
    """
    depth = np.maximum.accumulate(value, dtype=np.float64)
    lost = depth <= 0
    np.divide(value, depth, out=depth, where=~lost)
    depth[lost] = nan
    return np.subtract(1.0, depth, out=depth)


def max_drawdown(value: Floats) -> float:
    """The deepest `drawdown`, a fraction; NaN without values or if one of them is NaN.

    Source: Magdon-Ismail and Atiya, Maximum Drawdown, Risk 17(10), 2004.
    """
    return float(drawdown(value).max()) if value.size else nan


def longest_drawdown(value: Floats, ts: NDArray[np.int64]) -> int:
    """The longest time from a best value until it was reached again, or until the end if it never was.

    max(ts[b] - ts[a]) over best rows a and the next best row b > a + 1; the last row ends what is still open.

    Args:
        value: (n,) float64, quote currency.
        ts: (n,) int64, nanoseconds UTC, never decreasing.

    Returns:
        Nanoseconds; 0 if the value never fell below its best.

    Source: Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed., 2008, ch. 4 (drawdowns).
    """
    best = np.flatnonzero(value >= np.maximum.accumulate(value))
    if not best.size:
        return 0
    under = np.flatnonzero(np.diff(best) > 1)
    longest = int((ts[best[under + 1]] - ts[best[under]]).max()) if under.size else 0
    return max(longest, int(ts[-1] - ts[best[-1]]))
