"""Interactive Brokers: the real client's socket against a TWS of loopback, through everything that goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from live.brokers.extras import extra
from live.brokers.ibkr import ibkr_broker
from live.brokers.ibkr_orders import Gateway
from live.brokers.line_broker import LineBroker
from live.errors import BrokerError, ConfigError
from live.words import tickets
from quantlib.desk.memory import Instrument, instrument_records
from quantlib.desk.messages import (
    ACCEPTED,
    CANCEL,
    CANCELLED,
    CARRY,
    DAY,
    EXIT,
    EXPIRED,
    FILL,
    ORDER,
    REJECTED,
    REPLACE,
    REPLACED,
    SELL,
    SENT,
    WORKING,
)
from tests.live.brokers.driving import QUICK, asked, until
from tests.live.brokers.tws import ACCOUNT, Tws

SYMBOLS = ("AAA", "BBB")
CONTRACTS = {"AAA": 101, "BBB": 102}
SESSION = "test"


@contextmanager
def connected(tws: Tws, symbols: tuple[str, ...] = SYMBOLS, **more: Any) -> Iterator[LineBroker]:
    """A broker that has begun."""
    options = {"patience": QUICK, "answer": 1.0} | more
    gateway = options.pop("gateway", Gateway(port=tws.port))
    records = instrument_records(symbols, options.pop("instruments", None))
    broker = ibkr_broker(gateway, SESSION, symbols, records, **options)
    try:
        broker.begin()
        assert broker.keeper.settled(5.0)
        yield broker
    finally:
        broker.close()


@pytest.fixture
def tws() -> Iterator[Tws]:
    with Tws(CONTRACTS) as one:
        yield one


@pytest.fixture
def broker(tws: Tws) -> Iterator[LineBroker]:
    with connected(tws) as one:
        yield one


@pytest.fixture(autouse=True)
def understood(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The client's decoder understood every message of the loopback."""
    yield
    assert not [r for r in caplog.records if r.name == "ib_async.Decoder"]


def send(broker: LineBroker, *commands: Any) -> None:
    together = np.concatenate(commands)
    broker.submit(tickets(SESSION, together), together, 0)


def heard(broker: LineBroker, count: int) -> Any:
    """So many reports, when they are there."""
    until(lambda: len(broker.unheard(0)) >= count, f"{count} reports")
    return broker.reports(0, np.empty(0))


def kinds(reports: Any) -> list[tuple[int, int]]:
    return [(int(one["kind"]), int(one["id"])) for one in reports]


def working(id: int, lots: int, status: int = WORKING, **more: Any) -> Any:
    """A record of an order that the desk believes to work."""
    record = np.zeros(1, ORDER)
    given = {"id": id, "lots": lots, "side": 1, "order": 1, "tif": 2, "leg": 1, "status": status} | more
    for name, value in given.items():
        record[name] = value
    return record


@pytest.mark.parametrize(
    ("prices", "spelled"),
    [({}, ("MKT", "", "")), ({"limit": 9950}, ("LMT", "99.5", "")), ({"stop": 10100}, ("STP", "", "101")),
     ({"limit": 10200, "stop": 10100}, ("STP LMT", "102", "101"))],
    ids=["market", "limit", "stop", "stop limit"],
)  # fmt: skip
def test_an_order_arrives_as_it_was_asked_and_fills_with_its_fee(
    tws: Tws, broker: LineBroker, prices: dict[str, int], spelled: tuple[str, str, str]
) -> None:
    send(broker, asked(1, 10, **prices))
    assert kinds(heard(broker, 1)) == [(ACCEPTED, 1)]
    one = tws.order("test-1")
    assert (one.kind, one.limit.removesuffix(".0"), one.stop.removesuffix(".0")) == spelled
    assert (one.action, one.quantity, one.account, one.tif) == ("BUY", 10.0, ACCOUNT, "GTC")
    tws.fill("test-1", 10, 99.25, fee=1.05)
    [fill] = heard(broker, 1)
    assert (fill["kind"], fill["lots"], fill["price"], fill["fee"]) == (FILL, 10, 99.25, 1.05)
    assert broker.standing().lots.tolist() == [10, 0]
    assert broker.standing().cash == 1e6 - 992.5 - 1.05
    assert broker.incidents() == []


