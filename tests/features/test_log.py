"""The logarithm of kernels: close to the true one everywhere, the same bits alone and among others."""

import math
from decimal import Context, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.jit import kernel
from quantlib.kernels.log import LOG2, log

SIXTY = Context(prec=60)


@kernel
def _logs(x, y):
    for i in range(x.size):
        y[i] = log(x[i])


@kernel
def _one(x):
    return log(x)


def logs(x):
    y = np.empty(len(x))
    _logs(np.ascontiguousarray(x, np.float64), y)
    return y


def samples(count):
    rng = np.random.default_rng(20)
    near_one = 1.0 + rng.normal(0.0, 1.0, count) * 2.0 ** -rng.integers(3, 52, count)
    half_way = np.sqrt(0.5) * (1.0 + rng.normal(0.0, 1e-12, count))  # where the exponent changes
    any_size = np.exp(rng.uniform(-744.0, 709.0, count))
    return np.concatenate([near_one[near_one > 0.0], half_way, 2.0 * half_way, any_size, rng.uniform(0.5, 2.0, count)])


def errors(x, y, true):
    """In units of the last place of the true value."""
    return np.abs((y.astype(np.longdouble) - true) / np.spacing(np.abs(true.astype(np.float64)))).astype(np.float64)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long doubles are no longer than doubles here")
def test_it_is_within_0_9_units_in_the_last_place():
    x = samples(200_000)
    x = x[x != 1.0]
    assert errors(x, logs(x), np.log(x.astype(np.longdouble))).max() < 0.9


@given(st.floats(5e-324, 1.7976931348623157e308))
def test_it_is_close_to_a_logarithm_of_sixty_digits(x):
    true = Decimal(x).ln(SIXTY)
    assert float(abs(SIXTY.subtract(Decimal(_one(x)), true))) <= 0.9 * math.ulp(float(true))


def test_a_number_alone_has_the_bits_it_has_among_others():
    x = samples(500)
    assert logs(x).tolist() == [_one(float(v)) for v in x]


def test_edges_are_those_of_the_function():
    found = logs(np.array([1.0, 2.0, 0.0, -0.0, math.inf, -1.0, -5e-324, -math.inf, math.nan]))
    assert found[:5].tolist() == [0.0, LOG2, -math.inf, -math.inf, math.inf]
    assert np.isnan(found[5:]).all()
    assert math.log(2.0) == LOG2


def test_numbers_without_an_exponent_of_their_own_are_no_exception():
    tiny = np.array([5e-324, 1.5e-323, 1e-310, 2.0**-1022 - 5e-324, 2.0**-1022])
    for x, got in zip(tiny.tolist(), logs(tiny).tolist(), strict=True):
        assert float(abs(SIXTY.subtract(Decimal(got), Decimal(x).ln(SIXTY)))) <= 0.9 * math.ulp(got)
