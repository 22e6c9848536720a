"""Distribution functions of the normal and of Student's t, one number at a time.

Source: NIST Digital Library of Mathematical Functions, 7.2 (erfc), 8.17.22 (continued fraction of the incomplete beta
function), 8.17.4 (its symmetry); W. J. Lentz's method as I. J. Thompson, A. R. Barnett, Coulomb and Bessel functions of
complex arguments and order, J. Comput. Phys. 64, 1986, put it.
"""

from math import erfc, exp, lgamma, log1p

from quantlib.jit import kernel

TINY = 1e-300  # in place of a zero denominator
CLOSE = 2.0**-52
MOST_STEPS = 500
ROOT_HALF = 0.7071067811865476


@kernel
def normal_cdf(z):
    """The probability that a standard normal number is at most z."""
    return 0.5 * erfc(-z * ROOT_HALF)


@kernel
def student_cdf(t, freedom):
    """The probability that a number of Student's t with so many degrees of freedom is at most t."""
    if t == 0.0:
        return 0.5
    square = t * t
    log_x, log_y = -log1p(square / freedom), -log1p(freedom / square)  # x = freedom / (freedom + t^2), y = 1 - x
    a, b = 0.5 * freedom, 0.5
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log_x + b * log_y)
    x, y = exp(log_x), exp(log_y)
    if x < (a + 1.0) / (a + b + 2.0):
        tail = 0.5 * front * _fraction(x, a, b) / a
    else:
        tail = 0.5 - 0.5 * front * _fraction(y, b, a) / b
    return tail if t < 0.0 else 1.0 - tail


@kernel
def _fraction(x, a, b):
    """The continued fraction of the incomplete beta function, for x below about its mean."""
    c = 1.0
    d = _inverse(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for k in range(1, MOST_STEPS):
        even = k * (b - k) * x / ((a + 2 * k - 1.0) * (a + 2 * k))
        odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1.0))
        d = _inverse(1.0 + even * d)
        c = _kept(1.0 + even / c)
        value *= d * c
        d = _inverse(1.0 + odd * d)
        c = _kept(1.0 + odd / c)
        value *= d * c
        if abs(d * c - 1.0) <= CLOSE:
            break
    return value


@kernel
def _kept(x):
    return x if abs(x) > TINY else TINY


@kernel
def _inverse(x):
    return 1.0 / _kept(x)
