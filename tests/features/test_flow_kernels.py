"""The blocks under order flow: distribution functions, ordered values, scores, marks of a histogram."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.features.flow.clockwork import nanoseconds
from quantlib.kernels.cdf import normal_cdf, student_cdf
from quantlib.kernels.ordered import insert, remove
from quantlib.kernels.score import grid_for, on_grid

PLACES = [-1e9, -40.0, -7.0, -2.0, -0.3, -1e-6, 0.0, 1e-12, 0.01, 0.9, 3.0, 12.0, 300.0]


def test_the_normal_distribution_is_that_of_scipy():
    from scipy import stats

    for z in PLACES:
        assert normal_cdf(z) == pytest.approx(stats.norm.cdf(z), rel=1e-13, abs=1e-300)


def test_students_distribution_of_one_and_two_degrees_is_its_closed_form():
    for t in PLACES:
        cauchy = math.atan2(1.0, -t) / math.pi
        assert student_cdf(t, 1.0) == pytest.approx(cauchy, rel=1e-12)
        root = math.sqrt(t * t + 2.0)
        two = 0.5 + 0.5 * t / root if t > -1.0 else 1.0 / (root * (root - t))
        assert student_cdf(t, 2.0) == pytest.approx(two, rel=1e-12)


@pytest.mark.parametrize("freedom", [0.25, 0.7, 4.5, 30.0, 200.0])
def test_students_distribution_is_that_of_scipy(freedom):
    from scipy import stats

    for t in PLACES:
        assert student_cdf(t, freedom) == pytest.approx(stats.t.cdf(t, freedom), rel=1e-11, abs=1e-280)


@given(t=st.floats(-50.0, 50.0), freedom=st.floats(0.1, 50.0))
def test_students_distribution_is_even_and_between_nothing_and_all(t, freedom):
    assert 0.0 <= student_cdf(t, freedom) <= 1.0
    assert student_cdf(t, freedom) + student_cdf(-t, freedom) == pytest.approx(1.0, abs=1e-15)


@given(values=st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40), n=st.integers(1, 9))
def test_ordered_values_are_those_of_a_sorted_window(values, n):
    ordered = np.zeros(64)
    for t, x in enumerate(values):
        if t >= n:
            remove(ordered, n, values[t - n])
        insert(ordered, min(t, n - 1) if t >= n else t, x)
        assert ordered[: min(t + 1, n)].tolist() == sorted(values[max(0, t - n + 1) : t + 1])


def test_a_grid_grows_with_its_largest_value_and_never_shrinks():
    grid = grid_for(0.0, 0.0)
    assert grid == 0.0
    assert on_grid(0.0, grid) == 0.0
    grid = grid_for(3.0, grid)
    assert grid == 2.0**-38
    assert grid_for(-3.9, grid) == grid
    assert grid_for(1e-9, grid) == grid
    assert on_grid(3.0, grid) == 3.0
    assert on_grid(1e-13, grid) == 0.0
    assert grid_for(-4.1, grid) == 2.0**-37


def test_spans_of_time_are_whole_nanoseconds():
    assert nanoseconds("x", "seconds", 0.1) == 100_000_000
    assert nanoseconds("x", "seconds", 1e-9) == 1
    for seconds, says in ((1.5e-9, "whole nanoseconds"), (0, "at least a nanosecond"), (1e18, "at most a century")):
        with pytest.raises(ValueError, match=f"x: seconds must be .*{says}"):
            nanoseconds("x", "seconds", seconds)
    with pytest.raises(ValueError, match="x: seconds must be a number of seconds, got 'a'"):
        nanoseconds("x", "seconds", "a")
