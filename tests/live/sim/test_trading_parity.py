"""Through the wire as in the backtest: the same commands on the same rows fill at the same prices, bit for bit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest
from alpaca.trading.requests import GetOrdersRequest

import backtest
from backtest.costs import Costs
from live.sim.admission import Rules
from live.sim.server import Loopback
from quantlib.desk.policy import Exits, Limits, Policy, fixed_fraction, fixed_lots
from quantlib.desk.wishes import View, Wish, cancel, enter_long, enter_short, leave, order, replace
from quantlib.strategy import Strategy
from tests.live.scenes import scored, scoring
from tests.live.sim.wiring import Hand, commanded, executions, trading

CASH = 1_000_000.0


def through_the_wire(
    strategy: Strategy, table: Any, costs: Costs, rules: Rules | None = None
) -> tuple[Any, float, Counter[str]]:
    """Fills, cash and statuses of orders, where the account carried out what the backtest commanded."""
    commands = commanded(strategy, table, CASH, costs)
    with Loopback(table, cash=CASH, costs=costs, rules=rules) as alpaca:
        client = trading(alpaca)
        hand = Hand(client, table)
        for some in commands:
            alpaca.match()
            hand.carry_out(some)
            alpaca.publish()
        return executions(client), float(client.get_account().cash), Counter(o.status.value for o in all_orders(alpaca))


def all_orders(alpaca: Loopback) -> list[Any]:
    client, found = trading(alpaca), []
    while True:
        asked = GetOrdersRequest(
            status="all", limit=500, direction="asc", after=found[-1].submitted_at if found else None
        )
        page = client.get_orders(asked)
        known = {order.id for order in found}
        new = [order for order in page if order.id not in known]  # the models cut times below a microsecond
        if not new:
            return found
        found += new


def expected(result: Any) -> list[tuple[int, str, str, float, float]]:
    """The fills of a backtest, spelled as `executions` does."""
    named = result.fills.select(
        pl.col("ts").dt.epoch("ns"), pl.col("symbol", "side").cast(pl.String), "quantity", "price"
    )
    return named.rows()


def wilful(seed: int) -> Strategy:
    """Orders of every kind, changed and taken back, by a die."""
    dice = np.random.default_rng(seed)
    placed: dict[str, int] = {}

    def decide(view: View) -> list[Wish] | Wish | None:
        chance, away = dice.random(), float(dice.normal(0, 0.02))
        price = round(view.close * (1 + away), 2)
        if view.position == 0 and view.entries == 0:
            placed[view.symbol] = view.next_id
            kinds = (
                enter_long(10, stop=0.02, target=0.03), enter_short(10, stop=0.03, target=0.02),
                enter_long(7, limit=price, stop=0.03), order("buy", 5, stop=price, gtc=True),
                order("sell", 4, limit=price, gtc=True),
                order("buy", 6, limit=price, stop=round(price * 1.01, 2), gtc=True), enter_long(3, target=0.02), None,
            )  # fmt: skip
            return kinds[int(dice.integers(len(kinds)))]
        if view.entries and chance < 0.5:
            return replace(placed[view.symbol], lots=float(dice.integers(5, 15)), limit=price, stop=price)
        if chance < 0.6:
            return cancel()
        return leave() if chance < 0.7 else None

    return Strategy((), Policy(exits=Exits(anchored=True), limits=Limits.off()), decide)


@pytest.mark.parametrize("seed", [0, 2, 3])
@pytest.mark.parametrize("costs", [Costs(), Costs(spread=2e-4, participation=5e-5)], ids=["perfect", "thin"])
def test_orders_of_every_kind_fill_through_the_wire_as_in_the_backtest(seed: int, costs: Costs) -> None:
    table = scored(150, seed=seed)
    result = backtest.run(wilful(seed), table, cash=CASH, costs=costs)
    fills, _, ends = through_the_wire(wilful(seed), table, costs)
    assert fills == expected(result)
    assert len(fills) > 15
    assert min(ends[status] for status in ("filled", "canceled", "expired", "replaced")) > 0
    assert (len(fills) > ends["filled"]) == (costs.participation > 0)
    assert set(result.fills["leg"].cast(pl.String)) >= {"entry", "exit", "stop", "target"}


def test_a_strategy_of_brackets_leaves_the_account_with_the_cash_of_its_desk() -> None:
    table = scored(80, ("AAA", "BBB", "CCC"))
    strategy = scoring(exits=Exits(stop=0.03, target=0.04, max_rows=6, anchored=True), sizing=fixed_fraction(0.03))
    result = backtest.run(strategy, table, cash=CASH)
    fills, cash, _ = through_the_wire(strategy, table, Costs())
    assert len(fills) > 50
    assert fills == expected(result)
    booked = CASH
    for _, _, side, lots, price in fills:
        booked -= (1 if side == "buy" else -1) * (lots * 1.0 * price)
    assert cash == booked


def test_orders_that_reduce_beside_a_bracket_need_the_brokers_rule_off() -> None:
    table = scored(60, seed=9)

    def decide(view: View) -> Wish | None:
        if view.position == 0:
            return enter_long(10, stop=0.05, target=0.05) if view.entries == 0 else None
        return order("sell", 4, limit=round(view.close * 1.01, 2), reduce=True) if view.exits == 0 else None

    strategy = Strategy((), Policy(exits=Exits(anchored=True), limits=Limits.off(), sizing=fixed_lots(10)), decide)
    result = backtest.run(strategy, table, cash=CASH)
    with pytest.raises(Exception, match="insufficient qty available"):
        through_the_wire(strategy, table, Costs())
    fills, _, _ = through_the_wire(strategy, table, Costs(), Rules(held_quantity=False, wash_trades=False))
    assert len(fills) > 10
    assert fills == expected(result)
