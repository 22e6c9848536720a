"""Drawdowns against a slow definition, a hand-worked curve and symmetries."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantlib.stats.drawdown import drawdown, longest_drawdown, max_drawdown

CURVES = hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(0.5, 100.0, width=32))


def test_a_hand_worked_curve():
    value = np.array([100.0, 120.0, 90.0, 60.0, 120.0, 150.0, 135.0])
    np.testing.assert_allclose(drawdown(value), [0, 0, 0.25, 0.5, 0, 0, 0.1])
    assert max_drawdown(value) == 0.5
    assert longest_drawdown(value, np.arange(7)) == 3  # from 120 until 120 again


def test_an_unrecovered_drawdown_lasts_until_the_end():
    assert longest_drawdown(np.array([10.0, 9.0, 9.5, 9.9]), np.array([0, 5, 6, 50])) == 50


def test_a_rising_or_flat_curve_has_no_drawdown_however_far_apart_its_rows():
    ts = np.array([0, 3, 90])
    for value in (np.array([1.0, 2.0, 3.0]), np.ones(3)):
        assert max_drawdown(value) == 0.0
        assert longest_drawdown(value, ts) == 0


def test_nothing_and_nan_are_not_known():
    assert isnan(max_drawdown(np.empty(0)))
    assert longest_drawdown(np.empty(0), np.empty(0, np.int64)) == 0
    assert isnan(max_drawdown(np.array([1.0, np.nan, 2.0])))
    assert isnan(max_drawdown(np.array([0.0, 1.0])))


def test_losing_more_than_all_is_a_drawdown_beyond_one():
    assert max_drawdown(np.array([100.0, -50.0])) == 1.5


def test_the_curve_given_is_left_alone():
    value = np.array([2.0, 1.0, 3.0])
    drawdown(value)
    np.testing.assert_array_equal(value, [2.0, 1.0, 3.0])


@given(CURVES)
def test_drawdown_of_a_positive_curve_lies_between_0_and_1(value):
    d = drawdown(value)
    assert ((d >= 0) & (d < 1)).all()


@given(CURVES)
def test_drawdown_agrees_with_its_definition_by_two_loops(value):
    slow = max(1 - value[j] / value[i] for i in range(value.size) for j in range(i, value.size))
    assert max_drawdown(value) == pytest.approx(slow, abs=1e-15)


@given(CURVES, st.sampled_from([0.25, 4.0, 1024.0]))
def test_drawdown_ignores_the_unit_of_money(value, unit):
    np.testing.assert_array_equal(drawdown(value * unit), drawdown(value))


@given(CURVES)
def test_the_longest_drawdown_agrees_with_a_walk_along_the_curve(value):
    longest, best, since = 0, value[0], 0
    for i, v in enumerate(value):
        if v >= best:
            longest = max(longest, i - since if i - since > 1 else 0)
            best, since = v, i
    longest = max(longest, value.size - 1 - since)
    assert longest_drawdown(value, np.arange(value.size)) == longest
