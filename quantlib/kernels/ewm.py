"""Exponentially weighted means, seeded with a plain one."""

from quantlib.jit import kernel


@kernel
def ewm(mean, x, seen, seed, weight):
    """The mean after x: the plain mean of the first `seed` values, from then on mean + weight (x - mean).

    `seen` counts the values before x.  While seen + 1 < seed the number returned is their sum so far.
    """
    if seen >= seed:
        return mean + weight * (x - mean)
    total = mean + x if seen > 0 else x
    return total / seed if seen + 1 == seed else total
