"""Changes that a process asked for and took with it: the next one asks for cancels again, and gives replacements up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest

from live.brokers.ledger import Ledger
from live.brokers.orders import listings
from live.brokers.tracked import NOTHING
from live.brokers.wired import Wired
from live.sim.plan import Fault
from live.words import tickets
from quantlib.desk.memory import instrument_records
from quantlib.desk.messages import (
    CANCEL,
    CANCELLED,
    CANCELLING,
    LIMIT,
    REJECTED,
    REPLACE,
    REPLACED,
    REPLACING,
    SELL,
    STOP,
    STOP_LEG,
    TARGET_LEG,
)
from tests.live.brokers import test_ibkr, test_zerodha
from tests.live.brokers.driving import asked, sent, until
from tests.live.brokers.kite import KiteServer
from tests.live.brokers.test_alpaca_faults import orders, step, trading
from tests.live.brokers.test_alpaca_restart import again, record, said
from tests.live.brokers.tws import Tws

PLACED = asked(1, 10, limit=9000)
WIRES = ("alpaca", "ibkr", "zerodha")


class Anew(NamedTuple):
    """A broker of a session that was started again, and what the other side says of its only order."""

    broker: Wired
    order: Callable[[], tuple[str, float]]  # status, as that broker spells it, and limit


def send(broker: Wired, command: Any) -> None:
    broker.submit(tickets(broker.ledger.session, command), command, 0)


@contextmanager
def restarted(wire: str, *before: Any) -> Iterator[Anew]:
    """A broker that comes after one which sent a limit order, and then these changes."""
    if wire == "alpaca":
        with trading(prompt=True) as (alpaca, first):
            for command in (PLACED, *before):
                send(first, command)
            broker = again(alpaca, first, ("AAA",))
            try:
                yield Anew(broker, lambda: (orders(alpaca)[-1].status, 0.0))
            finally:
                broker.close()
        return
    with KiteServer() as kite, Tws(test_ibkr.CONTRACTS) as tws:
        connected = test_ibkr.connected if wire == "ibkr" else test_zerodha.connected
        server: Any = tws if wire == "ibkr" else kite
        with connected(server) as first:
            for command in (PLACED, *before):
                send(first, command)
                until(lambda: not first.errands.about())
        with connected(server) as broker:
            if wire == "ibkr":
                yield Anew(broker, lambda: (tws.order("test-1").status, 0.0))
            else:
                yield Anew(broker, lambda: (kite.order()["status"], kite.order()["price"]))


def working(change: int, **more: int) -> Any:
    return record(1, 10, order=LIMIT, limit=9000, change=change, **more)


@pytest.mark.parametrize("wire", WIRES)
def test_a_cancel_that_is_still_owed_is_asked_again_by_the_next_process(wire: str) -> None:
    with restarted(wire) as (broker, order):
        reports = said(broker.catch_up(working(CANCELLING)))
        until(lambda: order()[0].lower().startswith("cancel"), "the cancel")
        until(lambda: reports.extend(said(broker.reports(0, np.empty(0)))) or reports == [(CANCELLED, 1)])


@pytest.mark.parametrize("wire", WIRES)
def test_a_replacement_that_was_lost_is_refused_so_that_the_desk_decides_anew(wire: str) -> None:
    with restarted(wire) as (broker, _):
        assert said(broker.catch_up(working(REPLACING))) == [(REJECTED, 1)]
        assert [trouble.kind for trouble in broker.incidents()][-1:] == ["refused"]
        assert broker.catch_up(working(0)).size == 0


@pytest.mark.parametrize("wire", WIRES)
def test_a_replacement_that_was_done_is_told_and_not_refused(wire: str) -> None:
    with restarted(wire, asked(1, 7, limit=8900, kind=REPLACE, ts=5)) as (broker, _):
        assert said(broker.catch_up(working(REPLACING))) == [(REPLACED, 1)]
        assert broker.reports(0, np.empty(0)).size == 0


def test_an_order_that_works_unchanged_is_left_alone() -> None:
    with restarted("alpaca") as (broker, order):
        assert broker.catch_up(working(0)).size == 0
        assert order()[0] == "new"


def test_a_change_that_is_asked_again_before_catching_up_is_asked_once() -> None:
    with restarted("zerodha") as (broker, order):
        send(broker, asked(1, 10, limit=8900, kind=REPLACE, ts=5))
        reports = said(broker.catch_up(working(REPLACING)))
        until(lambda: reports.extend(said(broker.reports(0, np.empty(0)))) or bool(reports))
        assert reports == [(REPLACED, 1)]
        assert order()[1] == 8900 * test_zerodha.TICK.tick


def test_a_cancel_that_the_broker_refused_all_day_goes_out_when_it_listens_again() -> None:
    with trading(Fault("answer", "DELETE *", times=10_000, code=500), prompt=True) as (alpaca, broker):
        sent(broker, PLACED)
        sent(broker, asked(1, 0, kind=CANCEL, ts=5))
        assert broker.errands.about() == {1}
        anew = again(alpaca, broker, ("AAA",))
        try:
            assert anew.catch_up(working(CANCELLING)).size == 0
            assert anew.errands.about() == {1}
            alpaca.faults.clear()
            until(lambda: orders(alpaca)[-1].status == "canceled", "the cancel")
        finally:
            anew.close()


def test_legs_whose_cancels_are_owed_free_their_shares_after_a_restart() -> None:
    with trading(prompt=True) as (alpaca, broker):
        sent(broker, asked(1, 10, stop_leg=9000, target_leg=11000))
        step(alpaca, broker)
        anew = again(alpaca, broker, ("AAA",))
        try:
            stop = record(2, 10, SELL, leg=STOP_LEG, group=1, stop=9000, order=STOP, change=CANCELLING)
            target = record(3, 10, SELL, leg=TARGET_LEG, group=1, limit=11000, order=LIMIT, change=CANCELLING)
            anew.catch_up(np.concatenate([stop, target]))
            until(lambda: [o.status for o in orders(alpaca)] == ["filled", "canceled", "canceled"])
        finally:
            anew.close()


def shown(status: str, **more: Any) -> dict[str, Any]:
    """An order as REST shows it."""
    first = {"id": "b1", "client_order_id": "test-1", "symbol": "AAA", "side": "buy", "qty": "10", "filled_qty": "0"}
    when = {"limit_price": "90", "submitted_at": "2026-11-20T14:30:00Z", "updated_at": "2026-11-20T14:30:01Z"}
    return first | when | {"status": status} | more


@pytest.fixture
def ledger() -> Ledger:
    """One that has met an order of before, on its way to be replaced."""
    one = Ledger("test", listings(("AAA",), instrument_records(("AAA",), None)))
    order = one.roster.adopt(working(REPLACING)[0])
    one.see(shown("pending_replace"))
    one.owe(order)
    assert one.take().size == 0
    return one


def test_a_replacement_on_its_way_is_waited_for_and_refused_if_the_order_works_on(ledger: Ledger) -> None:
    ledger.see(shown("pending_replace"))
    assert ledger.take().size == 0
    ledger.see(shown("new", updated_at="2026-11-20T14:30:02Z"))
    assert said(ledger.take()) == [(REJECTED, 1)]
    ledger.see(shown("new", updated_at="2026-11-20T14:30:03Z"))
    assert ledger.take().size == 0


def test_a_replacement_on_its_way_comes_into_force(ledger: Ledger) -> None:
    after = {"id": "b2", "client_order_id": "test-1-replace-5", "replaces": "b1", "limit_price": "89"}
    ledger.see(shown("replaced", replaced_by="b2", updated_at="2026-11-20T14:30:02Z"))
    ledger.see(shown("new", updated_at="2026-11-20T14:30:02Z", **after))
    assert said(ledger.take()) == [(REPLACED, 1)]


def test_a_replacement_that_the_broker_refuses_is_heard_of_after_a_restart(ledger: Ledger) -> None:
    told = shown("new", updated_at="2026-11-20T14:30:02Z")
    ledger.hear({"event": "order_replace_rejected", "order": told, "timestamp": "2026-11-20T14:30:02Z"})
    assert said(ledger.take()) == [(REJECTED, 1)]


def test_a_cancel_that_was_refused_is_sent_again_though_the_clock_stands() -> None:
    with trading(Fault("answer", "DELETE /v2/orders/*", code=422)) as (alpaca, broker):
        sent(broker, asked(1, 10, limit=5000))
        cancel = asked(1, 0, kind=CANCEL, ts=9)
        sent(broker, cancel)
        assert [one.status for one in orders(alpaca)] == ["new"]
        until(lambda: broker.ledger.orders[1].asked == NOTHING, "that the refusal is known")
        for _ in range(2):
            sent(broker, cancel)
        assert [one.status for one in orders(alpaca)] == ["pending_cancel"]
