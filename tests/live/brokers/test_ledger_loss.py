"""Whatever of the broker's words is lost, doubled or disordered, the desk ends with the broker's truth.

The broker is the loopback's venue without its sockets; the desk is the real one.
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backtest.costs import Costs
from live.brokers.ledger import Ledger
from live.brokers.orders import listings, prices, request
from live.brokers.tracked import CANCEL, REPLACEMENT, Execution
from live.errors import Denied
from live.reconcile import working
from live.sim.admission import Rules
from live.sim.lifecycle import Lifecycle, Twist
from live.sim.venue import Venue
from live.words import tickets
from quantlib.desk import memory
from quantlib.desk.execute import amend, submit
from quantlib.desk.hear import hear_all
from quantlib.desk.messages import BUY, ENTRY, EXIT, GTC, REPLACE, SELL
from quantlib.desk.messages import CANCEL as TO_CANCEL
from quantlib.desk.orders import find
from quantlib.desk.policy import Policy
from tests.live.scenes import DAY, START

SYMBOLS = ("AAA", "BBB")
FREE = Rules(buying_power=False, held_quantity=False, wash_trades=False)


class Line(NamedTuple):
    """How bad the line is: chances of a message to be lost, doubled, or overtaken; of an answer to be lost."""

    lost: float
    doubled: float
    overtaken: float
    unanswered: float


class Traded:
    """A desk, a ledger and a venue, with a bad line between them."""

    def __init__(self, seed: int, line: Line, twists: tuple[Twist, ...] = ()) -> None:
        self.die, self.line = random.Random(seed), line
        self.desk = memory.opened(Policy(), SYMBOLS, 1e6)
        self.venue = Venue(
            SYMBOLS, cash=1e6, costs=Costs(participation=1e-2), rules=FREE, life=Lifecycle(twists, seed), now=START
        )
        self.ledger = Ledger("s", listings(SYMBOLS, self.desk.instruments))
        self.price = dict.fromkeys(range(len(SYMBOLS)), 100.0)
        self.ts, self.late = START, []  # type: ignore[var-annotated]

    def trade(self, steps: int) -> None:
        """Let time pass, and order, cancel and replace by the die."""
        for _ in range(steps):
            self.ts += DAY
            self._bars()
            self._deliver()
            self.hear()
            for code in range(len(SYMBOLS)):
                self._act(code)
            self._deliver()

    def hear(self) -> None:
        """The desk books what the ledger has for it."""
        reports = self.ledger.take()
        hear_all(self.desk, self.ts, reports, len(reports))
        for log in ("fills", "finished", "commands"):
            self.desk.account[log] = 0

    def see_all(self, activities: bool) -> None:
        """REST shows every order, with its executions or without, and again those that raised a question."""
        for _ in range(3):
            self.ledger.wanted.clear()
            for order in list(self.venue.ledger.orders.values()):
                fills = [e for e in self.venue.account.executions if e.order is order]
                told = {order.id: [Execution(e.lots, e.price, e.ts, e.cumulative) for e in fills]}
                self.ledger.see(order.json(), told if activities else None)
            if not self.ledger.wanted:
                return
            activities = True

    def _bars(self) -> None:
        n, die = len(SYMBOLS), self.die
        rows: dict[str, Any] = {"ts": np.full(n, self.ts), "symbol": np.arange(n, dtype=np.int32)}
        opens = [round(self.price[k] * (1 + die.gauss(0, 0.01)), 2) for k in range(n)]
        closes = [round(self.price[k] * (1 + die.gauss(0, 0.02)), 2) for k in range(n)]
        rows |= {"open": np.array(opens), "close": np.array(closes)}
        rows["high"] = np.maximum(rows["open"], rows["close"]) + 0.5
        rows["low"] = np.minimum(rows["open"], rows["close"]) - 0.5
        rows["volume"] = np.array([float(die.choice((300, 700, 5000))) for _ in range(n)])
        self.price = dict(enumerate(closes))
        self.venue.match(self.ts, rows)

    def _act(self, code: int) -> None:
        die, held = self.die, int(self.desk.holdings["lots"][code])
        mine = [o for o in working(self.desk) if o["symbol"] == code]
        if not mine and held == 0:
            self._order(code, die.choice((BUY, SELL)), die.randint(1, 20), ENTRY)
        elif not mine:
            self._order(code, SELL if held > 0 else BUY, abs(held), EXIT)
        elif die.random() < 0.4:
            self._change(code, die.choice(mine))

    def _order(self, code: int, side: int, lots: int, leg: int) -> None:
        near = round(self.price[code] * 100)
        limit = self.die.choice((0, near - side * self.die.randint(0, 150)))
        submit(self.desk, code, self.ts, side, lots, limit, 0, 0.0, 0.0, leg, GTC, 0, self.price[code])
        command = self.desk.commands[self.desk.account["commands"][0] - 1 :][:1].copy()
        if leg == ENTRY and self.die.random() < 0.6:
            command["stop_leg"], command["target_leg"] = near - side * 300, near + side * 300
        name = tickets("s", command)[0]
        order = self.ledger.sent(name, command[0])
        try:
            self._answer(self.venue.submit(request(command[0], name, self.ledger.listings[code])))
        except Denied as error:  # the desk knew too little of its position
            self.ledger.refuse(order, self.ts, 0, str(error))

    def _change(self, code: int, record: Any) -> None:
        order = self.ledger.orders[int(record["id"])]
        wire, slot = order.wire, find(self.desk.orders, self.desk.holdings[code], order.id)
        if record["change"] or wire is None or not wire.id or order.ended:
            return
        replaces = self.die.random() < 0.5 and order.limit and not order.filled and order.group == 0
        kind, lots = (REPLACE, self.die.randint(1, 20)) if replaces else (TO_CANCEL, 0)
        limit = max(1, order.limit + self.die.randint(-100, 100))
        amend(self.desk, code, slot, self.ts, kind, lots, limit, 0)
        command = self.desk.commands[self.desk.account["commands"][0] - 1 :][:1].copy()
        name = tickets("s", command)[0]
        self.ledger.changing(order, REPLACEMENT if replaces else CANCEL, name if replaces else "")
        try:
            if replaces:
                body = prices(command[0], self.ledger.listings[code]) | {"qty": str(lots), "client_order_id": name}
                self._answer(self.venue.replace(wire.id, body))
            else:
                self.venue.cancel(wire.id)
        except Denied:  # the truth is asked for, as `changing` does
            self.ledger.see(self.venue.order(wire.id).json())
            self.ledger.refuse_change(order, self.ts, "denied")

    def _answer(self, told: Any) -> None:
        if self.die.random() >= self.line.unanswered:
            if self.die.random() < 0.5:
                self._deliver()  # updates may come before the answer
            self.ledger.see(told)

    def _deliver(self) -> None:
        waiting = self.late + [u["data"] for u in self.venue.updates]
        self.venue.updates.clear()
        self.late = []
        for update in waiting:
            chance = self.die.random()
            if chance < self.line.lost:
                continue
            if chance < self.line.lost + self.line.overtaken:
                self.late.append(update)
                continue
            self.ledger.hear(update)
            if self.die.random() < self.line.doubled:
                self.ledger.hear(update)


def assert_true(traded: Traded, cents: float) -> None:
    """The desk believes what has happened at the venue: positions, working orders, and cash to `cents`."""
    desk, venue = traded.desk, traded.venue
    assert desk.account["anomalies"][0] == 0
    np.testing.assert_array_equal(desk.holdings["lots"], [h.lots for h in venue.account.holdings])
    np.testing.assert_array_equal(traded.ledger.lots, desk.holdings["lots"])
    there = sorted((o.side, o.lots, o.filled, o.limit, o.stop) for o in venue.ledger.open() if o.status != "held")
    here = sorted(tuple(int(o[n]) for n in ("side", "lots", "filled", "limit", "stop")) for o in working(desk))
    assert here == there
    assert abs(desk.account["cash"][0] - venue.account.cash) <= cents
    assert not [trouble for trouble in traded.ledger.incidents if trouble.fatal]


lines = st.builds(
    Line, st.sampled_from([0.0, 0.2, 0.9]), st.sampled_from([0.0, 0.3]), st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 0.3]),
)  # fmt: skip
twists = st.sampled_from(
    [(), (Twist("split", rate=0.5, parts=3),), (Twist("cancel_race", on="*/s-*", rate=0.5),),
     (Twist("cancel_refused", rate=0.5),), (Twist("replace_refused", rate=0.5),),
     (Twist("reject", rate=0.2), Twist("early", rate=0.2))]
)  # fmt: skip


@given(seed=st.integers(0, 10**9), line=lines, twists=twists, activities=st.booleans())
def test_a_desk_ends_with_the_brokers_truth_whatever_is_lost(
    seed: int, line: Line, twists: tuple[Twist, ...], activities: bool
) -> None:
    traded = Traded(seed, line, twists)
    for _ in range(3):
        traded.trade(8)
        traded.see_all(activities)  # as after each reconnect
        traded.hear()
        assert_true(traded, 1e-6)


@given(seed=st.integers(0, 10**9), twists=twists)
def test_on_a_good_line_cash_is_that_of_the_broker_to_the_last_bit(seed: int, twists: tuple[Twist, ...]) -> None:
    traded = Traded(seed, Line(0.0, 0.3, 0.0, 0.3), twists)
    traded.trade(24)
    traded.hear()
    assert_true(traded, 0.0)
    assert len(traded.venue.account.executions) > 0
