"""Through the wire as in the backtest: decisions, fills, ends of orders and equity of a desk, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backtest
from backtest.costs import Costs
from live.reconcile import working
from quantlib.desk.policy import Exits, Gates, fixed_fraction
from quantlib.strategy import Strategy
from tests.live.brokers.driving import Driven, driven
from tests.live.scenes import scored, scoring
from tests.live.sim.test_trading_parity import wilful

CASH = 1e6
UNKNOWN = "slippage"  # the broker tells prices, not what moved them


def assert_traded_alike(through: Driven, result: Any) -> None:
    """The desk that traded through the wire decided, filled and was worth what the backtest's did."""
    np.testing.assert_array_equal(through.decision, result.decision)
    np.testing.assert_array_equal(through.equity, result.equity["equity"].to_numpy())
    for name in (name for name in result.raw_fills.dtype.names if name != UNKNOWN):
        np.testing.assert_array_equal(through.fills[name], result.raw_fills[name], err_msg=name)
    assert through.state.desk.account["anomalies"][0] == 0


def assert_alike(through: Driven, result: Any) -> None:
    """The same, and to every order and every figure of the account."""
    assert_traded_alike(through, result)
    orders = np.concatenate([through.ended, working(through.state.desk)])
    orders = orders[np.argsort(orders["id"], kind="stable")]
    for name in (name for name in orders.dtype.names if name != "next"):
        np.testing.assert_array_equal(orders[name], result.raw_orders[name], err_msg=name)
    ours, theirs = through.state.desk.account[0], result.desk.account[0]
    for name in (name for name in ours.dtype.names if name != UNKNOWN):
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize("costs", [Costs(), Costs(spread=3e-4)], ids=["perfect", "spread"])
def test_brackets_of_scores_trade_through_the_wire_as_in_the_backtest(costs: Costs) -> None:
    table = scored(80, ("AAA", "BBB", "CCC"))
    exits = Exits(stop=0.03, target=0.04, max_rows=6, anchored=True)
    strategy = scoring(exits=exits, sizing=fixed_fraction(0.03), gates=Gates())
    through = driven(strategy, table, CASH, costs=costs)
    assert_alike(through, backtest.run(strategy, table, cash=CASH, costs=costs))
    assert len(through.fills) > 50
    assert through.incidents == []


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_orders_of_every_kind_trade_through_the_wire_as_in_the_backtest(seed: int) -> None:
    table = scored(150, seed=seed)
    through = driven(wilful(seed), table, CASH)
    assert_alike(through, backtest.run(wilful(seed), table, cash=CASH))
    assert len(through.fills) > 15


def test_entries_with_limits_and_volume_that_is_thin_fill_in_parts_as_in_the_backtest() -> None:
    table = scored(60)
    strategy: Strategy = scoring(exits=Exits(), sizing=fixed_fraction(0.03), limit_ticks=20, gtc=True)
    costs = Costs(participation=2e-3)
    through = driven(strategy, table, CASH, costs=costs)
    assert_alike(through, backtest.run(strategy, table, cash=CASH, costs=costs))
    assert len(through.fills) > through.ended["filled"].astype(bool).sum()
