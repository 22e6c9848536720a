"""A bracket's entry and its legs reach the desk in one breath, so that one that dies in between cannot forget a leg."""

from __future__ import annotations

from typing import Any

import numpy as np

from live.brokers.ledger import Ledger
from live.brokers.orders import listings, request
from live.sim.venue import Venue
from quantlib.desk.memory import instrument_records
from quantlib.desk.messages import ACCEPTED, FILL
from tests.live.brokers.driving import asked

MINUTE = 60_000_000_000
SYMBOLS = ("AAA",)


class Bracket:
    """An entry with two legs that has filled at the venue, and a ledger that has heard nothing of it."""

    def __init__(self) -> None:
        self.venue = Venue(SYMBOLS, now=1000 * MINUTE)
        self.ledger = Ledger("s", listings(SYMBOLS, instrument_records(SYMBOLS, None)))
        self._bar(1001)
        command = asked(1, 10, ts=1001 * MINUTE, stop_leg=9500, target_leg=11000)[0]
        self.ledger.sent("s-1", command)
        self.answer = self.venue.submit(request(command, "s-1", self.ledger.listings[0]))
        self.venue.updates.clear()
        self._bar(1002)
        self.updates = [update["data"] for update in self.venue.updates]

    def _bar(self, minute: int) -> None:
        prices = dict.fromkeys(("open", "high", "low", "close"), np.array([100.0]))
        columns = {"ts": np.array([minute * MINUTE]), "symbol": np.zeros(1, np.int32), "volume": np.array([1e6])}
        self.venue.match(minute * MINUTE, prices | columns)

    def heard(self) -> list[tuple[int, int]]:
        return [(int(report["id"]), int(report["kind"])) for report in self.ledger.take()]


def without_legs(told: dict[str, Any]) -> dict[str, Any]:
    return told | {"legs": None}


WHOLE = [(1, ACCEPTED), (1, FILL), (2, ACCEPTED), (3, ACCEPTED)]


def test_the_fill_of_an_entry_brings_its_legs() -> None:
    one = Bracket()
    one.ledger.see(one.answer)
    one.ledger.hear(one.updates[0])
    assert one.updates[0]["event"] == "fill"
    assert one.heard() == WHOLE


def test_a_fill_waits_until_the_legs_are_known() -> None:
    one = Bracket()
    fill = one.updates[0]
    one.ledger.hear(fill | {"order": without_legs(fill["order"])})
    assert (1, FILL) not in one.heard()
    assert one.ledger.wanted == {1}
    one.ledger.see(one.venue.order(fill["order"]["id"]).json())
    assert one.heard() == WHOLE


def test_an_entry_without_legs_at_the_broker_is_booked_and_told() -> None:
    one = Bracket()
    shown = without_legs(one.venue.order(one.updates[0]["order"]["id"]).json())
    one.ledger.see(shown)
    assert (1, FILL) not in one.heard()
    order = one.ledger.orders[1]
    assert one.ledger.bare(order, shown)
    assert one.ledger.incidents[-1].kind == "unprotected"
    assert one.ledger.incidents[-1].fatal
    one.ledger.see(shown)
    assert one.heard()[-1] == (1, FILL)
    assert not one.ledger.bare(order, shown)


def test_an_entry_that_has_filled_nothing_is_not_bare() -> None:
    one = Bracket()
    assert not one.ledger.bare(one.ledger.orders[1], without_legs(one.answer))
