"""In weather of every kind, with a seed: calls fail, answers get lost, updates come twice, late or never, lines break.

When it clears up, desk and broker agree: no order is lost, none doubled, no fill booked twice.
"""

from __future__ import annotations

import pytest
from limits import RateLimitItemPerSecond

from live.brokers.breaker import Circuit
from live.brokers.rate import Budget
from live.reconcile import differences
from live.sim.plan import weather
from live.sim.server import Loopback
from quantlib.desk.policy import Exits, Gates, fixed_fraction
from tests.live.brokers.driving import QUICK, Driver, connected, until
from tests.live.scenes import scored, scoring
from tests.live.sim.test_trading_parity import wilful

CASH = 1e6


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("strategy", ["brackets", "wilful"])
def test_desk_and_broker_agree_when_the_weather_clears_up(strategy: str, seed: int) -> None:
    table = scored(60, ("AAA", "BBB"), seed=seed)
    policy = {"exits": Exits(stop=0.03, target=0.04, max_rows=6, anchored=True), "sizing": fixed_fraction(0.03)}
    one = wilful(seed) if strategy == "wilful" else scoring(**policy, gates=Gates())
    patience = QUICK._replace(poll=0.3, timeout=(1.0, 0.3), settle=0.3)
    budget, circuit = Budget(RateLimitItemPerSecond(100_000)), Circuit(8, 0.1, 0.05)
    with (
        Loopback(table, cash=CASH, faults=weather(0.08), seed=seed, prompt=True) as alpaca,
        connected(alpaca, table.symbols, patience=patience, budget=budget, circuit=circuit) as broker,
    ):
        driver = Driver(alpaca, broker, one, table, CASH)
        for _ in range(driver.tape.steps):
            driver.step(hearing=False)
            until(lambda: broker.health().unknown == 0 and broker.updates.listening.is_set(), "that orders are known")
            if driver.state.step % 2:  # a look at all orders, which the keeper takes by the clock
                broker.keeper.doubt()
                broker.keeper.settled(10.0)
        struck = len(alpaca.faults.log)
        alpaca.faults.clear()

        def settled() -> bool:
            broker.keeper.doubt()
            assert broker.keeper.settled(10.0)
            driver.beat()
            found = differences(driver.state.desk, table.symbols, broker.standing(), 1e-6)
            return not found and not broker.errands.about()

        until(settled, "that desk and broker agree")
        end = driver.end()
    assert struck > 10
    assert end.state.desk.account["anomalies"][0] == 0
    assert not [trouble for trouble in end.incidents if trouble.fatal]
    names = [order.client_order_id for order in alpaca.venue.ledger.orders.values()]
    assert len(names) == len(set(names))
    assert abs(end.state.desk.account["cash"][0] - alpaca.venue.account.cash) < 1e-6
    assert len(end.fills) > 3  # how many depends on which orders the weather let through in time
