"""How two numbers of a row move together, from sums over a window."""

from quantlib.jit import block
from quantlib.kernels.exact import two_product


@block
def covariance(n, x, x_low, y, y_low, c, c_low):
    """Population covariance (n Σxy - Σx Σy) / n^2, each sum given as two numbers that add up to it."""
    return covariance_numerator(n, x, x_low, y, y_low, c, c_low) / (n * n)


@block
def covariance_numerator(n, x, x_low, y, y_low, c, c_low):
    """n Σxy - Σx Σy, as `covariance` has it."""
    a, b = two_product(n, c)
    p, q = two_product(x, y)
    return (a - p) + ((b + n * c_low) - (q + (x * y_low + x_low * y)))
