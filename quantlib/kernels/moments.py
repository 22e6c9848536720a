"""Spread around a mean, from exact sums, so that nothing is lost where prices are large and their spread small."""

from quantlib.jit import kernel
from quantlib.kernels.exact import two_product
from quantlib.kernels.fma import fma

SMALLEST = 2.0**-98  # of the squared mean: a spread below 2^-49 of the mean is the rounding of the prices themselves


@kernel
def variance(w, w_low, s, s_low, q, q_low):
    """Population variance (w q - s s) / w^2 of weights w, weighted sum s and weighted sum of squares q.

    Each sum is given as two numbers.  The relative error is below 2^-100 mean^2 / variance; zero where the spread is
    below 2^-49 of the mean, or nothing has weight.
    """
    return variance_numerator(w, w_low, s, s_low, q, q_low) / (w * w) if w > 0.0 else 0.0


@kernel
def variance_numerator(w, w_low, s, s_low, q, q_low):
    """w q - s s, as `variance` has it."""
    a, b = two_product(w, q)
    c, d = two_product(s, s)
    top = (a - c) + (fma(w, q_low, fma(w_low, q, b)) - fma(2.0 * s, s_low, d))
    return top if top > SMALLEST * c else 0.0


@kernel
def excess(x, w, w_low, s, s_low):
    """x - s / w, each sum given as two numbers; zero where nothing has weight."""
    if not w > 0.0:
        return 0.0
    a, b = two_product(x, w)
    return ((a - s) + ((b + x * w_low) - s_low)) / w
