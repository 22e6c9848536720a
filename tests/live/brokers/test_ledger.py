"""What the ledger makes of single words of the broker."""

from __future__ import annotations

from typing import Any

import pytest

from live.brokers.ledger import Ledger
from live.brokers.orders import instant, listings
from live.brokers.tracked import REPLACEMENT
from quantlib.desk.memory import instrument_records
from quantlib.desk.messages import ACCEPTED, CANCELLED, FILL, REJECTED, REPLACED, SELL
from tests.live.brokers.driving import asked

SYMBOLS = ("AAA",)


def ledger() -> Ledger:
    return Ledger("s", listings(SYMBOLS, instrument_records(SYMBOLS, None)))


def order(id: str, name: str, status: str = "new", at: int = 1, **more: Any) -> dict[str, Any]:
    """An order as the broker shows it; `at` is when, in seconds."""
    blank = {"symbol": "AAA", "side": "buy", "qty": "10", "filled_qty": "0", "filled_avg_price": None, "legs": None}
    moments = {"submitted_at": instant(10**9), "updated_at": instant(at * 10**9)}
    return blank | moments | {"id": id, "client_order_id": name, "status": status} | more


def update(event: str, told: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"event": event, "order": told, "timestamp": told["updated_at"]} | more


def filled(told: dict[str, Any], lots: int, price: str) -> dict[str, Any]:
    whole = "fill" if told["status"] == "filled" else "partial_fill"
    return update(whole, told, qty=str(lots), price=price)


def kinds(one: Ledger) -> list[tuple[int, int]]:
    return [(int(r["kind"]), int(r["id"])) for r in one.take()]


def bracket(one: Ledger) -> dict[str, Any]:
    """A bracket that was sent, and the answer that has not come yet."""
    one.sent("s-1", asked(1, 10, stop_leg=9000, target_leg=11000)[0])
    stop = order("b2", "x2", "held", side="sell", type="stop", stop_price="90")
    target = order("b3", "x3", "held", side="sell", type="limit", limit_price="110")
    return order("b1", "s-1", "pending_new", legs=[target, stop])


def stop_leg(status: str, at: int = 2) -> dict[str, Any]:
    return order("b2", "x2", status, at, side="sell", type="stop", stop_price="90")


def test_a_leg_that_is_told_of_before_its_entrys_answer_is_asked_about_and_understood_later() -> None:
    one = ledger()
    answer = bracket(one)
    one.hear(update("canceled", stop_leg("canceled", 4)))
    assert one.wanted == {1}
    assert kinds(one) == []
    one.see(
        answer | {"status": "filled", "filled_qty": "10", "filled_avg_price": "100", "updated_at": instant(3 * 10**9)}
    )
    assert kinds(one) == [(ACCEPTED, 1), (FILL, 1), (ACCEPTED, 2), (ACCEPTED, 3), (CANCELLED, 2)]


def test_a_leg_that_works_before_any_fill_of_its_entry_was_heard_waits_for_it() -> None:
    one = ledger()
    one.see(bracket(one))
    one.hear(update("canceled", stop_leg("canceled")))
    assert kinds(one) == []
    assert one.wanted == {1}
    one.see(order("b1", "s-1", "filled", 2, filled_qty="10", filled_avg_price="100"))
    assert kinds(one) == [(ACCEPTED, 1), (FILL, 1), (ACCEPTED, 2), (ACCEPTED, 3), (CANCELLED, 2)]


@pytest.mark.parametrize(("ahead", "ours"), [(0, True), (600, True), (90_000, False)])
def test_an_order_is_known_by_its_name_though_our_clock_is_minutes_ahead_and_one_of_another_day_is_not(
    ahead: int, ours: bool
) -> None:
    one = ledger()
    one.sent("s-1", asked(1, 10, ts=(1 + ahead) * 10**9)[0])
    one.see(order("b1", "s-1", "filled", 2, filled_qty="10", filled_avg_price="100"))
    assert kinds(one) == ([(ACCEPTED, 1), (FILL, 1)] if ours else [])


def test_legs_of_an_entry_that_never_filled_are_never_told() -> None:
    one = ledger()
    one.see(bracket(one))
    one.hear(update("canceled", order("b1", "s-1", "canceled", 2)))
    one.hear(update("canceled", stop_leg("canceled") | {"qty": "7"}))
    assert kinds(one) == [(CANCELLED, 1)]


