"""Where a symbol stands among the others at one moment."""

from math import isnan, nan

from quantlib.core import Feature
from quantlib.features.rows import Nothing
from quantlib.jit import kernel
from quantlib.kernels.ring import NOTHING


@kernel
def _rank(p, memory, symbol, ts, value, rank):
    first = 0
    while first < ts.size:
        end = first
        known = 0
        while end < ts.size and ts[end] == ts[first]:
            known += not isnan(value[end])
            end += 1
        for i in range(first, end):
            x = value[i]
            below = 0
            same = 0
            for j in range(first, end):
                below += value[j] < x
                same += value[j] == x
            rank[i] = (below + 0.5 * same) / known if not isnan(x) else nan
        first = end


def rank(value: str = "close", *, out: str = "rank") -> Feature:
    """Rank among the symbols of one timestamp, as a fraction.

    r = (symbols below + half of the symbols that are equal, itself included) / symbols with a value

    Args:
        value: column read. (rows,) float64, anything comparable across symbols, or NaN.
        out: column written. (rows,) float64, above 0 and below 1, 0.5 for a symbol alone; its mean over the symbols of
            a timestamp is always 0.5; NaN where value is.

    Rows of one `ts` must come in one call: it sees whole timestamps.  Time grows with the square of the symbols.

    Source: mean percentile rank (`scipy.stats.percentileofscore(kind="mean")`, over 100).
    """
    return Feature(_rank, Nothing(), NOTHING, ("ts", value), (out,), warmup=0, horizon=0, scope="cross")
