"""What trades earned and cost, on hand-worked numbers."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantlib.stats import outcomes

PNL = np.array([100.0, -50.0, 0.0, 200.0, -25.0])
SAMPLES = hnp.arrays(np.float64, st.integers(1, 40), elements=st.integers(-100, 100).map(float))


def test_hand_worked_trades():
    assert outcomes.win_rate(PNL) == 0.4
    assert outcomes.average_win(PNL) == 150.0
    assert outcomes.average_loss(PNL) == -37.5
    assert outcomes.profit_factor(PNL) == 4.0
    assert outcomes.expectancy(PNL) == 45.0


@given(SAMPLES)
def test_expectancy_is_what_wins_and_losses_say_it_is(pnl):
    won, lost = outcomes.win_rate(pnl), float((pnl < 0).mean())
    parts = (won * outcomes.average_win(pnl) if won else 0.0) + (lost * outcomes.average_loss(pnl) if lost else 0.0)
    assert outcomes.expectancy(pnl) == pytest.approx(parts, abs=1e-9)


@given(SAMPLES)
def test_turning_all_trades_round_inverts_the_profit_factor(pnl):
    if (pnl > 0).any() and (pnl < 0).any():
        assert outcomes.profit_factor(-pnl) == pytest.approx(1 / outcomes.profit_factor(pnl))


def test_no_trades_know_nothing():
    empty = np.empty(0)
    for f in (outcomes.win_rate, outcomes.average_win, outcomes.average_loss, outcomes.expectancy):
        assert isnan(f(empty))
    assert isnan(outcomes.profit_factor(np.array([1.0, 2.0])))


def test_turnover_counts_one_side_per_year():
    equity = np.array([100.0, 300.0])
    assert outcomes.turnover(800.0, equity, 0.5) == 4.0
    assert isnan(outcomes.turnover(800.0, equity[:0], 0.5))
    assert isnan(outcomes.turnover(800.0, equity, 0.0))


def test_exposure_is_the_mean_share_and_a_lost_account_counts_as_none():
    gross = np.array([0.0, 50.0, 100.0, 10.0], np.float32)
    assert outcomes.exposure(gross, np.array([100.0, 100.0, 50.0, -1.0])) == pytest.approx(2.5 / 4)
    assert outcomes.time_in_market(gross) == 0.75
    assert isnan(outcomes.exposure(gross[:0], np.empty(0)))
    assert isnan(outcomes.time_in_market(gross[:0]))


def test_costs_are_a_share_of_the_start_and_a_drag_on_growth():
    assert outcomes.cost_impact(5.0, 100.0) == 0.05
    assert outcomes.cost_drag(11.0, 100.0, 110.0, 2.0) == pytest.approx(0.1 - (1.1**0.5 - 1))
    assert isnan(outcomes.cost_impact(5.0, 0.0))
    assert isnan(outcomes.cost_drag(5.0, 0.0, 1.0, 1.0))
