"""Moments and tails against scipy, hand-worked samples and symmetries."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantlib.stats.tails import expected_shortfall, kurtosis, skew, tail_ratio, value_at_risk

SAMPLES = hnp.arrays(np.float64, st.integers(2, 80), elements=st.floats(-0.25, 0.25, width=32))
TAILS = st.floats(0.01, 0.99)


@pytest.mark.parametrize("size", [3, 50, 5000])
def test_moments_match_scipy(size):
    stats = pytest.importorskip("scipy.stats")
    r = np.random.default_rng(size).standard_t(4, size) * 0.01
    assert skew(r) == pytest.approx(stats.skew(r))
    assert kurtosis(r) == pytest.approx(stats.kurtosis(r))


def test_a_hand_worked_tail():
    r = np.arange(-10, 10) / 100.0  # twenty returns: the worst is -0.10, then -0.09, ..
    assert value_at_risk(r, 0.05) == pytest.approx(0.0905)  # 0.95 of the way from the first to the second
    assert expected_shortfall(r, 0.05) == pytest.approx(0.10)
    assert expected_shortfall(r, 0.10) == pytest.approx(0.095)
    assert expected_shortfall(r, 0.075) == pytest.approx((0.10 + 0.09 / 2) / 1.5)
    assert tail_ratio(r) == pytest.approx(0.0805 / 0.0905)


def test_the_tail_of_a_normal_law_is_where_theory_puts_it():
    r = np.random.default_rng(0).standard_normal(400_000)
    assert value_at_risk(r) == pytest.approx(1.6449, abs=0.02)
    assert expected_shortfall(r) == pytest.approx(2.0627, abs=0.02)
    assert skew(r) == pytest.approx(0, abs=0.02)
    assert kurtosis(r) == pytest.approx(0, abs=0.03)
    assert tail_ratio(r) == pytest.approx(1, abs=0.02)


@given(SAMPLES, TAILS)
def test_the_shortfall_is_never_milder_than_the_value_at_risk(r, tail):
    assert expected_shortfall(r, tail) >= value_at_risk(r, tail) - 1e-12


@given(SAMPLES, TAILS, st.randoms())
def test_tails_ignore_the_order_of_returns(r, tail, random):
    other = np.array(random.sample(list(r), r.size))
    assert expected_shortfall(other, tail) == pytest.approx(expected_shortfall(r, tail), abs=1e-15)
    assert value_at_risk(other, tail) == value_at_risk(r, tail)


@given(SAMPLES, st.floats(0.5, 8.0))
def test_moments_ignore_leverage_and_turning_a_sample_round_turns_its_skew(r, leverage):
    if r.std() > 1e-6:
        assert skew(r * leverage) == pytest.approx(skew(r), abs=1e-6)
        assert kurtosis(r * leverage) == pytest.approx(kurtosis(r), abs=1e-6)
        assert skew(-r) == pytest.approx(-skew(r), abs=1e-6)


def test_what_cannot_be_known_is_nan():
    for f in (skew, kurtosis, value_at_risk, expected_shortfall, tail_ratio):
        assert isnan(f(np.empty(0)))
        assert isnan(f(np.array([0.01, np.nan, 0.02])))
    assert isnan(skew(np.full(9, 0.01)))
    assert isnan(kurtosis(np.full(9, 0.01)))
    assert isnan(tail_ratio(np.zeros(9)))


@pytest.mark.parametrize("f", [value_at_risk, expected_shortfall, tail_ratio])
def test_a_tail_outside_0_to_1_is_refused(f):
    with pytest.raises(ValueError, match=r"tail must be inside \(0, 1\), got 1"):
        f(np.zeros(3), 1.0)
