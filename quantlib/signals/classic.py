"""Classic strategies as scores in [-1, 1]: 1 wants to be long, -1 short, 0 nothing."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.jit import kernel
from quantlib.kernels.ring import NOTHING


class Margin(NamedTuple):
    margin: float  # how far apart two columns must be to differ


class Reversion(NamedTuple):
    enter: float  # standard deviations at which the score is full


ABOVE = np.array(nan, [("above", "f8")])


@kernel
def _crossover(p, memory, symbol, fast, slow, score):
    for i in range(fast.size):
        gap = fast[i] - slow[i]
        score[i] = nan if isnan(gap) else float((gap > p.margin) - (gap < -p.margin))


@kernel
def _cross_event(p, memory, symbol, fast, slow, score):
    for i in range(fast.size):
        score[i] = nan
        gap = fast[i] - slow[i]
        if isnan(gap):
            continue
        m = memory[symbol[i]]
        before = m.above
        m.above = float((gap > p.margin) - (gap < -p.margin))
        if not isnan(before):
            score[i] = m.above if m.above != 0.0 and before != m.above else 0.0


@kernel
def _reversion(p, memory, symbol, z, score):
    for i in range(z.size):
        score[i] = nan if isnan(z[i]) else min(1.0, max(-1.0, -z[i] / p.enter))


def crossover(fast: str = "fast", slow: str = "slow", *, margin: float = 1e-9, out: str = "score") -> Feature:
    """Follow the trend: long while the fast mean is above the slow one, short while it is below.

    score = 1 if fast > slow + margin, -1 if fast < slow - margin, else 0

    Args:
        fast, slow: columns read. (rows,) float64, one unit, or NaN; a row missing either is missing.
        margin: in that unit, not negative: two means of equal prices that differ by a rounding are equal.
        out: column written. (rows,) float64, -1, 0 or 1.

    Raises:
        ValueError: if margin is negative or not finite.

    Source: W. Brock, J. Lakonishok, B. LeBaron, Simple technical trading rules, J. Finance 47, 1992.
    """
    return Feature(_crossover, Margin(_checked("crossover", margin)), NOTHING, (fast, slow), (out,), 0, 0)


def cross_event(fast: str = "fast", slow: str = "slow", *, margin: float = 1e-9, out: str = "score") -> Feature:
    """The rows where one mean crosses the other.

    score = 1 where fast > slow + margin and the row before it was not so, -1 where fast < slow - margin and the row
    before it was not so, else 0

    Args:
        fast, slow: columns read. (rows,) float64, one unit, or NaN; a row missing either is missing.
        margin: in that unit, not negative.
        out: column written. (rows,) float64, -1, 0 or 1; NaN until the second row of a symbol.

    Raises:
        ValueError: if margin is negative or not finite.

    Source: W. Brock, J. Lakonishok, B. LeBaron, Simple technical trading rules, J. Finance 47, 1992.
    """
    return Feature(_cross_event, Margin(_checked("cross_event", margin)), ABOVE, (fast, slow), (out,), 1, 1)


def reversion(z: str = "zscore_vwap", *, enter: float = 2.0, out: str = "score") -> Feature:
    """Bet on the way back: short what stands above its mean, long what stands below.

    score = -z / enter, cut to [-1, 1]

    Args:
        z: column read. (rows,) float64, standard deviations from the mean, or NaN.
        enter: standard deviations at which the score is full, positive.
        out: column written. (rows,) float64, -1 to 1.

    Raises:
        ValueError: if enter is not positive and finite.

    Source: M. Avellaneda, J.-H. Lee, Statistical arbitrage in the US equities market, Quant. Finance 10, 2010.
    Differs: the score is proportional below `enter`, theirs is all or nothing.
    """
    if not 0.0 < enter < float("inf"):
        raise ValueError(f"reversion: enter must be positive and finite, got {enter}")
    return Feature(_reversion, Reversion(enter), NOTHING, (z,), (out,), 0, 0)


def _checked(who: str, margin: float) -> float:
    if not 0.0 <= margin < float("inf"):
        raise ValueError(f"{who}: margin must be finite and not negative, got {margin}")
    return margin