def test_parts_of_a_fill_are_booked_each_at_its_own_price(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900, tif=DAY))
    heard(broker, 1)
    assert tws.order("test-1").tif == "DAY"
    for units, price in ((3, 98.0), (5, 98.5), (2, 99.0)):
        tws.fill("test-1", units, price, fee=0.35)
    fills = heard(broker, 3)
    assert [(f["lots"], f["price"], f["fee"]) for f in fills] == [(3, 98.0, 0.35), (5, 98.5, 0.35), (2, 99.0, 0.35)]


def test_a_brackets_legs_are_sent_with_it_and_one_cancels_the_other(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900, stop_leg=9500, target_leg=11000))
    assert kinds(heard(broker, 1)) == [(ACCEPTED, 1)]
    entry, stop, target = (tws.order(f"test-{id}") for id in (1, 2, 3))
    assert (stop.kind, float(stop.stop), stop.action, stop.parent) == ("STP", 95.0, "SELL", entry.number)
    assert (target.kind, float(target.limit), target.parent) == ("LMT", 110.0, entry.number)
    assert stop.group == target.group == "test-1-legs"
    assert stop.group_type == "2"  # what fills of one is taken off the other
    tws.fill("test-1", 10, 98.0)
    found = heard(broker, 3)
    assert kinds(found) == [(FILL, 1), (ACCEPTED, 2), (ACCEPTED, 3)]
    assert [(int(r["group"]), int(r["limit"]), int(r["stop"])) for r in found[1:]] == [(1, 0, 9500), (1, 11000, 0)]
    tws.fill("test-3", 10, 110.0)
    assert sorted(kinds(heard(broker, 2))) == [(FILL, 3), (CANCELLED, 2)]
    assert broker.standing().lots.tolist() == [0, 0]


def test_a_bracket_with_a_leg_that_is_refused_goes_as_a_whole(tws: Tws, broker: LineBroker) -> None:
    tws.reject["STP"] = (201, "Order rejected - reason: the stop price is not valid")
    send(broker, asked(1, 10, limit=9900, stop_leg=9500))
    assert kinds(heard(broker, 1)) == [(REJECTED, 1)]
    until(lambda: tws.order("test-1").status == "Cancelled")
    assert "stop price" in broker.incidents()[0].text


@pytest.mark.parametrize("code", [110, 200, 201, 203])
def test_an_order_that_is_refused_is_told_so(tws: Tws, broker: LineBroker, code: int) -> None:
    tws.reject["*"] = (code, "the reason")
    send(broker, asked(1, 10, limit=9900))
    assert kinds(heard(broker, 1)) == [(REJECTED, 1)]
    assert f"{code} the reason" in broker.incidents()[0].text
    assert broker.standing().working.size == 0


@pytest.mark.parametrize("code", [399, 2109, 2161])
def test_a_notice_about_an_order_changes_nothing(tws: Tws, broker: LineBroker, code: int) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    tws.error(tws.order("test-1").number, code, "Your order will not be placed at the exchange until 09:30")
    tws.fill("test-1", 10, 99.0)
    assert kinds(heard(broker, 1)) == [(FILL, 1)]
    assert broker.incidents() == []


