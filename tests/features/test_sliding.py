"""Sliding sums are the exact sums of their windows, rounded once, however wild the values."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.jit import kernel
from quantlib.kernels.ring import window
from quantlib.kernels.sliding import gather, room_for, slide


class Length(NamedTuple):
    n: int


@kernel
def _sums(p, memory, x, total, gathered):
    m = memory[0]
    room = room_for(p.n)
    for i in range(x.size):
        m.high, m.low = slide(m.high, m.low, m.unit, room, m.ring, m.seen, p.n, x[i])
        m.seen += 1
        gathered[i] = 0.0
        if math.isnan(m.low):
            m.high, m.low, m.unit = gather(m.ring, m.parts, m.seen, p.n, room)
            gathered[i] = 1.0
        total[i] = m.high + m.low


def sums(values, n):
    blank = np.zeros((), [("high", "f8"), ("low", "f8"), ("unit", "f8"), ("seen", "i8"), *window(n, "ring")])
    blank["unit"] = np.nan
    x = np.asarray(values, np.float64)
    total, gathered = np.empty(len(x)), np.empty(len(x))
    _sums(Length(n), np.full(1, blank, blank.dtype), x, total, gathered)
    return total, gathered


def exact(values, n):
    return [math.fsum(values[max(0, t - n + 1) : t + 1]) for t in range(len(values))]


FINITE = st.floats(-1e300, 1e300, allow_subnormal=True)
LIKE = st.floats(50.0, 200.0)


@given(
    values=st.lists(st.one_of(FINITE, LIKE, st.just(0.0), st.sampled_from([2.0**-60, -1.0, 1e16])), max_size=60),
    n=st.integers(1, 9),
)
def test_every_sum_is_exact_and_rounded_once(values, n):
    assert sums(values, n)[0].tolist() == exact(values, n)


@pytest.mark.parametrize("n", [1, 2, 5, 20, 33, 61, 300])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e5, 1e12])
def test_values_of_one_market_fit_one_unit(n, scale):
    rng = np.random.default_rng(n)
    values = (scale * (100.0 + np.cumsum(rng.normal(0.0, 0.1, 2_000)))).tolist()
    total, gathered = sums(values, n)
    assert total.tolist() == exact(values, n)
    assert gathered.sum() <= 2


def test_volumes_over_six_orders_of_magnitude_fit_one_unit():
    rng = np.random.default_rng(3)
    values = np.round(np.exp(rng.normal(3.0, 3.0, 5_000)), 8).tolist()
    total, gathered = sums(values, 20)
    assert total.tolist() == exact(values, 20)
    assert gathered.sum() < 25


def test_a_huge_value_is_forgotten_when_it_leaves():
    values = [0.1] * 200
    values[50] = 1e300
    total, gathered = sums(values, 20)
    assert total.tolist() == exact(values, 20)
    assert gathered[80:].sum() == 0.0


def test_the_largest_numbers_do_not_overflow_what_they_are_cut_by():
    values = [1.7e308, -1.7e308, 1.0, 1e308, -1e308] * 4
    assert sums(values, 2)[0].tolist() == exact(values, 2)


def test_a_zero_is_never_negative():
    assert np.signbit(sums([-1.0, 1.0, -0.0, -0.0, 0.0], 2)[0]).tolist() == [True, False, False, False, False]
