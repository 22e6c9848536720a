"""The natural logarithm in additions, products and one division: the same bits wherever it is called.

x = 2^k (1 + f) with 1 + f from sqrt(1/2) to sqrt(2), and log(1 + f) = 2 artanh(s), s = f / (2 + f).  There is neither a
table nor a branch, so the compiler does several rows at once where a loop has nothing else to wait for; a call of the
C library's logarithm it cannot take apart, and that one rounds otherwise on another machine.

The error is below 0.9 units in the last place of the result.  Zero gives -inf, inf gives inf, and less than zero NaN.

Source: the reduction and the order of the last additions are those of K. C. Ng's log in fdlibm, Sun Microsystems, 1993;
the coefficients are the minimax polynomial of (2 artanh(s) - 2 s) / s^3 in s^2, for |s| <= 3 - 2 sqrt(2), found by
Remez's algorithm in 60 digits: its error is 2^-58.
"""

from math import inf, nan

import numpy as np

from quantlib.jit import block
from quantlib.kernels.fma import fma

SMALLEST = 2.0**-1022  # a smaller number has no exponent of its own
LIFTED = 54.0  # bits by which such a number is lifted
FRACTION = np.uint64(0x000FFFFFFFFFFFFF)  # the bits of a double below its exponent
WIDTH = np.uint64(52)
ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)  # sqrt(1/2) as bits
TO_ONE = np.uint64(0x3FF0000000000000) - ROOT_HALF
WHOLE = np.uint64(0x4330000000000000)  # 2^52 as bits: below it, whole numbers are spelled as they are
BIAS = 2.0**52 + 1023.0
LN2 = float.fromhex("0x1.62e42fefa3800p-1")  # of log(2) the first 42 bits: times k it is exact
LN2_REST = float.fromhex("0x1.ef35793c76730p-45")
LOG2 = LN2 + LN2_REST
C0, C1 = float.fromhex("0x1.5555555555592p-1"), float.fromhex("0x1.999999997fdb7p-2")
C2, C3 = float.fromhex("0x1.24924941f124fp-2"), float.fromhex("0x1.c71c52095d16fp-3")
C4, C5 = float.fromhex("0x1.74663ee86e841p-3"), float.fromhex("0x1.39a1bab73fcacp-3")
C6 = float.fromhex("0x1.2f0563862e5fdp-3")


@block
def log(x):
    """The natural logarithm of x."""
    small = x < SMALLEST
    bits = _bits(x * 2.0**LIFTED if small else x) + TO_ONE
    k = _double((bits >> WIDTH) | WHOLE) - (BIAS + LIFTED if small else BIAS)
    f = _double((bits & FRACTION) + ROOT_HALF) - 1.0
    s = f / (2.0 + f)
    z = s * s
    zz = z * z
    rest = z * fma(zz, fma(zz, fma(zz, C6, fma(z, C5, C4)), fma(z, C3, C2)), fma(z, C1, C0))
    half = 0.5 * f * f
    found = k * LN2 - ((half - fma(s, half + rest, k * LN2_REST)) - f)
    edge = -inf if x == 0.0 else x if x > 0.0 else nan
    return found if (x > 0.0) & (x < inf) else edge


@block
def _bits(x):
    return np.float64(x).view(np.uint64)


@block
def _double(bits):
    return np.uint64(bits).view(np.float64)
