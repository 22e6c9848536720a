"""What a line's broker says of orders, positions and cash: asked for, and given to the ledger."""

from __future__ import annotations

from collections.abc import Collection
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.ledger import Ledger
from live.brokers.line import CLOSING, Line, Shown, codes_of
from live.brokers.orders import ENDED, UNBORN
from live.brokers.protocol import Standing
from live.brokers.tracked import NOTHING, REPLACEMENT, Tracked
from quantlib.desk.messages import LIMIT, MARKET, ORDER, PARTIAL, STOP, WORKING

Terms = tuple[int, int, int]  # lots of the whole, limit and stop in ticks


class Asking:
    """Questions about our orders on one line.  Its calls hold no lock; what they bring is given under one.

    Args:
        line, ledger: of the account.
        lock: guards the ledger.
    """

    def __init__(self, line: Line, ledger: Ledger, lock: RLock) -> None:
        self.line, self.ledger, self._lock = line, ledger, lock
        self.amended: dict[int, Terms] = {}  # what was asked of orders by id, and has not come into force
        self._codes = codes_of(ledger.listings)
        self._strangers: set[str] = set()

    def show(self, shown: Shown) -> bool:
        """Let the ledger see an order; whether it is ours."""
        with self._lock:
            told = shown.told()
            order = self.ledger.owner(told)
            if order is None:
                return False
            if not shown.quantity:
                listing = self.ledger.listings[order.symbol]
                told["qty"], told["limit_price"] = listing.quantity(order.lots), order.limit / listing.per_tick or None
                told["stop_price"] = order.stop / listing.per_tick or None
            _mask(told, order)
            if shown.bare:
                order.stop_leg = order.target_leg = 0
            self.ledger.see(told, shown.fills())
            for one in (order.id, order.id + 1, order.id + 2):
                self._settle(one)
            return True

    def about(self, order: Tracked) -> bool:
        """Let the ledger see one order; whether the broker has it.

        Raises:
            BrokerError: if no answer comes.
        """
        with self._lock:
            name = order.wire.name if order.wire is not None else f"{self.ledger.session}-{order.id}"
        shown = self.line.named(name)
        if shown is None or not self.show(shown):
            return False
        with self._lock:
            bare = self.ledger.bare(order, shown.told())
        if bare:
            self.show(shown)
        return True

    def poll(self, passed: Collection[int] = ()) -> bool:
        """Ask about all of our orders but those passed over; whether that brought anything new.

        Raises:
            BrokerError: if no answer comes.
        """
        with self._lock:
            before = len(self.ledger.waiting())
            alive = [o for o in self.ledger.orders.values() if not o.ended and o.id not in passed]
        listed = self.line.orders()
        for shown in listed:
            if not self.show(shown) and shown.status not in ENDED and shown.symbol in self._codes:
                self._stranger(shown)
        there = {one.id for shown in listed for one in (shown, *shown.legs)}
        for order in alive:
            with self._lock:
                gone = not order.ended and order.wire is not None and order.wire.id not in there
            if gone:
                self.about(order)
        with self._lock:
            return len(self.ledger.waiting()) > before

    def standing(self) -> Standing:
        """Cash, signed lots and working orders, as the broker has them now.

        Raises:
            BrokerError: if no answer comes.
        """
        cash, lots = self.line.cash(), self.line.lots()
        rows = []
        for shown in self.line.orders():
            for one in (shown, *shown.legs):
                row = self._record(one)
                if row is not None:
                    rows.append(row)
        working = np.array(rows, ORDER)
        return Standing(cash, lots, working[np.argsort(working["id"], kind="stable")])

    def positions(self) -> NDArray[np.int64]:
        """Signed lots by symbol.

        Raises:
            BrokerError: if no answer comes.
        """
        return self.line.lots()

    def _settle(self, id: int) -> None:
        """A change is done once the broker shows it."""
        order, asked = self.ledger.orders.get(id), self.amended.get(id)
        if order is None or asked is None:
            return
        if order.ended or order.asked != REPLACEMENT:
            del self.amended[id]
        elif (order.lots, order.limit, order.stop) == asked:
            order.asked = NOTHING
            del self.amended[id]

    def _stranger(self, shown: Shown) -> None:
        if shown.id not in self._strangers and shown.name != CLOSING:
            self._strangers.add(shown.id)
            with self._lock:
                text = f"order {shown.name or shown.id} in {shown.symbol} is none of this session's"
                self.ledger.tell("foreign", f"{text}; one session an account keeps positions clear")

    def _record(self, shown: Shown) -> NDArray[Any] | None:
        """An open order as the desk writes one; of someone else's, the id is 0."""
        if shown.status in ENDED | UNBORN or shown.symbol not in self._codes:
            return None
        self.show(shown)
        with self._lock:
            told = shown.told()
            order, code = self.ledger.owner(told), self._codes[shown.symbol]
            row = np.zeros((), ORDER)
            row["symbol"], row["status"] = code, WORKING
            if order is None:
                listing = self.ledger.listings[code]
                row["side"], row["lots"] = shown.side, listing.lots(shown.quantity)
                row["filled"] = listing.lots(shown.filled)
                row["limit"], row["stop"] = listing.ticks(shown.limit or None), listing.ticks(shown.stop or None)
                return row
            if order.ended:
                return None
            names = ("id", "group", "side", "lots", "limit", "stop", "order", "tif", "leg", "reduce", "stop_leg")
            for name in (*names, "target_leg"):
                row[name] = getattr(order, name)
            row["filled"], row["placed"] = order.booked, order.ts
            row["status"] = PARTIAL if order.booked else WORKING
            return row


def _mask(told: dict[str, Any], order: Tracked) -> None:
    """Leave out prices that an order has not: venues write their protection against bad fills into them."""
    if order.order in (MARKET, STOP) and not order.limit:
        told["limit_price"] = None
    if order.order in (MARKET, LIMIT):
        told["stop_price"] = None