def test_a_cancel_is_done_once_and_reported_once(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    send(broker, asked(1, 10, kind=CANCEL, ts=5))
    assert kinds(heard(broker, 1)) == [(CANCELLED, 1)]
    assert broker.knows("test-1-cancel-5")


def test_a_cancel_that_comes_too_late_leaves_the_fill(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    tws.fill("test-1", 10, 99.0, told=False)
    send(broker, asked(1, 10, kind=CANCEL, ts=5))
    until(lambda: (FILL, 1) in kinds(broker.unheard(0)))
    until(lambda: broker.keeper.settled(1.0))
    assert [one for one in kinds(broker.reports(0, np.empty(0))) if one[0] != REJECTED] == [(FILL, 1)]


def test_a_replacement_keeps_its_order_and_is_reported(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    send(broker, asked(1, 12, kind=REPLACE, limit=9850, ts=5))
    [report] = heard(broker, 1)
    assert (report["kind"], report["lots"], report["limit"]) == (REPLACED, 12, 9850)
    assert len(tws.orders) == 1
    tws.fill("test-1", 5, 98.5)
    heard(broker, 1)
    send(broker, asked(1, 20, kind=REPLACE, limit=9800, ts=6))  # filled in part: lots are of the whole
    [report] = heard(broker, 1)
    assert (report["kind"], report["lots"], tws.order("test-1").quantity) == (REPLACED, 20, 20.0)
    tws.fill("test-1", 15, 98.0)
    assert kinds(heard(broker, 1)) == [(FILL, 1)]


def test_a_leg_is_moved_without_losing_its_bracket(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900, stop_leg=9500, target_leg=11000))
    heard(broker, 1)
    tws.fill("test-1", 10, 98.0)
    heard(broker, 3)
    send(broker, asked(2, 10, SELL, kind=REPLACE, stop=9700, ts=5))
    [report] = heard(broker, 1)
    assert (report["kind"], report["id"], report["stop"]) == (REPLACED, 2, 9700)
    moved = [f for f in tws.received if f[0] == "3" and f[26] == "test-2"][-1]
    assert (moved[28], moved[22], moved[27]) == (str(tws.order("test-1").number), "test-1-legs", "1")


def test_a_replacement_that_is_refused_leaves_the_order_working(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    tws.reject_changes = 201, "margin"
    send(broker, asked(1, 1000, kind=REPLACE, limit=9900, ts=5))
    assert kinds(heard(broker, 1)) == [(REJECTED, 1)]
    tws.fill("test-1", 10, 99.0)
    assert kinds(heard(broker, 1)) == [(FILL, 1)]


def test_words_said_twice_or_again_book_nothing_twice(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    tws.fill("test-1", 4, 98.0)
    one = tws.order("test-1")
    for _ in range(3):
        tws.tell_open(one)
        tws.tell_execution(one, one.executions[0])
        tws.tell_status(one)
    tws.fill("test-1", 6, 98.5)
    assert [(int(f["lots"]), float(f["price"])) for f in heard(broker, 2)] == [(4, 98.0), (6, 98.5)]
    assert broker.standing().lots.tolist() == [10, 0]
    assert len(broker.unheard(0)) == 0


def test_a_commission_that_is_late_is_charged_by_itself(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    tws.late_fees = True
    exec_id = tws.fill("test-1", 10, 98.0, fee=1.25)
    [fill] = heard(broker, 1)
    assert (fill["kind"], fill["fee"]) == (FILL, 0.0)
    for _ in range(2):
        tws.tell_fee(tws.order("test-1"), exec_id)
    [charge] = heard(broker, 1)
    assert (charge["kind"], charge["fee"]) == (CARRY, 1.25)
    assert len(broker.unheard(0)) == 0


def test_an_execution_that_is_corrected_halts_the_desk(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    exec_id = tws.fill("test-1", 10, 98.0)
    heard(broker, 1)
    tws.tell_execution(tws.order("test-1"), [exec_id[:-2] + "02", 10, 97.0, 10.0], fee=False)
    until(lambda: any(trouble.kind == "bust" and trouble.fatal for trouble in broker.incidents()))
    assert len(broker.unheard(0)) == 0


def test_fills_that_were_missed_while_away_are_caught_up(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900), asked(4, 5, limit=9800))
    heard(broker, 2)
    tws.drop()
    tws.fill("test-1", 4, 98.0, fee=0.35, told=False)
    tws.fill("test-1", 6, 98.5, fee=0.65, told=False)
    tws.end("test-4", told=False)
    found = heard(broker, 3)
    assert sorted(kinds(found)) == [(FILL, 1), (FILL, 1), (CANCELLED, 4)]
    fills = found[found["kind"] == FILL]
    assert [(f["lots"], f["price"], f["fee"]) for f in fills] == [(4, 98.0, 0.35), (6, 98.5, 0.65)]
    until(lambda: tws.connections == 2)
    assert [trouble.kind for trouble in broker.incidents()] == ["lost", "connected"]


def test_fills_whose_executions_tws_has_forgotten_are_booked_at_their_average(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    tws.drop()
    one = tws.order("test-1")
    tws.fill("test-1", 2, 98.0, told=False)
    tws.fill("test-1", 2, 98.5, told=False)
    one.executions.clear()
    [fill] = heard(broker, 1)
    assert (fill["lots"], fill["price"], fill["fee"]) == (4, 98.25, 0.0)
    tws.fill("test-1", 6, 99.0)
    assert [(int(f["lots"]), float(f["price"])) for f in heard(broker, 1)] == [(6, 99.0)]


def test_when_tws_loses_its_own_line_orders_wait_until_it_is_back(tws: Tws, broker: LineBroker) -> None:
    tws.error(-1, 1100, "Connectivity between IB and TWS has been lost")
    until(lambda: not broker.health().connected)
    send(broker, asked(1, 10, limit=9900))
    assert tws.orders == []
    tws.error(-1, 1102, "Connectivity has been restored - data maintained")
    assert kinds(heard(broker, 1)) == [(ACCEPTED, 1)]
    assert [one.ref for one in tws.orders] == ["test-1"]


def test_an_order_of_which_nothing_is_heard_is_looked_up(tws: Tws) -> None:
    with connected(tws, answer=0.3) as broker:
        tws.silent = True
        send(broker, asked(1, 10, limit=9900))
        assert broker.health().unknown == 1
        assert kinds(heard(broker, 1)) == [(ACCEPTED, 1)]
        until(lambda: broker.health().unknown == 0)
        assert len(tws.orders) == 1


def test_an_entry_that_was_lost_is_given_up_and_an_exit_is_sent_again_under_its_number(tws: Tws) -> None:
    with connected(tws, answer=0.3) as broker:
        tws.deaf = True
        send(broker, asked(1, 10, limit=9900), asked(4, 10, SELL, leg=EXIT))
        assert kinds(heard(broker, 1)) == [(REJECTED, 1)]
        tws.deaf = False
        assert (ACCEPTED, 4) in kinds(heard(broker, 1))
        assert [one.ref for one in tws.orders] == ["test-4"]
        numbers = {f[1] for f in tws.received if f[0] == "3" and f[26] == "test-4"}
        assert len(numbers) == 1


def test_a_desk_that_was_away_hears_all_that_happened(tws: Tws) -> None:
    with connected(tws) as broker:
        send(broker, asked(1, 10, limit=9900, stop_leg=9500, target_leg=11000), asked(4, 7, limit=9000))
        heard(broker, 2)
        tws.fill("test-1", 4, 98.0, fee=0.4)
        heard(broker, 3)
    tws.fill("test-1", 6, 98.5, fee=0.6, told=False)
    tws.fill("test-3", 10, 110.0, fee=1.0, told=False)
    with connected(tws) as broker:
        leg = {"side": SELL, "group": 1, "reduce": 1}
        records = np.concatenate([
            working(1, 10, order=2, limit=9900, filled=4, paid=4 * 98.0, stop_leg=9500, target_leg=11000),
            working(2, 10, order=3, stop=9500, leg=3, **leg), working(3, 10, order=2, limit=11000, leg=4, **leg),
            working(4, 7, order=2, limit=9000), working(7, 3, SENT),
        ])  # fmt: skip
        assert broker.knows("test-1")
        assert not broker.knows("test-7")
        found = broker.catch_up(records)
        fills = {
            int(f["id"]): (int(f["lots"]), float(f["price"]), float(f["fee"])) for f in found[found["kind"] == FILL]
        }
        assert fills == {1: (6, 98.5, 0.6), 3: (10, 110.0, 1.0)}
        assert {one for one in kinds(found) if one[0] != FILL} == {(REJECTED, 7), (CANCELLED, 2)}
        assert broker.standing().working["id"].tolist() == [4]
        assert broker.standing().lots.tolist() == [0, 0]
        send(broker, asked(4, 7, kind=CANCEL, ts=9))
        assert kinds(heard(broker, 1)) == [(CANCELLED, 4)]


def test_a_change_that_was_sent_again_before_the_desk_was_caught_up_is_done_after_it(tws: Tws) -> None:
    with connected(tws) as broker:
        send(broker, asked(1, 10, limit=9900))
        heard(broker, 1)
    with connected(tws) as broker:
        assert not broker.knows("test-1-cancel-5")
        send(broker, asked(1, 10, kind=CANCEL, ts=5))
        broker.catch_up(working(1, 10, order=2, limit=9900))
        until(lambda: tws.order("test-1").status == "Cancelled")


def test_an_order_of_yesterdays_day_has_expired_and_one_for_good_is_missing(tws: Tws) -> None:
    now = 1_795_185_000_000_000_000
    with connected(tws, clock=lambda: now) as broker:
        yesterday = now - 86_400_000_000_000
        records = np.concatenate([
            working(1, 10, order=2, limit=9900, tif=DAY, placed=yesterday),
            working(4, 10, order=2, limit=9900, placed=yesterday),
        ])  # fmt: skip
        assert kinds(broker.catch_up(records)) == [(EXPIRED, 1), (CANCELLED, 4)]
        assert ("missing", True) in [(trouble.kind, trouble.fatal) for trouble in broker.incidents()]


def test_an_order_of_someone_else_is_told_and_kept_apart(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10, limit=9900))
    heard(broker, 1)
    other = tws.order("test-1")
    tws.orders.append(type(other)(**{**vars(other), "number": 77, "perm": 77, "ref": "hand"}))
    broker.keeper.doubt()
    until(lambda: broker.keeper.settled(1.0))
    assert sorted(broker.standing().working["id"].tolist()) == [0, 1]
    assert [trouble.kind for trouble in broker.incidents()] == ["foreign"]


def test_the_last_resort_takes_back_all_orders_and_leaves_all_positions(tws: Tws, broker: LineBroker) -> None:
    send(broker, asked(1, 10), asked(4, 10, limit=9000))
    heard(broker, 2)
    tws.fill("test-1", 10, 100.0)
    heard(broker, 1)
    broker.close_all()
    until(lambda: any(one.ref == "closing" for one in tws.orders))
    out = tws.order("closing")
    assert (out.action, out.kind, out.quantity, out.symbol) == ("SELL", "MKT", 10.0, "AAA")
    assert tws.order("test-4").status == "Cancelled"


def test_what_tws_has_no_order_for_never_leaves(tws: Tws, broker: LineBroker) -> None:
    wishes = asked(1, 10), asked(4, 10, limit=9900)
    wishes[0]["stop_fraction"] = 0.05
    wishes[1]["lots"] = 0
    send(broker, *wishes)
    assert kinds(broker.reports(0, np.empty(0))) == [(REJECTED, 1), (REJECTED, 4)]
    assert tws.orders == []


@pytest.mark.parametrize(
    ("accounts", "symbol", "instrument", "said"),
    [("U7654321", "AAA", Instrument(), "trades real money"), ("DU1,DU2", "AAA", Instrument(), "which account"),
     (ACCOUNT, "ZZZ", Instrument(), "no stock ZZZ"), (ACCOUNT, "AAA", Instrument(tick=0.005), r"tick=0\.01")],
    ids=["real money", "two accounts", "no stock", "another tick"],
)  # fmt: skip
def test_what_will_never_work_is_said_at_the_start(
    accounts: str, symbol: str, instrument: Instrument, said: str
) -> None:
    with Tws({"AAA": 101}, accounts=accounts) as tws:
        records = instrument_records((symbol,), instrument)
        broker = ibkr_broker(Gateway(port=tws.port), SESSION, (symbol,), records, patience=QUICK, answer=1.0)
        with pytest.raises(BrokerError, match=said):
            broker.begin()


def test_a_tws_that_is_not_there_is_said_at_the_start() -> None:
    with Tws({"AAA": 101}) as tws:
        port = tws.port
    records, quick = instrument_records(("AAA",), None), QUICK._replace(begin=0.3)
    broker = ibkr_broker(Gateway(port=port), SESSION, ("AAA",), records, patience=quick)
    with pytest.raises(BrokerError, match="no TWS or IB Gateway answered"):
        broker.begin()


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ib_async", None)
    with pytest.raises(ConfigError, match=r"quantlib-parity\[ibkr\]"):
        extra("ib_async", "ibkr")
