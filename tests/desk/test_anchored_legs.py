"""Bracket legs at prices that are known when the order is sent."""

import numpy as np
import pytest

from backtest import run
from quantlib.desk.messages import STOP_LEG, TARGET_LEG
from quantlib.desk.policy import Exits, Limits, Policy, fixed_lots
from quantlib.strategy import Strategy
from quantlib.table import bars


def rows(low=103.0):
    """Day 0 closes at 100, on which an entry is decided; day 1 opens at 104."""
    close = [100.0, 104.0, 104.0, 104.0]
    return bars(
        {
            "ts": np.arange(4) * 86_400_000_000_000, "symbol": ["A"] * 4, "open": [100.0, 104.0, 104.0, 104.0],
            "high": [100.0, 104.5, 104.5, 104.5], "low": [100.0, low, 103.0, 103.0], "close": close,
            "score": [1.0, 1.0, 1.0, 1.0],
        }
    )  # fmt: skip


def legs(anchored, side=1.0, low=103.0, **policy):
    exits = Exits(stop=0.05, target=0.07, anchored=anchored)
    table = rows(low)
    table.columns["score"] *= side
    rules = Policy(exits=exits, short=True, sizing=fixed_lots(10), limits=Limits.off(), **policy)
    orders = run(Strategy(policy=rules), table, cash=1e6).raw_orders
    return {int(o["leg"]): int(o["stop"] or o["limit"]) for o in orders if o["leg"] in (STOP_LEG, TARGET_LEG)}


@pytest.mark.parametrize(("side", "stop", "target"), [(1.0, 9500, 10700), (-1.0, 10500, 9300)])
def test_anchored_legs_stand_at_fractions_of_the_close_decided_on(side, stop, target):
    assert legs(True, side) == {STOP_LEG: stop, TARGET_LEG: target}


def test_other_legs_stand_at_fractions_of_the_fill_price():
    assert legs(False) == {STOP_LEG: 9880, TARGET_LEG: 11128}


def test_anchored_legs_of_a_limit_entry_stand_at_fractions_of_its_limit():
    assert legs(True, low=98.0, limit_ticks=100) == {STOP_LEG: 9405, TARGET_LEG: 10593}
