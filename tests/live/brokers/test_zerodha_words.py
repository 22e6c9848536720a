"""However old the order book is that Kite shows, and however late its trades, each fill is booked once, and all are."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import RateLimitItemPerSecond

from live.brokers.breaker import Circuit
from live.brokers.line_broker import LineBroker
from live.brokers.rate import Budget
from live.brokers.zerodha import ZerodhaLine, zerodha_broker
from live.brokers.zerodha_orders import Kite, name_of
from live.errors import BrokerError
from live.words import tickets
from quantlib.desk.memory import Instrument, instrument_records
from quantlib.desk.messages import ACCEPTED, CANCEL, CANCELLED, FILL
from tests.live.brokers.driving import AMPLE, QUICK, asked
from tests.live.brokers.kite import EACH, RATE, KiteServer

SESSION = "test"


class Story:
    """Orders at a Kite that lies about the time, and a broker that looks at it whenever the die says so."""

    def __init__(self, server: KiteServer, seed: int) -> None:
        self.server, self.die = server, random.Random(seed)
        kite = Kite("key", "token", root=server.root, ticker=server.ticker)
        records = instrument_records(("AAA",), Instrument(tick=0.05))
        self.broker: LineBroker = zerodha_broker(kite, SESSION, ("AAA",), records, patience=QUICK._replace(settle=0.0))
        assert isinstance(self.broker.line, ZerodhaLine)
        rest = self.broker.line.rest
        rest.budget = rest.orders = Budget(RateLimitItemPerSecond(AMPLE.amount), 0)
        rest.circuit = Circuit()
        self.books: list[list[dict[str, Any]]] = [[]]
        self.late: list[tuple[str, dict[str, Any]]] = []
        self.reports: list[Any] = []

    def happen(self) -> None:
        """One thing at the exchange, and what is seen of it."""
        alive = [one for one in self.server.orders.values() if one["status"] in ("OPEN", "TRIGGER PENDING")]
        if alive and self.die.random() < 0.6:
            one = self.die.choice(alive)
            self.server.fill(
                one, self.die.randint(1, one["pending_quantity"]), 95.0 + self.die.randint(0, 20), told=False
            )
            if self.die.random() < 0.4:
                self.late.append((one["order_id"], self.server.trades[one["order_id"]].pop()))
        elif alive and self.die.random() < 0.3:
            self.server.end(self.die.choice(alive), "CANCELLED", told=False)
        standing = [gtt for gtt in self.server.gtts.values() if gtt["status"] == "active"]
        if standing and self.die.random() < 0.2:
            self.server.trigger(standing[0], self.die.randint(0, len(standing[0]["orders"]) - 1))
        self.books.append(deepcopy(list(self.server.orders.values())))

    def look(self) -> None:
        """The broker looks, at the present or at a book of before."""
        self.server.stale = self.die.choice(self.books) if self.die.random() < 0.4 else None
        try:
            self.broker.asking.poll()
        except BrokerError:
            return
        finally:
            self.server.stale = None
        self.reports += list(self.broker.reports(0, ()))  # type: ignore[arg-type]

    def end(self) -> None:
        """All that is late arrives, and the broker looks until nothing is new."""
        for id, trade in self.late:
            self.server.trades[id].append(trade)
        for _ in range(4):
            self.broker.asking.poll()
        self.reports += list(self.broker.reports(0, ()))  # type: ignore[arg-type]
        self.broker.line.close()


@pytest.mark.slow
@given(seed=st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_each_fill_is_booked_once_with_its_charges_and_each_end_told_once(seed: int) -> None:
    with KiteServer() as server:
        story = Story(server, seed)
        for id in (1, 4, 7):
            legs = {"stop_leg": 1900, "target_leg": 2200} if id != 7 else {}
            command = asked(id, 10, limit=2000, **legs)
            story.broker.submit(tickets(SESSION, command), command, 0)
            for _ in range(3):
                story.happen()
                story.look()
        command = asked(7, 10, kind=CANCEL, ts=5)
        story.broker.submit(tickets(SESSION, command), command, 0)
        story.happen()
        story.end()
        assert_true(story)


def assert_true(story: Story) -> None:
    """Orders of the session and of its legs came to what they came to at the exchange."""
    server, fees = story.server, 0.0
    fired = {
        order["result"]["order_result"]["order_id"]
        for gtt in server.gtts.values() for order in gtt["orders"] if order["result"]
    }  # fmt: skip
    for order in server.orders.values():
        fees += EACH + RATE * order["filled_quantity"] * order["average_price"] if order["filled_quantity"] else 0.0
        if order["order_id"] in fired:
            continue
        id = int(name_of(order["tag"], SESSION).rpartition("-")[2])
        mine = [report for report in story.reports if report["id"] == id]
        assert sum(int(report["lots"]) for report in mine if report["kind"] == FILL) == order["filled_quantity"]
        assert [report["kind"] for report in mine].count(ACCEPTED) <= 1
        assert [report["kind"] for report in mine].count(CANCELLED) == int(order["status"] == "CANCELLED")
    sold = sum(one["filled_quantity"] for one in server.orders.values() if one["order_id"] in fired)
    assert sum(int(r["lots"]) for r in story.reports if r["kind"] == FILL and r["leg"] in (3, 4)) == sold
    assert sum(float(r["fee"]) for r in story.reports if r["kind"] == FILL) == pytest.approx(fees)
    bought = sum(one["filled_quantity"] for one in server.orders.values() if one["order_id"] not in fired)
    assert story.broker.ledger.lots.tolist() == [bought - sold]
