"""Zerodha: the real REST client and ticker against a Kite of loopback, through everything that goes wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from live.brokers.line_broker import LineBroker
from live.brokers.zerodha import zerodha_broker
from live.brokers.zerodha_orders import MIS, Kite, name_of, tag
from live.brokers.zerodha_rest import logged_in
from live.errors import BrokerError
from live.words import tickets
from quantlib.desk.memory import Instrument, instrument_records
from quantlib.desk.messages import (
    ACCEPTED,
    BUY,
    CANCEL,
    CANCELLED,
    EXIT,
    EXPIRED,
    FILL,
    ORDER,
    REJECTED,
    REPLACE,
    REPLACED,
    SELL,
    WORKING,
)
from tests.live.brokers.driving import QUICK, asked, until
from tests.live.brokers.kite import EACH, RATE, KiteServer, yesterday

SESSION = "test"
TICK = Instrument(tick=0.05)
POST = "POST /orders"
NOW = 10**18


@contextmanager
def connected(server: KiteServer, symbols: tuple[str, ...] = ("AAA", "BBB"), **more: Any) -> Iterator[LineBroker]:
    """A broker that has begun."""
    options = {"patience": QUICK} | more
    kite = Kite("key", "token", options.pop("product", "CNC"), root=server.root, ticker=server.ticker)
    records = instrument_records(symbols, options.pop("instruments", TICK))
    broker = zerodha_broker(kite, options.pop("session", SESSION), symbols, records, **options)
    try:
        broker.begin()
        assert broker.keeper.settled(5.0)
        notices(broker)
        yield broker
    finally:
        broker.close()


@pytest.fixture
def server() -> Iterator[KiteServer]:
    with KiteServer() as one:
        yield one


@pytest.fixture
def broker(server: KiteServer) -> Iterator[LineBroker]:
    with connected(server) as one:
        yield one


def notices(broker: LineBroker) -> list[str]:
    """What the operator was told."""
    return [trouble.kind for trouble in broker.incidents()]


def send(broker: LineBroker, *commands: Any) -> None:
    together = np.concatenate(commands)
    broker.submit(tickets(broker.ledger.session, together), together, 0)


def heard(broker: LineBroker, count: int) -> Any:
    """So many reports, when they are there."""
    until(lambda: len(broker.unheard(0)) >= count, f"{count} reports")
    return broker.reports(0, np.empty(0))


def kinds(reports: Any) -> list[tuple[int, int]]:
    return [(int(one["kind"]), int(one["id"])) for one in reports]


def working(id: int, lots: int, **more: Any) -> Any:
    """A record of an order that the desk believes to work."""
    record = np.zeros(1, ORDER)
    given = {"id": id, "lots": lots, "side": BUY, "order": 1, "tif": 2, "leg": 1, "status": WORKING} | more
    for name, value in given.items():
        record[name] = value
    return record


def bracket(id: int = 1, lots: int = 10) -> Any:
    return asked(id, lots, limit=2000, stop_leg=1900, target_leg=2200)


def guarded(server: KiteServer, broker: LineBroker) -> dict[str, Any]:
    """A bracket whose entry has filled; its GTT."""
    send(broker, bracket())
    heard(broker, 1)
    server.fill(server.order(), 10, 99.0)
    assert sorted(kinds(heard(broker, 3))) == [(ACCEPTED, 2), (ACCEPTED, 3), (FILL, 1)]
    [gtt] = server.gtts.values()
    return gtt


@pytest.mark.parametrize(
    ("prices", "spelled"),
    [({}, ("MARKET", 103.0, 0.0)), ({"limit": 1990}, ("LIMIT", 99.5, 0.0)), ({"stop": 2020}, ("SL-M", 0.0, 101.0)),
     ({"limit": 2040, "stop": 2020}, ("SL", 102.0, 101.0))],
    ids=["market", "limit", "stop", "stop limit"],
)  # fmt: skip
def test_an_order_arrives_as_it_was_asked_and_fills_with_its_charges(
    server: KiteServer, broker: LineBroker, prices: dict[str, int], spelled: tuple[str, float, float]
) -> None:
    send(broker, asked(1, 10, **prices))
    assert kinds(heard(broker, 1)) == [(ACCEPTED, 1)]
    one = server.order()
    assert (one["order_type"], one["price"], one["trigger_price"]) == spelled
    assert (one["quantity"], one["product"], one["transaction_type"]) == (10, "CNC", "BUY")
    assert name_of(one["tag"], SESSION) == "test-1"
    assert len(one["tag"]) <= 20
    server.fill(one, 10, 99.25)
    [fill] = heard(broker, 1)
    assert (fill["kind"], fill["lots"], fill["price"]) == (FILL, 10, 99.25)
    assert fill["fee"] == pytest.approx(EACH + RATE * 992.5)
    standing = broker.standing()
    assert standing.lots.tolist() == [10, 0]
    assert standing.cash == pytest.approx(1e6 - 992.5 - fill["fee"])
    assert notices(broker) == []


def test_a_tag_says_its_order_and_no_other_session_reads_it() -> None:
    for id in (1, 35, 36, 10**9):
        assert name_of(tag(SESSION, id), SESSION) == f"test-{id}"
        assert name_of(tag(SESSION, id), "another") == ""
    assert name_of(None, SESSION) == name_of("closing", SESSION) == ""


def test_parts_of_a_fill_have_their_own_prices_and_charges_that_add_up(server: KiteServer, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=2000))
    heard(broker, 1)
    fees = 0.0
    for units, price in ((3, 98.0), (5, 98.5), (2, 99.0)):
        server.fill(server.order(), units, price)
        [fill] = heard(broker, 1)
        assert (fill["lots"], fill["price"]) == (units, price)
        fees += float(fill["fee"])
    assert fees == pytest.approx(EACH + RATE * (3 * 98.0 + 5 * 98.5 + 2 * 99.0))


def test_trades_that_lag_behind_their_order_are_waited_for_a_while(server: KiteServer, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=2000))
    heard(broker, 1)
    one = server.order()
    server.fill(one, 4, 98.0, told=False)
    server.fill(one, 6, 99.0, told=False)
    late = server.trades[one["order_id"]].pop()
    server.tell(one)
    assert [(int(f["lots"]), float(f["price"])) for f in heard(broker, 1)] == [(4, 98.0)]
    server.trades[one["order_id"]].append(late)
    assert [(int(f["lots"]), float(f["price"])) for f in heard(broker, 1)] == [(6, 99.0)]


@pytest.mark.slow
def test_a_trade_that_never_comes_is_booked_at_the_orders_average(server: KiteServer, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=2000))
    heard(broker, 1)
    one = server.order()
    server.fill(one, 4, 98.0, told=False)
    server.fill(one, 6, 99.0, told=False)
    server.trades[one["order_id"]].pop()
    server.tell(one)
    assert [(int(f["lots"]), round(float(f["price"]), 9)) for f in heard(broker, 2)] == [(4, 98.0), (6, 99.0)]


def test_legs_stand_as_one_gtt_once_the_entry_has_filled(server: KiteServer, broker: LineBroker) -> None:
    gtt = guarded(server, broker)
    assert (gtt["type"], gtt["condition"]["trigger_values"]) == ("two-leg", [95.0, 110.0])
    assert [(o["transaction_type"], o["quantity"], o["price"]) for o in gtt["orders"]] == [
        ("SELL", 10, 93.1), ("SELL", 10, 110.0),
    ]  # fmt: skip
    assert broker.standing().working["id"].tolist() == [2, 3]
    target = server.trigger(gtt, 1)
    assert target is not None
    server.fill(target, 10, 110.5)
    found = heard(broker, 2)
    assert sorted(kinds(found)) == [(FILL, 3), (CANCELLED, 2)]
    [fill] = found[found["kind"] == FILL]
    assert (fill["lots"], fill["price"], fill["side"]) == (10, 110.5, SELL)
    assert broker.standing().lots.tolist() == [0, 0]
    assert notices(broker) == []


def test_legs_grow_with_the_fills_of_their_entry(server: KiteServer, broker: LineBroker) -> None:
    send(broker, bracket())
    heard(broker, 1)
    server.fill(server.order(), 4, 99.0)
    found = heard(broker, 3)
    assert kinds(found)[0] == (FILL, 1)
    assert [int(r["lots"]) for r in found[1:]] == [4, 4]
    server.fill(server.order(), 6, 99.5)
    found = heard(broker, 3)
    assert sorted(kinds(found)) == [(FILL, 1), (REPLACED, 2), (REPLACED, 3)]
    [gtt] = server.gtts.values()
    assert [one["quantity"] for one in gtt["orders"]] == [10, 10]


def test_the_rest_of_an_entry_goes_with_its_first_leg(server: KiteServer, broker: LineBroker) -> None:
    send(broker, bracket())
    heard(broker, 1)
    server.fill(server.order(), 4, 99.0)
    heard(broker, 3)
    [gtt] = server.gtts.values()
    stop = server.trigger(gtt, 0)
    assert stop is not None
    until(lambda: server.order(0)["status"] == "CANCELLED")
    server.fill(stop, 4, 94.5)
    assert sorted(kinds(heard(broker, 3))) == [(FILL, 2), (CANCELLED, 1), (CANCELLED, 3)]
    assert broker.standing().lots.tolist() == [0, 0]
    assert notices(broker) == []


def test_a_leg_moves_with_its_gtt_and_one_alone_goes_on_standing(server: KiteServer, broker: LineBroker) -> None:
    guarded(server, broker)
    send(broker, asked(2, 10, SELL, kind=REPLACE, stop=1940, ts=5))
    [report] = heard(broker, 1)
    assert (report["kind"], report["id"], report["stop"]) == (REPLACED, 2, 1940)
    [gtt] = server.gtts.values()
    assert gtt["condition"]["trigger_values"] == [97.0, 110.0]
    send(broker, asked(3, 10, SELL, kind=CANCEL, ts=6))
    assert kinds(heard(broker, 1)) == [(CANCELLED, 3)]
    deleted, single = server.gtts.values()
    assert deleted["status"] == "deleted"
    assert (single["type"], single["condition"]["trigger_values"]) == ("single", [97.0])
    send(broker, asked(2, 10, SELL, kind=CANCEL, ts=7))
    assert kinds(heard(broker, 1)) == [(CANCELLED, 2)]
    assert {one["status"] for one in server.gtts.values()} == {"deleted"}
    assert notices(broker) == []


@pytest.mark.parametrize("how", ["lost", "done"])
def test_a_gtt_of_unknown_outcome_stands_once_before_the_desk_hears_of_the_fill(
    server: KiteServer, broker: LineBroker, how: str
) -> None:
    send(broker, bracket())
    heard(broker, 1)
    server.faults["POST /gtt"] = [(how, 504)]
    server.fill(server.order(), 10, 99.0)
    assert sorted(kinds(heard(broker, 3))) == [(ACCEPTED, 2), (ACCEPTED, 3), (FILL, 1)]
    assert len(server.gtts) == 1


def test_a_gtt_that_is_refused_halts_the_desk(server: KiteServer, broker: LineBroker) -> None:
    send(broker, bracket())
    heard(broker, 1)
    server.refuse = [(400, "InputException", "Trigger already met.")]
    server.fill(server.order(), 10, 99.0)
    assert kinds(heard(broker, 1)) == [(FILL, 1)]
    [trouble] = broker.incidents()
    assert (trouble.kind, trouble.fatal) == ("unprotected", True)
    assert "Trigger already met" in trouble.text


@pytest.mark.parametrize("why", ["the order fails", "the order ends", "it is deleted by hand"])
def test_legs_that_are_lost_halt_the_desk(server: KiteServer, broker: LineBroker, why: str) -> None:
    gtt = guarded(server, broker)
    if why == "the order fails":
        server.trigger(gtt, 0, fails="Insufficient holdings")
    elif why == "the order ends":
        order = server.trigger(gtt, 0)
        assert order is not None
        server.fill(order, 4, 94.0)
        server.end(order, "CANCELLED")
    else:
        gtt["status"] = "deleted"
    broker.keeper.doubt()
    until(lambda: (CANCELLED, 2) in kinds(broker.unheard(0)))
    assert [(trouble.kind, trouble.fatal) for trouble in broker.incidents()] == [("unprotected", True)]


def test_an_order_that_is_refused_is_told_so_at_once_or_by_its_status(server: KiteServer, broker: LineBroker) -> None:
    server.refuse = [(400, "MarginException", "Insufficient funds")]
    send(broker, asked(1, 10, limit=2000))
    assert kinds(heard(broker, 1)) == [(REJECTED, 1)]
    assert "Insufficient funds" in broker.incidents()[0].text
    send(broker, asked(4, 10, limit=2000))
    server.end(server.order(), "REJECTED", "RMS: blocked for T2T")
    until(lambda: (REJECTED, 4) in kinds(broker.unheard(0)) or (CANCELLED, 4) in kinds(broker.unheard(0)))
    assert "blocked for T2T" in broker.incidents()[0].text


def test_a_cancel_and_a_replacement_are_done_and_reported(server: KiteServer, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=2000))
    heard(broker, 1)
    send(broker, asked(1, 12, kind=REPLACE, limit=1980, ts=5))
    [report] = heard(broker, 1)
    assert (report["kind"], report["lots"], report["limit"]) == (REPLACED, 12, 1980)
    server.fill(server.order(), 5, 99.0)
    heard(broker, 1)
    send(broker, asked(1, 12, kind=CANCEL, ts=6))
    assert kinds(heard(broker, 1)) == [(CANCELLED, 1)]
    assert len(server.orders) == 1
    assert broker.knows("test-1-cancel-6")


def test_a_replacement_that_is_refused_leaves_the_order_working(server: KiteServer, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=2000))
    heard(broker, 1)
    server.refuse = [(400, "MarginException", "Insufficient funds")]
    send(broker, asked(1, 1000, kind=REPLACE, limit=2000, ts=5))
    assert kinds(heard(broker, 1)) == [(REJECTED, 1)]
    server.fill(server.order(), 10, 99.0)
    assert kinds(heard(broker, 1)) == [(FILL, 1)]


def test_a_cancel_that_comes_too_late_leaves_the_fill(server: KiteServer, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=2000))
    heard(broker, 1)
    server.fill(server.order(), 10, 99.0, told=False)
    send(broker, asked(1, 10, kind=CANCEL, ts=5))
    assert kinds(heard(broker, 1)) == [(FILL, 1)]


@pytest.mark.parametrize("how", [("done", 504), ("done", 500), ("cut", 0)], ids=["504", "500", "cut"])
def test_an_order_that_arrived_though_its_answer_did_not_is_one_order(
    server: KiteServer, broker: LineBroker, how: tuple[str, int]
) -> None:
    server.faults[POST] = [how]
    send(broker, asked(1, 10, limit=2000))
    assert kinds(heard(broker, 1)) == [(ACCEPTED, 1)]
    until(lambda: broker.health().unknown == 0)
    assert len(server.orders) == 1
    assert notices(broker) == ["unknown"]


def test_an_entry_that_was_lost_is_given_up_and_an_exit_is_sent_again_under_its_tag(
    server: KiteServer, broker: LineBroker
) -> None:
    server.faults[POST] = [("lost", 502), ("lost", 502)]
    send(broker, asked(1, 10, limit=2000), asked(4, 10, SELL, leg=EXIT))
    found = kinds(heard(broker, 2))
    assert sorted(found) == [(ACCEPTED, 4), (REJECTED, 1)]
    assert [name_of(one["tag"], SESSION) for one in server.orders.values()] == ["test-4"]


def test_an_order_beyond_the_rate_limit_waits_and_is_sent(server: KiteServer, broker: LineBroker) -> None:
    server.faults[POST] = [("lost", 429)]
    send(broker, asked(1, 10, limit=2000))
    assert kinds(heard(broker, 1)) == [(ACCEPTED, 1)]
    assert len(server.orders) == 1


def test_more_orders_than_a_second_takes_hold_nobody_up_and_all_arrive_exits_first(server: KiteServer) -> None:
    with connected(server, patience=QUICK._replace(hold=0.1, settle=10.0)) as broker:
        entries = [asked(1 + 3 * k, 10 + k, limit=2000) for k in range(9)]
        begun = time.monotonic()
        send(broker, *entries, asked(31, 5, SELL, leg=EXIT), asked(1, 20, kind=CANCEL, ts=5))
        assert time.monotonic() - begun < 1.5  # at three a second they take three
        until(lambda: len(server.orders) == 9)
        names = [name_of(one["tag"], SESSION) for one in server.orders.values()]
        assert names[:2] == ["test-31", "test-25"]  # the exit, then the largest
        assert (CANCELLED, 1) in kinds(heard(broker, 10))  # taken back before it was sent
        assert broker.incidents() == []


def test_fills_that_were_missed_while_away_are_caught_up(server: KiteServer, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=2000), asked(4, 5, limit=1900))
    heard(broker, 2)
    server.quiet = True
    server.drop()
    server.fill(server.orders["261120000000001"], 4, 98.0)
    server.fill(server.orders["261120000000001"], 6, 98.5)
    server.end(server.orders["261120000000002"], "CANCELLED")
    found = heard(broker, 3)
    assert sorted(kinds(found)) == [(FILL, 1), (FILL, 1), (CANCELLED, 4)]
    assert [(f["lots"], f["price"]) for f in found[found["kind"] == FILL]] == [(4, 98.0), (6, 98.5)]
    until(lambda: server.connections >= 2)
    until(lambda: "connected" in notices(broker))


def test_a_websocket_that_falls_silent_is_connected_anew(server: KiteServer) -> None:
    with connected(server, silence=0.4) as broker:
        server.beats_no_more = True
        until(lambda: server.connections >= 2)
        server.beats_no_more = False
        until(lambda: broker.health().connected)


def test_updates_said_twice_book_nothing_twice(server: KiteServer, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=2000))
    heard(broker, 1)
    server.fill(server.order(), 10, 99.0)
    for _ in range(4):
        server.tell(server.order())
    heard(broker, 1)
    before = broker.heard
    server.tell(server.order())
    until(lambda: broker.heard > before)
    assert broker.keeper.settled(5.0)
    assert len(broker.unheard(0)) == 0


def test_a_desk_that_was_away_hears_all_that_happened(server: KiteServer) -> None:
    with connected(server) as broker:
        send(broker, bracket(), asked(4, 7, limit=1800))
        heard(broker, 2)
        server.fill(server.order(0), 4, 98.0)
        heard(broker, 3)
    server.fill(server.order(0), 6, 98.5, told=False)
    with connected(server) as broker:
        leg = {"side": SELL, "group": 1, "reduce": 1}
        records = np.concatenate([
            working(1, 10, order=2, limit=2000, filled=4, paid=4 * 98.0, stop_leg=1900, target_leg=2200),
            working(2, 4, order=3, stop=1900, leg=3, **leg), working(3, 4, order=2, limit=2200, leg=4, **leg),
            working(4, 7, order=2, limit=1800),
        ])  # fmt: skip
        assert broker.knows("test-1")
        assert not broker.knows("test-7")
        found = broker.catch_up(records)
        assert sorted(kinds(found)) == [(FILL, 1), (REPLACED, 2), (REPLACED, 3)]
        assert [(int(f["lots"]), float(f["price"])) for f in found[found["kind"] == FILL]] == [(6, 98.5)]
        assert [one["orders"][0]["quantity"] for one in server.gtts.values()] == [10]
        assert broker.standing().working["id"].tolist() == [2, 3, 4]


def test_an_entry_that_filled_while_the_desk_was_dead_is_armed_before_it_is_told(server: KiteServer) -> None:
    with connected(server) as broker:
        send(broker, bracket())
        heard(broker, 1)
    server.fill(server.order(), 10, 98.5, told=False)
    assert server.gtts == {}
    with connected(server) as broker:
        entry = working(1, 10, order=2, limit=2000, stop_leg=1900, target_leg=2200)
        assert sorted(kinds(broker.catch_up(entry))) == [(ACCEPTED, 2), (ACCEPTED, 3), (FILL, 1)]
        assert len(server.gtts) == 1


@pytest.mark.slow
def test_the_day_after_orders_have_lapsed_and_legs_stand_on(server: KiteServer) -> None:
    clock = [int(server.now.timestamp()) * 10**9]
    with connected(server) as broker:
        clock = [broker.line.clock()]  # type: ignore[attr-defined]
        guarded(server, broker)
        send(broker, asked(4, 7, limit=1800))
        heard(broker, 1)
    yesterday(server)
    clock[0] += 86_400 * 10**9
    with connected(server, clock=lambda: clock[0]) as broker:
        placed = clock[0] - 86_400 * 10**9
        leg = {"side": SELL, "group": 1, "reduce": 1, "placed": placed}
        records = np.concatenate([
            working(2, 10, order=3, stop=1900, leg=3, **leg), working(3, 10, order=2, limit=2200, leg=4, **leg),
            working(4, 7, order=2, limit=1800, placed=placed),
        ])  # fmt: skip
        assert kinds(broker.catch_up(records)) == [(EXPIRED, 4)]
        assert broker.standing().working["id"].tolist() == [2, 3]
        assert broker.standing().lots.tolist() == [10, 0]
        [gtt] = server.gtts.values()
        stop = server.trigger(gtt, 0)
        assert stop is not None
        server.fill(stop, 10, 94.5)
        assert sorted(kinds(heard(broker, 2))) == [(FILL, 2), (CANCELLED, 3)]
        assert notices(broker) == []


def test_a_token_that_dies_while_trading_halts_the_desk_and_names_the_cure(
    server: KiteServer, broker: LineBroker
) -> None:
    server.token = "tomorrow's"
    send(broker, asked(1, 10, limit=2000))
    assert kinds(heard(broker, 1)) == [(REJECTED, 1)]
    fatal = [trouble.text for trouble in broker.incidents() if trouble.fatal]
    assert len(fatal) == 1
    assert "dies every morning" in fatal[0]
    server.drop()
    until(lambda: broker.line.updates.fatal is not None)  # type: ignore[attr-defined]


def test_a_dead_token_is_said_at_the_start(server: KiteServer) -> None:
    server.token = "another"
    with pytest.raises(BrokerError, match=r"dies every morning.*connect/login"), connected(server):
        pass


@pytest.mark.parametrize(
    ("symbol", "instrument", "said"),
    [("ZZZ", TICK, "ZZZ is not traded on NSE"), ("AAA", Instrument(tick=0.01), r"tick=0\.05"),
     ("FUT", Instrument(tick=0.05), r"Instrument\(lot=50\)")],
    ids=["no share", "another tick", "another lot"],
)  # fmt: skip
def test_what_will_never_work_is_said_at_the_start(
    server: KiteServer, symbol: str, instrument: Instrument, said: str
) -> None:
    with pytest.raises(BrokerError, match=said), connected(server, (symbol,), instruments=instrument):
        pass


def test_the_operator_reads_at_the_start_what_is_not_guarded(server: KiteServer) -> None:
    kite = Kite("key", "token", root=server.root, ticker=server.ticker)
    broker = zerodha_broker(kite, SESSION, ("AAA",), instrument_records(("AAA",), TICK), patience=QUICK)
    try:
        broker.begin()
        told = [trouble.text for trouble in broker.incidents()]
        assert any("until then its position has no stop" in text for text in told)
        assert any("end with the day" in text for text in told)
    finally:
        broker.close()


def test_what_kite_has_no_order_for_never_leaves(server: KiteServer) -> None:
    with connected(server, product=MIS) as broker:
        wishes = asked(4, 10, limit=2000), asked(7, 10, leg=EXIT)
        wishes[0]["stop_fraction"] = 0.05
        wishes[1]["group"] = -3
        send(broker, bracket(), *wishes)
        assert kinds(broker.reports(0, np.empty(0))) == [(REJECTED, 1), (REJECTED, 4), (REJECTED, 7)]
        assert server.orders == {}


def test_an_order_of_someone_else_is_told_and_kept_apart(server: KiteServer, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=2000))
    heard(broker, 1)
    server.orders["hand"] = server.order() | {"order_id": "hand", "tag": None}
    broker.keeper.doubt()
    until(lambda: broker.keeper.settled(1.0))
    assert sorted(broker.standing().working["id"].tolist()) == [0, 1]
    assert notices(broker) == ["foreign"]


def test_the_last_resort_leaves_the_sessions_positions_and_no_others(server: KiteServer) -> None:
    with connected(server, ("AAA",)) as broker:
        server.held = {"AAA": 5, "CCC": 100}
        gtt = guarded(server, broker)
        send(broker, asked(7, 10, limit=1800))
        heard(broker, 1)
        broker.close_all()
        assert gtt["status"] == "deleted"
        assert server.order(1)["status"] == "CANCELLED"
        out = server.order()
        assert (out["tradingsymbol"], out["transaction_type"], out["order_type"], out["quantity"]) == (
            "AAA", "SELL", "MARKET", 15,
        )  # fmt: skip
        assert not any(one["tradingsymbol"] == "CCC" for one in server.orders.values())


def test_a_login_gives_the_token_of_the_day_or_says_where_to_log_in(server: KiteServer) -> None:
    assert logged_in("key", "secret", "request", server.root) == "token"
    with pytest.raises(BrokerError, match=r"good once.*connect/login"):
        logged_in("key", "secret", "used before", server.root)


def test_a_login_hides_its_secrets() -> None:
    text = repr(Kite("abcdefgh", "secret"))
    assert "secret" not in text
    assert "efgh" not in text
