"""Who has grown more than the others."""

from math import isnan, log, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import kernel
from quantlib.kernels.ring import window
from quantlib.kernels.section import ROOM, arranged, give_back, put, quantile, ranked, section_end, standing


class Strength(NamedTuple):
    n: int  # rows over which growth is measured
    gated: int  # 0: every row counts; 1: those whose member is not 0


@kernel
def _cross_strength(p, memory, symbol, ts, price, member, strength, from_median, percentile):
    first = 0
    while first < ts.size:
        end = section_end(ts, first)
        size = 0
        total = 0.0
        for i in range(first, end):
            strength[i] = from_median[i] = percentile[i] = nan
            if isnan(price[i] + member[i]):
                continue
            m = memory[symbol[i]]
            mask = m.prices.size - 1
            if m.seen >= p.n:
                strength[i] = log(price[i] / m.prices[(m.seen - p.n) & mask])
                if p.gated == 0 or member[i] != 0.0:
                    size = put(memory, size, strength[i], i)
                    total += strength[i]
            m.prices[m.seen & mask] = price[i]
            m.seen += 1
        arranged(memory, size)
        mean = total / size if size > 0 else 0.0
        middle = quantile(memory, size, 0.5) if size > 0 else 0.0
        ranked(memory, size, percentile)
        for i in range(first, end):
            if not isnan(strength[i]):
                if p.gated != 0 and member[i] == 0.0:
                    percentile[i] = standing(memory, size, strength[i])
                from_median[i] = strength[i] - middle
                strength[i] -= mean
        give_back(memory, size)
        first = end


def cross_strength(
    n: int = 20, *, price: str = "close", member: str | None = None, out: str = "cross_strength"
) -> Feature:
    """Growth over n rows against that of the other symbols at the same moment.

    g = log(p[t] / p[t-n]), rows counted per symbol; strength = g - mean(g) over the symbols of the timestamp that have
    n rows behind them

    Args:
        n: rows of the symbol back, at least 1.
        price: column read. (rows,) float64, quote currency, positive or NaN.
        member: column read that says who counts: not 0, 0, or NaN for a missing row (see `features.cross.section`).
        out: columns written, (rows,) float64, NaN for the first n rows of a symbol:
            `out` a fraction over n rows: 0 where it grew like the mean (0 stands for a mean of none);
            `out_median` the same against the median;
            `out_percentile` mean percentile rank, 0 to 1, 0.5 alone.

    Rows of one `ts` must come in one call.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: N. Jegadeesh, S. Titman, Returns to buying winners and selling losers, J. Finance 48, 1993 (ranks of past
        returns).
    Differs: they rank; strength is the distance, and the rank is beside it.
    """
    n = row_count("cross_strength", "n", n)
    blank = np.zeros((), [("seen", "i8"), *window(n, "prices")[:-1], *ROOM])
    params = Strength(n, int(member is not None))
    outputs = (out, f"{out}_median", f"{out}_percentile")
    return Feature(_cross_strength, params, blank, ("ts", price, member or price), outputs, n, n, scope="cross")
