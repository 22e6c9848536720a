"""How two numbers of a row move together, from sums over a window."""

from quantlib.jit import block
from quantlib.kernels.exact import two_product


@block
def cross(n, x, y, xy):
    """n Σxy - Σx Σy: n^2 times the covariance, where each sum is the exact one rounded."""
    a, b = two_product(n, xy)
    c, d = two_product(x, y)
    return (a - c) + (b - d)
