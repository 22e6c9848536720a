"""A broker that connects anew, whatever became of the one before it, brings the desk up to what has happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backtest
from live.brokers.alpaca import AlpacaBroker
from live.reconcile import working
from live.sim.plan import Fault
from live.sim.server import Loopback
from live.words import tickets
from quantlib.desk.messages import (
    ACCEPTED,
    CANCEL,
    CANCELLED,
    ENTRY,
    FILL,
    GTC,
    LIMIT,
    ORDER,
    REJECTED,
    SELL,
    SENT,
    STOP,
    STOP_LEG,
    TARGET_LEG,
    WORKING,
)
from quantlib.desk.policy import Exits, Gates, fixed_fraction
from tests.live.brokers.driving import SESSION, Driver, asked, connected, sent, until
from tests.live.brokers.test_alpaca_faults import flat, orders, step, trading
from tests.live.brokers.test_alpaca_parity import CASH, assert_traded_alike
from tests.live.scenes import scored, scoring
from tests.live.sim.test_trading_parity import wilful


def again(alpaca: Loopback, old: AlpacaBroker, symbols: tuple[str, ...]) -> AlpacaBroker:
    """The process died and was started again: another broker of the same session."""
    old.close()
    broker = AlpacaBroker(alpaca.keys, SESSION, symbols, old.instruments, patience=old.patience, budget=old.rest.budget)
    broker.begin()
    assert broker.keeper.settled(5.0)
    return broker


class Rejoining:
    """Stands for the broker of a driver: dies before some reports, and answers with what catching up brings."""

    def __init__(self, alpaca: Loopback, broker: AlpacaBroker, symbols: tuple[str, ...], every: int) -> None:
        self.alpaca, self.broker, self.symbols, self.every = alpaca, broker, symbols, every
        self.driver: Driver | None = None
        self.missed = self.deaths = 0

    @property
    def heard(self) -> int:
        return self.missed + self.broker.heard

    @property
    def rest(self) -> Any:
        return self.broker.rest

    def reports(self, count: int, rows: Any) -> Any:
        if count % self.every or self.driver is None:
            return self.broker.reports(count, rows)
        self.broker = again(self.alpaca, self.broker, self.symbols)
        self.missed = self.alpaca.settle() - self.broker.heard
        self.deaths += 1
        state = self.driver.state
        names = tickets(SESSION, state.last)
        self.broker.submit(names, state.last, state.last_ts)  # once more: nothing comes of it
        return self.broker.catch_up(working(state.desk))

    def submit(self, *said: Any) -> None:
        self.broker.submit(*said)

    def incidents(self) -> list[Any]:
        return self.broker.incidents()


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("strategy", ["brackets", "wilful"])
def test_a_desk_whose_broker_dies_again_and_again_ends_as_in_the_backtest(strategy: str, every: int) -> None:
    table = scored(40, ("AAA",), seed=2, missing=0.0)
    policy = {"exits": Exits(stop=0.03, target=0.04, max_rows=6, anchored=True), "sizing": fixed_fraction(0.03)}
    one = wilful(2) if strategy == "wilful" else scoring(**policy, gates=Gates())
    with Loopback(table, cash=CASH) as alpaca, connected(alpaca, table.symbols) as first:
        broker = Rejoining(alpaca, first, table.symbols, every)
        driver = Driver(alpaca, broker, one, table, CASH)  # type: ignore[arg-type]
        broker.driver = driver
        for _ in range(driver.tape.steps):
            driver.step(hearing=driver.state.step % every != 0)
        broker.broker.close()
    expected = backtest.run(wilful(2) if strategy == "wilful" else one, table, cash=CASH)
    assert_traded_alike(driver.end(), expected)  # of legs that came and went meanwhile the desk never hears
    assert broker.deaths == len(range(0, driver.tape.steps, every))
    assert len(expected.raw_fills) > 8


def record(id: int, lots: int, side: int = 1, **more: int) -> Any:
    """A working order as the desk remembers it."""
    one = np.zeros(1, ORDER)
    given = {"id": id, "lots": lots, "side": side, "leg": ENTRY, "order": 1, "tif": GTC, "status": WORKING} | more
    for name, value in given.items():
        one[name] = value
    return one


def said(reports: Any) -> list[tuple[int, int]]:
    return [(int(r["kind"]), int(r["id"])) for r in reports]


def test_an_order_that_never_reached_the_broker_is_refused_and_one_that_vanished_is_fatal() -> None:
    with trading() as (_, broker):
        reports = broker.catch_up(np.concatenate([record(1, 5, status=SENT), record(4, 5)]))
        assert said(reports) == [(REJECTED, 1), (CANCELLED, 4)]
        assert [(t.kind, t.fatal) for t in broker.incidents() if t.kind == "missing"] == [("missing", True)]


def test_a_leg_is_cancelled_by_a_desk_that_was_started_again() -> None:
    with trading(prompt=True) as (alpaca, broker):
        sent(broker, asked(1, 10, stop_leg=9000, target_leg=11000))
        step(alpaca, broker)
        anew = again(alpaca, broker, ("AAA",))
        try:
            legs = [record(2, 10, SELL, leg=STOP_LEG, group=1, stop=9000, order=STOP)]
            legs += [record(3, 10, SELL, leg=TARGET_LEG, group=1, limit=11000, order=LIMIT)]
            command = asked(2, 0, SELL, kind=CANCEL, leg=STOP_LEG, ts=9)
            assert not anew.knows(tickets(SESSION, command)[0])
            sent(anew, command)
            reports = said(anew.catch_up(np.concatenate(legs)))
            assert [o.status for o in orders(alpaca)] == ["filled", "canceled", "canceled"]
            until(lambda: reports.extend(said(anew.reports(0, np.empty(0)))) or len(reports) == 2)
            assert sorted(reports) == [(CANCELLED, 2), (CANCELLED, 3)]
        finally:
            anew.close()


def test_fills_of_before_are_not_told_again() -> None:
    with trading() as (alpaca, broker):
        sent(broker, asked(1, 10), asked(4, 7))
        step(alpaca, broker)
        anew = again(alpaca, broker, ("AAA",))
        try:
            half = record(1, 10, filled=4, status=3)
            half["paid"] = 400.0
            reports = anew.catch_up(np.concatenate([half, record(4, 7)]))
            assert said(reports) == [(FILL, 1), (FILL, 4)]
            assert reports["lots"].tolist() == [6, 7]
            assert len(anew.catch_up(half)) == 0
        finally:
            anew.close()


def test_legs_that_came_to_be_as_the_desk_died_are_found_by_their_entry() -> None:
    with trading() as (alpaca, broker):
        sent(broker, asked(1, 10, stop_leg=9000, target_leg=11000))
        step(alpaca, broker)
        anew = again(alpaca, broker, ("AAA",))
        try:
            reports = anew.catch_up(np.empty(0, ORDER))
            assert sorted(said(reports)) == [(ACCEPTED, 2), (ACCEPTED, 3)]
            assert anew.standing().working["id"].tolist() == [2, 3]
        finally:
            anew.close()


def test_a_leg_that_filled_before_is_not_told_again_for_the_sake_of_its_sibling() -> None:
    table = flat(4)
    table.columns["high"][2:] = 111.0
    with trading(Fault("drop", "trading/canceled/*", rate=1.0), table=table) as (alpaca, broker):
        sent(broker, asked(1, 10, stop_leg=9000, target_leg=11000))
        step(alpaca, broker, hearing=False)
        step(alpaca, broker, hearing=False)
        until(lambda: broker.ledger.lots.tolist() == [0])
        anew = again(alpaca, broker, ("AAA",))
        try:
            assert (FILL, 3) in said(broker.unheard(0))
            stop = record(2, 10, SELL, leg=STOP_LEG, group=1, stop=9000, order=STOP)
            assert said(anew.catch_up(stop)) == [(CANCELLED, 2)]
        finally:
            anew.close()
