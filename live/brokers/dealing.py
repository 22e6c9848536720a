"""Sending over a line: each order goes out once under one name, and its outcome is found out.

    answered      the ledger is told, and the desk with it
    no word yet   the answer comes by itself; if it does not, the order is looked up by its name
    never left    it waits and is sent again; an entry that waits too long is given up
    unknown       it is looked up until it is found, or has surely not arrived

Cancels and amendments change nothing when they are asked twice, so they are asked until they are done or refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from threading import RLock
from typing import Any

from live.brokers.asking import Asking, Terms
from live.brokers.errands import AMEND, DELETE, LOOK_UP, SEND, Errand, Errands
from live.brokers.ledger import Ledger
from live.brokers.line import Line
from live.brokers.tracked import CANCEL, REPLACEMENT, Tracked, Wire
from live.errors import Broken, BrokerError, Refused, Unanswered, Unsent
from quantlib.desk.memory import BAD_PRICE, BROKER_REFUSED
from quantlib.desk.messages import ENTRY

SOON = 0.01  # seconds after which what was left to the keeper is tried


class Dealing:
    """New orders and changes of one account.

    Args:
        line, ledger, asking, errands: of the account.
        lock: guards the ledger.
        settle: seconds after which what cannot be found has not arrived.
        answer: seconds until an order of which nothing is heard is looked up, and a change asked for again.
    """

    def __init__(
        self, line: Line, ledger: Ledger, asking: Asking, errands: Errands, lock: RLock, settle: float, answer: float
    ) -> None:
        self.line, self.ledger, self.asking, self.errands = line, ledger, asking, errands
        self.settle, self.answer, self._lock = settle, answer, lock
        self._until = inf  # of the clock: until then what is asked is done on the spot

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What is asked inside is done on the spot while so many seconds last, and then left to the keeper."""
        self._until = self.errands.clock() + seconds
        try:
            yield
        finally:
            self._until = inf

    def place(self, name: str, command: Any) -> None:
        """Send a new order."""
        entered = self._enter(name, command)
        if entered is not None and self._is_time():
            self.post(*entered)
        elif entered is not None:
            self.errands.again(SEND, *entered, after=SOON)

    def post(self, order: Tracked, wire: Wire, errand: Errand | None = None) -> None:
        """Send what an order is to be at the broker; `errand` if that was tried before."""
        with self._lock:
            if order.asked == CANCEL:
                self.ledger.withdraw(order, order.ts)
                return
        try:
            shown = self.line.place(order, wire)
        except Refused as error:
            with self._lock:
                self.ledger.refuse(order, order.ts, BROKER_REFUSED, str(error))
        except (Unsent, Broken) as error:
            self._later(order, wire, errand, error)
        except Unanswered as error:
            with self._lock:
                self.ledger.tell("unknown", f"order {order.id}: {error}; it is looked up by its name", order)
            self.errands.again(LOOK_UP, order, wire)
        else:
            if shown is None:
                self.errands.again(LOOK_UP, order, wire, after=self.answer)
            else:
                self.asking.show(shown)

    def look_up(self, errand: Errand) -> None:
        """Find an order of which nobody knows whether it arrived."""
        order, wire = errand.order, errand.wire
        if wire is None or wire.id or order.ended:
            return  # it has been heard of
        try:
            shown = self.line.named(wire.name)
        except BrokerError:
            self.errands.again(LOOK_UP, order, wire, errand)
            return
        if shown is None and self.errands.clock() - errand.since >= self.settle:
            self._never_came(order, wire)
        elif shown is None:
            self.errands.again(LOOK_UP, order, wire, errand)
        elif not self.asking.show(shown):
            with self._lock:
                text = f"the name {wire.name} was used on this account before; give the session another one"
                self.ledger.tell("name", text, order, fatal=True)
                self.ledger.refuse(order, order.ts, BROKER_REFUSED, text)

    def cancel(self, order: Tracked, errand: Errand | None = None) -> None:
        """Take an order back, until it has ended or the broker refuses."""
        with self._lock:
            if order.ended or (errand is not None and order.asked != CANCEL):
                return
            self.ledger.changing(order, CANCEL)
            wire = order.wire
            if self.errands.drop(SEND, order):
                self.ledger.withdraw(order, order.ts)
                return
        if wire is None or not wire.id:  # nobody knows yet whether it is there
            self.errands.again(DELETE, order, before=errand)
            return
        if errand is None and not self._is_time():
            self.errands.again(DELETE, order, after=SOON)
            return
        try:
            self.line.cancel(order, wire)
        except Refused as error:
            self._refused(order, str(error), errand)
        except BrokerError as error:
            self.errands.again(DELETE, order, before=errand, after=getattr(error, "after", 0.0))
        else:
            self.errands.again(DELETE, order, before=errand, after=self.answer)

    def replace(self, name: str, command: Any, order: Tracked, errand: Errand | None = None) -> None:
        """Ask for other lots or prices of an order that works, until it has them or the broker refuses."""
        asked = _terms(command)
        with self._lock:
            if order.ended or (errand is not None and self.asking.amended.get(order.id) != asked):
                return
            self.ledger.changing(order, REPLACEMENT)
            self.asking.amended[order.id] = asked
            wire = order.wire
            if self.errands.drop(SEND, order) and wire is not None:  # it was not sent yet
                self.ledger.rewrite(order, *asked)
                self.errands.again(SEND, order, wire)
                return
        if errand is not None and self.errands.clock() - errand.since >= self.settle:
            self._refused(order, "the broker never did it", errand)
            return
        if wire is None or not wire.id:
            self.errands.again(AMEND, order, before=errand, command=(name, command))
            return
        if errand is None and not self._is_time():
            self.errands.again(AMEND, order, command=(name, command), after=SOON)
            return
        try:
            self.line.amend(order, wire, *asked)
        except Refused as error:
            self._refused(order, str(error), errand)
        except BrokerError as error:
            after = getattr(error, "after", 0.0)
            self.errands.again(AMEND, order, before=errand, command=(name, command), after=after)
        else:
            self.errands.again(AMEND, order, before=errand, command=(name, command), after=self.answer)

    def remove(self, id: str) -> None:
        """Take back an order that must not be there."""
        try:
            self.line.remove(id)
        except Refused:
            return  # it is gone
        except BrokerError:
            with self._lock:
                self.ledger.strays.append(id)

    def denied(self, order: Tracked, text: str) -> None:
        """The broker said no to an order or its change, some time after it was asked."""
        with self._lock:
            if order.ended:
                return
            if order.asked:
                self.asking.amended.pop(order.id, None)
                self.ledger.refuse_change(order, order.ts, text)
                self.ledger.wanted.add(order.id)
            elif order.accepted or order.booked:
                self.ledger.tell("message", f"order {order.id}: {text}", order)
                self.ledger.wanted.add(order.id)
            else:
                self.ledger.refuse(order, order.ts, BROKER_REFUSED, text)

    def _is_time(self) -> bool:
        return self.errands.clock() < self._until

    def _enter(self, name: str, command: Any) -> tuple[Tracked, Wire] | None:
        """Write a new order down; None if it is known, or the broker has no such order."""
        with self._lock:
            if int(command["id"]) in self.ledger.orders:
                return None
            order = self.ledger.sent(name, command)
            try:
                self.line.check(command, self.ledger.listings[order.symbol])
            except Refused as error:
                self.ledger.refuse(order, order.ts, BAD_PRICE, str(error))
                return None
            return order, order.wires[-1]

    def _later(self, order: Tracked, wire: Wire, errand: Errand | None, error: BrokerError) -> None:
        """Send it later, unless it is an entry and has waited too long."""
        waited = self.errands.clock() - errand.since if errand is not None else 0.0
        if order.leg == ENTRY and (waited >= self.settle or isinstance(error, Broken)):
            with self._lock:
                self.ledger.refuse(order, order.ts, BROKER_REFUSED, str(error))
        else:
            self.errands.again(SEND, order, wire, errand, after=getattr(error, "after", 0.0))

    def _never_came(self, order: Tracked, wire: Wire) -> None:
        if order.leg == ENTRY:
            with self._lock:
                self.ledger.refuse(order, order.ts, BROKER_REFUSED, "it never arrived")
        else:
            self.errands.again(SEND, order, wire)  # an exit is sent anew, under its old name

    def _refused(self, order: Tracked, text: str, errand: Errand | None) -> None:
        """A no to a change: the order may have ended, or be as it was asked to be, or work on."""
        try:
            self.asking.about(order)
        except BrokerError:
            if order.asked == CANCEL:
                self.errands.again(DELETE, order, before=errand)
                return
        with self._lock:
            status = order.wire.status if order.wire is not None else ""
            if not order.ended and status != "pending_cancel":
                self.asking.amended.pop(order.id, None)
                self.ledger.refuse_change(order, order.ts, text)


def _terms(command: Any) -> Terms:
    return int(command["lots"]), int(command["limit"]), int(command["stop"])
