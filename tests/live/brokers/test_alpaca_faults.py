"""What goes wrong on the wire, and what becomes of orders then: the loopback's faults against the real adapter."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from limits import RateLimitItemPerSecond
from websockets.exceptions import ConnectionClosedError

from backtest.costs import Costs
from live.brokers.alpaca import AlpacaBroker
from live.brokers.breaker import Circuit
from live.brokers.rate import Budget
from live.errors import BrokerError
from live.sim.admission import Rules
from live.sim.lifecycle import Twist
from live.sim.plan import Fault
from live.sim.server import Loopback
from quantlib.desk.memory import BAD_PRICE, Instrument, instrument_records
from quantlib.desk.messages import (
    ACCEPTED,
    BUY,
    CANCEL,
    CANCELLED,
    ENTRY,
    EXIT,
    FILL,
    LIMIT,
    ORDER,
    REJECTED,
    REPLACE,
    REPLACED,
    SELL,
    STOP_LEG,
    TARGET_LEG,
    WORKING,
)
from quantlib.table import Table, bars
from tests.live.brokers.driving import QUICK, asked, connected, sent, until
from tests.live.scenes import DAY, START

SYMBOLS = ("AAA",)
RECORDS = instrument_records(SYMBOLS, None)
POST = "POST /v2/orders"


def flat(rows: int = 8, price: float = 100.0, volume: float = 1e5) -> Table:
    """A market that stands still."""
    ts = START + np.arange(1, rows + 1) * DAY
    columns: dict[str, Any] = {name: np.full(rows, price) for name in ("open", "high", "low", "close")}
    return bars({"ts": ts, "symbol": ["AAA"] * rows, **columns, "volume": np.full(rows, volume)})


@contextmanager
def trading(*faults: Fault, table: Table | None = None, **service: Any) -> Iterator[tuple[Loopback, AlpacaBroker]]:
    """The loopback after its first bar, and a broker connected to it."""
    named = {"patience": QUICK}
    named |= {name: service.pop(name) for name in ("patience", "budget", "circuit", "session") if name in service}
    with Loopback(table or flat(), **service) as alpaca, connected(alpaca, SYMBOLS, **named) as broker:
        step(alpaca, broker)
        for fault in faults:
            alpaca.faults.add(fault)
        yield alpaca, broker


def step(alpaca: Loopback, broker: AlpacaBroker, hearing: bool = True) -> None:
    """The next bar; what comes of it is heard."""
    told = alpaca.match()
    if hearing:
        until(lambda: broker.heard >= told, "that all updates were heard")
    alpaca.publish()


def heard(broker: AlpacaBroker) -> list[tuple[int, int]]:
    """Kinds and ids of the reports that wait."""
    return [(int(r["kind"]), int(r["id"])) for r in broker.reports(0, np.empty(0))]


def orders(alpaca: Loopback) -> list[Any]:
    """All orders that the loopback has ever taken."""
    return list(alpaca.venue.ledger.orders.values())


def kinds(broker: AlpacaBroker) -> list[str]:
    """Kinds of what went wrong."""
    return [trouble.kind for trouble in broker.incidents()]


UNKNOWN = [
    Fault("answer", POST, code=504, accepted=True), Fault("answer", POST, code=500, accepted=True),
    Fault("cut", POST, accepted=True), Fault("hang", POST, accepted=True),
    Fault("slow", POST, accepted=True, seconds=1.0),
]  # fmt: skip


@pytest.mark.parametrize("fault", UNKNOWN, ids=["504", "500", "cut", "hang", "slow"])
def test_an_order_that_arrived_though_its_answer_did_not_is_one_order(fault: Fault) -> None:
    with trading(fault) as (alpaca, broker):
        sent(broker, asked(1, 10))
        until(lambda: broker.health().unknown == 0)
        step(alpaca, broker)
        assert heard(broker) == [(ACCEPTED, 1), (FILL, 1)]
        assert [o.client_order_id for o in orders(alpaca)] == ["test-1"]
        assert kinds(broker) == ["unknown"]
        assert broker.knows("test-1")


@pytest.mark.parametrize("fault", [Fault("answer", POST, code=504), Fault("cut", POST)], ids=["504", "cut"])
def test_an_entry_that_never_arrived_is_refused_once_that_is_certain(fault: Fault) -> None:
    with trading(fault) as (alpaca, broker):
        sent(broker, asked(1, 10))
        assert broker.health().unknown == 1
        assert heard(broker) == []
        until(lambda: broker.health().unknown == 0)
        assert heard(broker) == [(REJECTED, 1)]
        assert orders(alpaca) == []


def test_an_order_is_pending_until_its_outcome_is_known() -> None:
    with trading(Fault("answer", POST, code=504)) as (_, broker):
        sent(broker, asked(1, 10))
        assert broker.standing().pending == {1}
        until(lambda: broker.health().unknown == 0)
        assert broker.standing().pending == set()


@pytest.mark.parametrize("fault", [Fault("answer", POST, code=504), Fault("cut", POST)], ids=["504", "cut"])
def test_an_exit_that_never_arrived_is_sent_again_under_its_name(fault: Fault) -> None:
    with trading() as (alpaca, broker):
        sent(broker, asked(1, 10))
        step(alpaca, broker)
        heard(broker)
        alpaca.faults.add(fault)
        sent(broker, asked(4, 10, SELL, leg=EXIT))
        until(lambda: len(orders(alpaca)) == 2)
        step(alpaca, broker)
        assert heard(broker) == [(ACCEPTED, 4), (FILL, 4)]
        assert [o.client_order_id for o in orders(alpaca)] == ["test-1", "test-4"]
        assert broker.standing().lots.tolist() == [0]


def test_orders_beyond_the_rate_limit_of_the_broker_wait_and_are_sent() -> None:
    with trading(Fault("answer", POST, code=429, times=2)) as (alpaca, broker):
        sent(broker, asked(1, 10))
        until(lambda: len(orders(alpaca)) == 1)
        step(alpaca, broker)
        assert heard(broker) == [(ACCEPTED, 1), (FILL, 1)]


def test_orders_beyond_our_own_rate_limit_go_out_exits_first_then_the_largest() -> None:
    budget = Budget(RateLimitItemPerSecond(4, 2), kept=0)
    with trading(budget=budget, rules=Rules(held_quantity=False, wash_trades=False)) as (alpaca, broker):
        until(lambda: budget.remaining == 4)
        entries = [asked(1 + 3 * k, lots) for k, lots in enumerate((1, 3, 2, 5, 4))]
        sent(broker, *entries, asked(16, 1, BUY, leg=EXIT))
        until(lambda: len(orders(alpaca)) == 6)
        assert [o.client_order_id for o in orders(alpaca)] == [f"test-{id}" for id in (16, 10, 13, 4, 7, 1)]


def test_a_circuit_that_opened_refuses_entries_holds_exits_and_closes_again() -> None:
    circuit = Circuit(2, 0.3, 0.1)
    with trading(circuit=circuit) as (alpaca, broker):
        sent(broker, asked(1, 10))
        step(alpaca, broker)
        heard(broker)
        alpaca.faults.add(Fault("answer", "*/v2/orders*", code=503, rate=1.0))
        sent(broker, asked(4, 5), asked(7, 6))
        until(lambda: broker.health().breaker == "open")
        sent(broker, asked(10, 7), asked(13, 10, SELL, leg=EXIT))
        assert (REJECTED, 10) in heard(broker)
        alpaca.faults.clear()
        until(lambda: any(o.client_order_id == "test-13" for o in orders(alpaca)))
        assert broker.health().breaker == "closed"
        until(lambda: broker.health().unknown == 0)
        step(alpaca, broker)
        assert {(REJECTED, 4), (REJECTED, 7), (FILL, 13)} <= set(heard(broker))
        assert broker.standing().lots.tolist() == [0]


def test_a_stream_that_broke_is_connected_again_and_what_was_missed_is_caught_up() -> None:
    with trading() as (alpaca, broker):
        sent(broker, asked(1, 10, stop_leg=9000, target_leg=11000))
        alpaca.faults.add(Fault("drop", "trading/*/AAA", rate=1.0))
        alpaca.match()
        alpaca.faults.clear()
        alpaca.reset()
        until(lambda: "connected" in [t.kind for t in list(broker.ledger.incidents)])
        assert sorted(heard(broker)) == [(ACCEPTED, 1), (ACCEPTED, 2), (ACCEPTED, 3), (FILL, 1)]
        assert kinds(broker) == ["lost", "connected"]
        step(alpaca, broker)
        assert heard(broker) == []


@pytest.mark.parametrize("wanted", [False, True], ids=["by the network", "by us"])
def test_a_connection_that_breaks_while_it_is_closed_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wanted: bool
) -> None:
    with trading() as (alpaca, broker):
        stream, socket = broker.updates, broker.updates._ws
        real = socket.close

        async def breaking() -> None:
            await real()
            raise ConnectionClosedError(None, None)

        monkeypatch.setattr(socket, "close", breaking)
        (stream.reconnect if wanted else alpaca.reset)()
        until(lambda: "connected" in [t.kind for t in list(broker.ledger.incidents)])
        sent(broker, asked(1, 10))
        step(alpaca, broker)
        assert heard(broker) == [(ACCEPTED, 1), (FILL, 1)]
    gc.collect()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize("times", [1, 2])
def test_keys_that_were_taken_before_may_be_refused_now_and_then(times: int) -> None:
    with trading() as (alpaca, broker):
        alpaca.faults.add(Fault("error", "trading/authorization/*", times=times))
        alpaca.reset()
        until(lambda: "connected" in [t.kind for t in list(broker.ledger.incidents)])
        sent(broker, asked(1, 10))
        step(alpaca, broker)
        assert heard(broker) == [(ACCEPTED, 1), (FILL, 1)]


def test_keys_that_are_refused_again_and_again_end_the_stream_which_is_told() -> None:
    with trading(Fault("error", "trading/authorization/*", times=100)) as (alpaca, broker):
        alpaca.reset()
        until(lambda: [t.kind for t in list(broker.ledger.incidents) if t.fatal] == ["keys"])
        assert not broker.health().connected
        assert "make new ones" in broker.health().trouble


def test_a_stream_that_is_mute_is_found_out_by_a_look_at_the_orders() -> None:
    patience = QUICK._replace(poll=0.1)
    with trading(patience=patience) as (alpaca, broker):
        sent(broker, asked(1, 10))
        until(lambda: broker.heard == alpaca.settle())
        alpaca.faults.add(Fault("mute", "trading/*"))
        alpaca.match()
        until(lambda: "stale" in [t.kind for t in list(broker.ledger.incidents)])
        until(lambda: "connected" in [t.kind for t in list(broker.ledger.incidents)])
        assert heard(broker) == [(ACCEPTED, 1), (FILL, 1)]


@pytest.mark.parametrize("kind", ["duplicate", "unknown", "status"])
def test_odd_updates_neither_lose_nor_double_a_fill(kind: str) -> None:
    with trading() as (alpaca, broker):
        sent(broker, asked(1, 10))
        alpaca.faults.add(Fault(kind, "trading/*/AAA", rate=1.0))
        step(alpaca, broker)
        reports: list[tuple[int, int]] = []
        until(lambda: reports.extend(heard(broker)) or (FILL, 1) in reports)
        assert reports == [(ACCEPTED, 1), (FILL, 1)]


def test_a_fill_that_comes_before_the_answer_is_booked_once() -> None:
    with trading(twists=[Twist("early")]) as (alpaca, broker):
        sent(broker, asked(1, 10))
        until(lambda: broker.heard == alpaca.settle())
        assert heard(broker) == [(ACCEPTED, 1), (FILL, 1)]


def test_a_cancel_that_the_rate_limit_puts_before_its_own_order_follows_it() -> None:
    with trading() as (alpaca, broker):
        assert not len(broker.catch_up(np.empty(0, ORDER)))
        broker.rest.budget.told(1, 0.0)
        sent(broker, asked(1, 10, limit=9000), asked(4, 10, limit=9000), asked(1, 10, kind=CANCEL))
        step(alpaca, broker)
        assert set(heard(broker)) == {(ACCEPTED, 1), (ACCEPTED, 4), (CANCELLED, 1)}


def test_a_cancel_of_an_order_of_before_waits_until_it_is_known() -> None:
    before = np.zeros(1, ORDER)
    known = {"id": 1, "side": BUY, "lots": 10, "limit": 9000, "order": LIMIT, "leg": ENTRY, "status": WORKING}
    for name, value in known.items():
        before[name] = value
    with Loopback(flat()) as alpaca:
        with connected(alpaca, SYMBOLS) as broker:
            step(alpaca, broker)
            sent(broker, asked(1, 10, limit=9000))
        with connected(alpaca, SYMBOLS) as broker:
            sent(broker, asked(1, 10, kind=CANCEL, ts=5))
            assert [order.status for order in orders(alpaca)] == ["new"]
            reports = [(int(one["kind"]), int(one["id"])) for one in broker.catch_up(before)]
            step(alpaca, broker, hearing=False)
            until(lambda: reports.extend(heard(broker)) or (CANCELLED, 1) in reports)
            assert not kinds(broker)


def test_an_order_rejected_after_it_was_taken_ends() -> None:
    with trading(twists=[Twist("reject")]) as (alpaca, broker):
        sent(broker, asked(1, 10))
        until(lambda: broker.heard == alpaca.settle())
        assert heard(broker) == [(REJECTED, 1)]


def test_a_cancel_that_lost_its_race_is_a_fill() -> None:
    with trading(twists=[Twist("cancel_race")]) as (alpaca, broker):
        sent(broker, asked(1, 10, limit=9000))
        sent(broker, asked(1, 10, kind=CANCEL, ts=5))
        until(lambda: broker.heard == alpaca.settle())
        assert heard(broker) == [(ACCEPTED, 1), (FILL, 1)]


def test_a_cancel_or_replacement_that_is_refused_leaves_the_order_at_work() -> None:
    with trading(twists=[Twist("cancel_refused"), Twist("replace_refused")]) as (alpaca, broker):
        sent(broker, asked(1, 10, limit=9000))
        sent(broker, asked(1, 10, kind=CANCEL, ts=5))
        until(lambda: broker.heard == alpaca.settle())
        assert heard(broker) == [(ACCEPTED, 1), (REJECTED, 1)]
        sent(broker, asked(1, 12, kind=REPLACE, limit=9100, ts=6))
        until(lambda: broker.heard == alpaca.settle())
        assert heard(broker) == [(REJECTED, 1)]
        sent(broker, asked(1, 12, kind=REPLACE, limit=9100, ts=7))
        step(alpaca, broker)
        assert heard(broker) == [(REPLACED, 1)]


@pytest.mark.parametrize("fault", ["answer", "cut"])
@pytest.mark.parametrize("accepted", [True, False])
def test_a_replacement_without_an_answer_is_looked_up(fault: str, accepted: bool) -> None:
    with trading() as (alpaca, broker):
        sent(broker, asked(1, 10, limit=9000))
        until(lambda: broker.heard == alpaca.settle())
        alpaca.faults.add(Fault(fault, "PATCH *", code=504 if fault == "answer" else 0, accepted=accepted))
        sent(broker, asked(1, 12, kind=REPLACE, limit=9100, ts=6))
        until(lambda: broker.health().unknown == 0)
        step(alpaca, broker)
        assert heard(broker) == [(ACCEPTED, 1), (REPLACED if accepted else REJECTED, 1)]


def test_a_replacement_of_an_order_that_may_not_be_there_waits_until_that_is_known() -> None:
    unasked = Fault("answer", "GET /v2/orders:by*", code=504, times=6)
    with trading(Fault("answer", POST, code=504), unasked, circuit=Circuit(failures=100)) as (_, broker):
        sent(broker, asked(1, 10, limit=9000))
        sent(broker, asked(1, 12, kind=REPLACE, limit=9100, ts=6))
        until(lambda: broker.health().unknown == 0 and not broker.errands.about())
        assert heard(broker) == [(REJECTED, 1)]  # and was never accepted


def test_a_cancel_without_an_answer_is_sent_until_the_order_has_ended() -> None:
    with trading(Fault("cut", "DELETE *", times=2), prompt=True) as (alpaca, broker):
        sent(broker, asked(1, 10, limit=9000))
        sent(broker, asked(1, 10, kind=CANCEL, ts=5))
        until(lambda: len(orders(alpaca)) and orders(alpaca)[0].status == "canceled")
        until(lambda: broker.heard == alpaca.settle())
        assert heard(broker) == [(ACCEPTED, 1), (CANCELLED, 1)]


def test_a_partly_filled_order_is_replaced_by_an_order_for_what_is_left() -> None:
    with trading(table=flat(volume=3e4), costs=Costs(participation=1e-4)) as (alpaca, broker):
        sent(broker, asked(1, 10, limit=10000))
        step(alpaca, broker)
        assert heard(broker) == [(ACCEPTED, 1), (FILL, 1)]
        sent(broker, asked(1, 8, kind=REPLACE, limit=10100, ts=6))
        step(alpaca, broker)
        until(lambda: len(orders(alpaca)) == 2)
        assert heard(broker) == [(REPLACED, 1)]
        assert (orders(alpaca)[1].lots, orders(alpaca)[1].client_order_id) == (5, "test-1-replace-6")
        step(alpaca, broker)
        step(alpaca, broker)
        assert heard(broker) == [(FILL, 1), (FILL, 1)]
        assert broker.standing().lots.tolist() == [8]


def test_an_exit_waits_for_the_cancels_that_free_its_shares() -> None:
    with trading(Fault("slow", "DELETE *", seconds=0.3), prompt=True) as (alpaca, broker):
        sent(broker, asked(1, 10, stop_leg=9000, target_leg=11000))
        step(alpaca, broker)
        heard(broker)
        sent(broker, asked(4, 10, SELL, leg=EXIT))
        assert len(orders(alpaca)) == 3
        sent(
            broker,
            asked(2, 10, SELL, kind=CANCEL, leg=STOP_LEG, ts=5),
            asked(3, 10, SELL, kind=CANCEL, leg=TARGET_LEG, ts=5),
        )
        until(lambda: len(orders(alpaca)) == 4)
        step(alpaca, broker)
        assert sorted(heard(broker)) == [(ACCEPTED, 4), (FILL, 4), (CANCELLED, 2), (CANCELLED, 3)]
        assert broker.standing().lots.tolist() == [0]


def test_an_entry_through_zero_closes_first_and_opens_when_that_is_done() -> None:
    with trading() as (alpaca, broker):
        sent(broker, asked(1, 10))
        step(alpaca, broker)
        sent(broker, asked(4, 16, SELL, stop_leg=11000, target_leg=9000))
        step(alpaca, broker)
        until(lambda: any(o.client_order_id == "test-4-open" for o in orders(alpaca)))
        step(alpaca, broker)
        wanted = [(ACCEPTED, 1), (FILL, 1), (ACCEPTED, 4), (FILL, 4), (FILL, 4), (ACCEPTED, 5), (ACCEPTED, 6)]
        assert heard(broker) == wanted
        standing = broker.standing()
        assert standing.lots.tolist() == [-6]
        assert standing.working["lots"].tolist() == [6, 6]


def test_a_broken_trade_is_fatal() -> None:
    with trading(twists=[Twist("bust")]) as (alpaca, broker):
        sent(broker, asked(1, 10))
        step(alpaca, broker)
        assert [(t.kind, t.fatal) for t in broker.incidents()] == [("bust", True)]


def test_an_order_of_someone_else_is_told() -> None:
    with trading(patience=QUICK._replace(poll=0.05)) as (_, broker):
        body = {"symbol": "AAA", "qty": "3", "side": "buy", "type": "market", "time_in_force": "day"}
        broker.rest.send("post", "/orders", body)
        until(lambda: "foreign" in [t.kind for t in list(broker.ledger.incidents)])
        assert heard(broker) == []
        assert broker.standing().working["id"].tolist() == [0]


def test_a_price_between_the_ticks_of_the_exchange_is_refused_before_it_is_sent() -> None:
    fine = Instrument(tick=0.001)
    with Loopback(flat(), instruments=fine) as alpaca, connected(alpaca, SYMBOLS, fine) as broker:
        sent(broker, asked(1, 10, limit=99_995))
        report = broker.reports(0, np.empty(0))[0]
        assert (report["kind"], report["reason"]) == (REJECTED, BAD_PRICE)
        assert orders(alpaca) == []
        assert "Regulation NMS" in broker.incidents()[0].text


def test_bad_keys_and_a_second_listener_are_refused_with_their_cure() -> None:
    with Loopback(flat()) as alpaca:
        wrong = AlpacaBroker(alpaca.keys._replace(secret="no"), "test", SYMBOLS, RECORDS, patience=QUICK)
        with pytest.raises(BrokerError, match="keys were answered 401; make new ones"):
            wrong.begin()
        wrong.close()
        with connected(alpaca, SYMBOLS):
            second = AlpacaBroker(alpaca.keys, "other", SYMBOLS, RECORDS, patience=QUICK._replace(begin=0.5))
            with pytest.raises(BrokerError, match="one listener to an account"):
                second.begin()
            second.close()


def test_a_name_used_before_on_the_account_is_no_order_of_ours() -> None:
    with trading() as (alpaca, broker):
        sent(broker, asked(1, 10))
        step(alpaca, broker)
        broker.close()
        with connected(alpaca, SYMBOLS) as again:
            sent(again, asked(1, 10, ts=START + 10 * DAY))
            until(lambda: again.health().unknown == 0)
            assert heard(again) == [(REJECTED, 1)]
            assert [t.kind for t in again.incidents() if t.fatal] == ["name"]


def test_flatten_takes_back_orders_and_leaves_positions() -> None:
    with trading(prompt=True) as (alpaca, broker):
        sent(broker, asked(1, 10))
        step(alpaca, broker)
        sent(broker, asked(4, 5, limit=9000))
        broker.cancel_all()
        assert [o.status for o in orders(alpaca)] == ["filled", "canceled"]
        broker.close_all()
        step(alpaca, broker)
        assert broker.standing().lots.tolist() == [0]


def test_an_order_that_arrives_after_it_was_given_up_is_taken_back() -> None:
    with trading(Fault("answer", POST, code=504), prompt=True) as (alpaca, broker):
        sent(broker, asked(1, 10, limit=9000))
        until(lambda: broker.health().unknown == 0)
        assert heard(broker) == [(REJECTED, 1)]
        body = {"symbol": "AAA", "qty": "10", "side": "buy", "type": "limit", "limit_price": "90"}
        broker.rest.send("post", "/orders", body | {"time_in_force": "gtc", "client_order_id": "test-1"})  # at last
        until(lambda: orders(alpaca)[0].status == "canceled")
        assert "stray" in kinds(broker)
        assert heard(broker) == []
