"""The law of accuracy: however many rows have passed, a rolling mean and variance are as right as at the first."""

from fractions import Fraction

import numpy as np
import pytest

from quantlib.core import run, start
from quantlib.features.statistics.moments import var
from quantlib.features.trend.means import sma

PRICE, DEVIATION = 1e5, 1e-2  # a variance of 1e-4
CHUNK = 1_000_000
LEAST = 1e-9  # relative error that is allowed


def exact(window):
    """Mean and variance of the window, in fractions: no rounding at all."""
    values = [Fraction(x) for x in window]
    mean = sum(values) / len(values)
    return mean, sum((x - mean) ** 2 for x in values) / len(values)


def streamed(rows, n, sampled):
    """Rows in chunks through the resumable loop: the largest relative errors of mean and variance at sampled rows."""
    rng = np.random.default_rng(n)
    features = [sma(n), var(n)]
    memory = start(features, ["X"])
    wrong = np.zeros(2)
    for first in range(0, rows, CHUNK):
        prices = PRICE + rng.normal(0.0, DEVIATION, CHUNK)
        if first == 0:
            prices[1_000] = 1e15  # what once left the window must not be remembered
        memory, seen = run(features, memory, {"close": prices})
        for t in rng.integers(1_000 + n, CHUNK, sampled):
            wanted = exact(prices[t - n + 1 : t + 1])
            got = Fraction(seen["sma"][t]), Fraction(seen["var"][t])
            wrong = np.maximum(wrong, [float(abs(g - w) / w) for g, w in zip(got, wanted, strict=True)])
    return wrong


def running_sums(prices, n):
    """The textbook way, which this law is there to forbid."""
    sums = np.cumsum(prices) - np.cumsum(np.concatenate([np.zeros(n), prices[:-n]]))
    squares = np.cumsum(prices**2) - np.cumsum(np.concatenate([np.zeros(n), prices[:-n] ** 2]))
    return squares / n - (sums / n) ** 2


@pytest.mark.parametrize("n", [20, 100])
def test_mean_and_variance_of_a_million_rows_are_right(n):
    mean, variance = streamed(CHUNK, n, 40)
    assert mean < 1e-15
    assert variance < 1e-14


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 100])
def test_mean_and_variance_of_a_hundred_million_rows_are_right(n):
    mean, variance = streamed(100 * CHUNK, n, 5)
    assert mean < LEAST
    assert variance < LEAST


def test_running_sums_would_break_the_law():
    prices = PRICE + np.random.default_rng(0).normal(0.0, DEVIATION, CHUNK)
    wanted = float(exact(prices[-20:])[1])
    assert abs(running_sums(prices, 20)[-1] - wanted) > 1e3 * LEAST * wanted
