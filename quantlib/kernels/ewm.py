"""Exponentially weighted means, seeded with a plain one."""

from quantlib.jit import block, kernel
from quantlib.kernels.fma import fma


@block
def toward(mean, x, weight):
    """The mean after x, once it has started: mean + weight (x - mean).  The mean of equal values is that value."""
    return fma(weight, x - mean, mean)


@kernel
def ewm(mean, x, seen, seed, weight):
    """The mean after x: the plain mean of the first `seed` values, from then on mean + weight (x - mean).

    `seen` counts the values before x.  While seen + 1 < seed the number returned is their sum so far.
    """
    if seen >= seed:
        return toward(mean, x, weight)
    total = mean + x if seen > 0 else x
    return total / seed if seen + 1 == seed else total


@kernel
def start_means(x, seen, seed, weight, a, b, c, d, e, f):
    """Means of means after x, each seeded with a plain one of `seed` values of the mean before it.

    `seen` counts the values of x before this one; a is the mean of x, b that of a, and so on.  For the first rows: once
    all have started, `toward` does.
    """
    last = seed - 1  # rows by which each mean starts later than the one before it
    a = ewm(a, x, seen, seed, weight)
    b = ewm(b, a, seen - last, seed, weight) if seen >= last else b
    c = ewm(c, b, seen - 2 * last, seed, weight) if seen >= 2 * last else c
    d = ewm(d, c, seen - 3 * last, seed, weight) if seen >= 3 * last else d
    e = ewm(e, d, seen - 4 * last, seed, weight) if seen >= 4 * last else e
    f = ewm(f, e, seen - 5 * last, seed, weight) if seen >= 5 * last else f
    return a, b, c, d, e, f
