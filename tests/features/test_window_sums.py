"""A window's sum is exact and rounded once: where a unit fits, where two numbers carry it, and where neither does."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quantlib.jit import kernel
from quantlib.kernels.ring import window
from quantlib.kernels.sums import CARRIED, window_sum, window_sums


class Held(NamedTuple):
    n: int


@kernel
def _sums(p, memory, x, total, unit):
    m = memory[0]
    for i in range(x.size):
        m.high, m.low, m.unit, total[i] = window_sum(m.high, m.low, m.unit, m.ring, m.parts, i, p.n, x[i])
        unit[i] = m.unit


@kernel
def _block_sums(p, memory, x, first, total):
    m, count = memory[0], np.uint64(x.size) - first
    m.high, m.low, m.unit = window_sums(
        m.high, m.low, m.unit, m.ring, m.parts, np.int64(first), p.n, x, first, total, first, count
    )


def in_blocks(values, n, edges):
    """Sums of blocks that end at these rows, and what is remembered after each."""
    memory = np.zeros(1, [("high", "f8"), ("low", "f8"), ("unit", "f8"), *window(n, "ring")])
    x, total, after = np.asarray(values, np.float64), np.full(len(values), np.nan), []
    for first, end in pairwise([0, *edges, len(values)]):
        _block_sums(Held(n), memory, x[:end], np.uint64(first), total[:end])
        after.append(memory.tobytes())
    return total.tolist(), after


def sums(values, n):
    blank = np.zeros(1, [("high", "f8"), ("low", "f8"), ("unit", "f8"), *window(n, "ring")])
    x = np.asarray(values, np.float64)
    total, unit = np.empty(len(x)), np.empty(len(x))
    _sums(Held(n), blank, x, total, unit)
    return total.tolist(), unit


def exact(values, n):
    return [math.fsum(values[max(0, t - n + 1) : t + 1]) for t in range(len(values))]


SCALES = st.sampled_from([1.0, 3.0, -0.1, 2.0**-50, 2.0**-70, 2.0**-200, 1e16, 1e150, 0.0])


@given(values=st.lists(st.one_of(SCALES, st.floats(-1e300, 1e300)), max_size=90), n=st.integers(1, 5))
def test_every_sum_is_exact_whatever_the_values(values, n):
    assert sums(values, n)[0] == exact(values, n)


def test_a_sum_that_no_unit_fits_is_carried_in_two_numbers():
    rng = np.random.default_rng(3)
    for n in (2, 30, 300):
        values = (rng.integers(1, 1000, 2_000) * 2.0 ** rng.choice([0, -86], 2_000)).tolist()
        total, unit = sums(values, n)
        assert total == exact(values, n)
        assert (unit[n:] == CARRIED).mean() > 0.5 or n == 2


def test_a_unit_is_found_again_once_the_values_are_alike():
    values = [1.0, 2.0**-90] + [100.25] * 500
    total, unit = sums(values, 10)
    assert total == exact(values, 10)
    assert unit[9] == CARRIED
    assert math.isfinite(unit[-1])


NEAR = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 4))


@given(values=st.lists(st.one_of(NEAR, SCALES), min_size=130, max_size=190), n=st.integers(1, 100), data=st.data())
def test_a_block_of_values_is_summed_as_one_value_after_the_other(values, n, data):
    edges = [64, data.draw(st.integers(65, 66 + 62)), *range(len(values) - len(values) % 30, len(values))]
    total, after = in_blocks(values, n, sorted({*edges, 128}))
    assert total == exact(values, n)
    assert after[-1] == in_blocks(values, n, list(range(1, len(values))))[1][-1]


def test_a_block_may_be_summed_where_it_stands():
    values = np.round(np.random.default_rng(5).normal(100.0, 1.0, 190), 2)
    memory = np.zeros(1, [("high", "f8"), ("low", "f8"), ("unit", "f8"), *window(20, "ring")])
    x = values.copy()
    for first in (0, 64, 128):
        end = min(first + 64, 190)
        _block_sums(Held(20), memory, x[:end], np.uint64(first), x[:end])
    assert x.tolist() == exact(values.tolist(), 20)
