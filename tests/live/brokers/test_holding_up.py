"""Many commands in one moment hold up the next one for a bounded time, and none of them is lost by it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from limits import RateLimitItemPerHour

from live.brokers.keeper import BATCH
from live.brokers.rate import Budget
from live.brokers.rest import Rest
from live.errors import Unsent
from live.sim.plan import Fault
from live.sim.server import Loopback
from live.words import tickets
from quantlib.desk.messages import CANCEL, REPLACE, REPLACED
from tests.live.brokers.driving import QUICK, SESSION, asked, connected, until
from tests.live.scenes import scored

SLOW = Fault("slow", "POST /v2/orders", rate=1.0, seconds=0.05)  # a broker that is far away
HELD = QUICK._replace(hold=0.2, settle=20.0)
MANY = 3 * BATCH


@pytest.fixture
def alpaca():
    with Loopback(scored(20), cash=1e9, faults=[SLOW]) as one:
        one.match()
        yield one


def batch(count=MANY, ts=0):
    return np.concatenate([asked(1 + 3 * k, 1, symbol=k % 2, ts=ts) for k in range(count)])


def submitted(broker, commands):
    """Seconds that it took."""
    begun = time.monotonic()
    broker.submit(tickets(SESSION, commands), commands, 0)
    return time.monotonic() - begun


def test_what_is_not_sent_within_the_hold_the_keeper_sends_each_once(alpaca):
    with connected(alpaca, ("AAA", "BBB"), patience=HELD) as broker:
        assert submitted(broker, batch()) < MANY * SLOW.seconds / 2
        assert broker.errands.about(), "some were left to the keeper"
        until(lambda: not broker.errands.about(), "the last order")
        names = sorted(order.client_order_id for order in alpaca.venue.ledger.orders.values())
        assert names == sorted(tickets(SESSION, batch()))


def test_a_cancel_of_an_order_that_still_waits_takes_it_back_unsent(alpaca):
    with connected(alpaca, ("AAA", "BBB"), patience=HELD) as broker:
        commands = batch()
        submitted(broker, commands)
        last = int(commands["id"][-1])
        submitted(broker, asked(last, 1, kind=CANCEL))
        until(lambda: not broker.errands.about(), "the last order")
        names = {order.client_order_id for order in alpaca.venue.ledger.orders.values()}
        assert len(names) == MANY - 1
        assert f"{SESSION}-{last}" not in names


def test_an_order_that_is_changed_while_it_still_waits_is_not_said_to_work(alpaca):
    with connected(alpaca, ("AAA", "BBB"), patience=HELD) as broker:
        commands = batch()
        submitted(broker, commands)
        last = int(commands["id"][-1])
        submitted(broker, asked(last, 3, kind=REPLACE))
        said = [int(one["kind"]) for one in broker.reports(0, np.empty(0)) if one["id"] == last]
        assert said == [REPLACED], "who dies now must not know it as an order that worked"
        until(lambda: not broker.errands.about(), "the last order")
        sizes = {order.client_order_id: order.lots for order in alpaca.venue.ledger.orders.values()}
        assert sizes[f"{SESSION}-{last}"] == 3


def test_a_moment_after_a_large_one_waits_for_one_call_of_the_keeper_and_no_more(alpaca):
    with connected(alpaca, ("AAA", "BBB"), patience=HELD._replace(hold=0.1)) as broker:
        submitted(broker, batch())
        later = asked(1 + 3 * MANY, 1)
        assert submitted(broker, later) < MANY * SLOW.seconds / 2
        until(lambda: not broker.errands.about(), "the last order")
        assert len(alpaca.venue.ledger.orders) == MANY + 1


def test_the_hold_ends_a_wait_for_room_and_is_of_its_thread_and_block_alone(alpaca):
    budget = Budget(RateLimitItemPerHour(1))
    rest = Rest(alpaca.keys, budget)
    with rest.within(5.0):
        assert rest.send("delete", "/orders").ok
        with pytest.raises(Unsent, match="no room"):
            rest.send("delete", "/orders", patience=9999.0)
    with rest.within(0.0), pytest.raises(Unsent, match="no time for DELETE /orders on the spot"):
        rest.send("delete", "/orders")
    with pytest.raises(Unsent, match="no room"):
        rest.send("delete", "/orders")
    rest.close()