def test_an_order_that_came_after_it_was_given_up_is_a_stray_and_its_fill_is_fatal() -> None:
    one = ledger()
    given_up = one.sent("s-1", asked(1, 10)[0])
    one.refuse(given_up, 5, 0, "it never arrived")
    one.hear(update("new", order("b1", "s-1")))
    one.hear(update("new", order("b1", "s-1")))
    assert list(one.strays) == ["b1"]
    one.hear(filled(order("b1", "s-1", "partially_filled", 2, filled_qty="4", filled_avg_price="99"), 4, "99"))
    assert kinds(one) == [(REJECTED, 1)]
    assert [t.kind for t in one.incidents if t.fatal] == ["late fill"]


def test_a_status_that_no_one_knows_is_asked_about_and_its_fills_are_booked() -> None:
    one = ledger()
    one.sent("s-1", asked(1, 10)[0])
    one.hear(filled(order("b1", "s-1", "novel", 2, filled_qty="4", filled_avg_price="99"), 4, "99"))
    assert one.wanted == {1}
    assert kinds(one) == [(ACCEPTED, 1), (FILL, 1)]


def test_older_words_change_nothing() -> None:
    one = ledger()
    one.sent("s-1", asked(1, 10)[0])
    one.see(order("b1", "s-1", "canceled", 5, filled_qty="3", filled_avg_price="99"))
    assert kinds(one) == [(ACCEPTED, 1), (FILL, 1), (CANCELLED, 1)]
    one.hear(update("new", order("b1", "s-1", "new", 2)))
    one.hear(filled(order("b1", "s-1", "partially_filled", 3, filled_qty="3", filled_avg_price="99"), 3, "99"))
    assert kinds(one) == []
    assert not one.strays


def test_a_fill_whose_price_nobody_says_is_asked_for_and_not_booked_until_then() -> None:
    one = ledger()
    one.sent("s-1", asked(1, 10)[0])
    one.see(order("b1", "s-1", "filled", 2, filled_qty="10"))
    assert one.wanted == {1}
    assert kinds(one) == []
    one.see(order("b1", "s-1", "filled", 2, filled_qty="10", filled_avg_price="99.5"))
    assert kinds(one) == [(ACCEPTED, 1), (FILL, 1)]


def test_an_order_that_was_replaced_by_someone_else_is_followed() -> None:
    one = ledger()
    one.sent("s-1", asked(1, 10, limit=9900)[0])
    one.see(order("b1", "s-1", "new", 1, limit_price="99"))
    one.hear(update("replaced", order("b1", "s-1", "replaced", 3, limit_price="99", replaced_by="b9")))
    assert one.wanted == {1}
    one.see(order("b9", "of-the-web-page", "new", 3, limit_price="98", qty="12", replaces="b1"))
    assert kinds(one) == [(ACCEPTED, 1), (REPLACED, 1)]
    assert (one.orders[1].lots, one.orders[1].limit) == (12, 9800)


def test_a_replacement_too_large_because_of_a_fill_in_between_is_told_as_it_is() -> None:
    one = ledger()
    placed = one.sent("s-1", asked(1, 10, limit=9900)[0])
    one.see(order("b1", "s-1", "new", 1, limit_price="99"))
    one.changing(placed, REPLACEMENT, "s-1-replace-5")
    one.see(order("b2", "s-1-replace-5", "pending_new", 2, limit_price="98", replaces="b1"))
    old = order("b1", "s-1", "replaced", 3, limit_price="99", filled_qty="4", filled_avg_price="99", replaced_by="b2")
    one.see(old)
    one.hear(update("new", order("b2", "s-1-replace-5", "new", 3, limit_price="98", replaces="b1")))
    assert kinds(one) == [(ACCEPTED, 1), (FILL, 1), (REPLACED, 1)]
    assert (placed.lots, placed.booked) == (14, 4)


def test_others_orders_are_told_once_and_not_before_they_had_time_to_be_ours() -> None:
    one = ledger()
    one.hear(update("new", order("z", "someone")))
    assert one.roster.strangers() == []
    assert [told["id"] for told in one.roster.strangers()] == ["z"]
    assert one.roster.strangers() == []
    one.roster.expect("y")
    one.hear(update("new", order("y", "flatten", side="sell")))
    assert one.roster.strangers() + one.roster.strangers() == []


def test_positions_are_known_from_fills() -> None:
    one = ledger()
    one.sent("s-1", asked(1, 10, SELL)[0])
    told = order("b1", "s-1", "filled", 2, side="sell", filled_qty="10", filled_avg_price="99")
    one.hear(filled(told, 10, "99"))
    assert one.lots.tolist() == [-10]
