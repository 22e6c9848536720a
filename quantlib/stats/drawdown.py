"""How far a curve stood below its best, and for how long."""

from math import inf, nan

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BLOCK = 65_536  # rows looked at together, so that long curves need no second copy


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
    deepest, best = -inf, -inf
    for begin in range(0, value.size, BLOCK):
        block = value[begin : begin + BLOCK]
        depth = drawdown(np.concatenate(((best,), block)) if begin else block)  # the best so far leads the block
        deepest = float(np.maximum(deepest, depth.max()))
        best = max(best, float(block.max()))
    return deepest if value.size else nan


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
    longest, row, peak = 0, -1, -inf  # `row` is the last best one
    for begin in range(0, value.size, BLOCK):
        block = value[begin : begin + BLOCK]
        best = begin + np.flatnonzero(block >= np.maximum(np.maximum.accumulate(block), peak))
        if not best.size:
            continue
        rows = np.concatenate(((row,), best)) if row >= 0 else best
        under = np.flatnonzero(np.diff(rows) > 1)
        if under.size:
            longest = max(longest, int((ts[rows[under + 1]] - ts[rows[under]]).max()))
        row, peak = int(best[-1]), float(value[best[-1]])
    return max(longest, int(ts[-1] - ts[row])) if row >= 0 else 0
