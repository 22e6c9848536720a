"""Cancels and replacements.

A cancel can be sent again and again.  A replacement has a name, like an order.  An order that has filled in part is not
replaced at the broker, whose word on whether the fills count for the new one is not to be had: it is cancelled, and
what is left of it is sent as a new order, when it is known how much that is.
"""

from __future__ import annotations

from threading import RLock
from typing import Any

from live.brokers.errands import AMEND, DELETE, LOOK_UP, SEND, Errand, Errands
from live.brokers.inquiry import Inquiry
from live.brokers.ledger import Ledger
from live.brokers.orders import prices, said
from live.brokers.rest import BUSY, Rest
from live.brokers.tracked import CANCEL, REPLACEMENT, Tracked
from live.brokers.tracked import Rest as Remainder
from live.errors import BrokerError, Refused, Unanswered
from quantlib.desk.messages import STOP_LEG, TARGET_LEG


class Changing:
    """Changes of orders of one account; arguments as in `Placing`."""

    def __init__(
        self, rest: Rest, ledger: Ledger, inquiry: Inquiry, errands: Errands, lock: RLock, settle: float,
        patience: float,
    ) -> None:  # fmt: skip
        self.rest, self.ledger, self.inquiry, self.errands = rest, ledger, inquiry, errands
        self.settle, self.patience, self._lock = settle, patience, lock

    def cancel(self, order: Tracked, errand: Errand | None = None) -> None:
        """Take an order back, until it has ended."""
        with self._lock:
            if order.ended:
                return
            self.ledger.changing(order, CANCEL)
            wire, unsent = order.wire, self.errands.drop(SEND, order)
            waits = order.rest is not None and wire is not None and wire.status == order.rest.awaited
            if order.rest is not None:
                order.rest = None
            if unsent or waits:
                self.ledger.withdraw(order, order.ts)
                return
        if wire is None or not wire.id:  # nobody knows yet whether it is there
            self.errands.again(DELETE, order, before=errand)
            return
        try:
            answer = self.rest.send("delete", f"/orders/{wire.id}", None, self.patience)
        except BrokerError as error:
            self.errands.again(DELETE, order, before=errand, after=getattr(error, "after", 0.0))
            return
        if answer.status == BUSY:
            self.errands.again(DELETE, order, before=errand, after=1.0)
        elif not answer.ok:
            self._refused(order, f"{answer.status} {said(answer.body)}", errand)

    def replace(self, name: str, command: Any, order: Tracked, errand: Errand | None = None) -> None:
        """Ask for other lots or prices of an order that works."""
        lots, limit, stop = (int(command[field]) for field in ("lots", "limit", "stop"))
        with self._lock:
            if order.ended:
                return
            self.ledger.changing(order, REPLACEMENT)
            wire = order.wire
            try:
                asked: dict[str, Any] = prices(command, self.ledger.listings[order.symbol])
            except Refused as error:
                self.ledger.refuse_change(order, order.ts, str(error))
                return
            if self.errands.drop(SEND, order) and wire is not None:  # it was not sent yet
                self.ledger.rewrite(order, lots, limit, stop)
                self.errands.again(SEND, order, wire)
                return
            bracket = order.leg in (STOP_LEG, TARGET_LEG) or order.stop_leg or order.target_leg
            if order.filled and bracket:
                self.ledger.refuse_change(order, order.ts, "a bracket that has filled in part cannot be replaced")
                return
            if order.filled:
                order.rest = Remainder(name, lots, limit, stop)
        if wire is None or not wire.id:
            self.errands.again(AMEND, order, before=errand, command=(name, command))  # its own outcome comes first
        elif order.filled:
            self._make_room(name, command, order, wire.id, errand)
        else:
            if lots != order.lots:
                asked["qty"] = self.ledger.listings[order.symbol].quantity(lots - order.short)
            self._patch(name, command, order, wire.id, asked, errand)

    def remove(self, id: str) -> None:
        """Take back an order that must not be there."""
        try:
            gone = self.rest.send("delete", f"/orders/{id}", None, self.patience).status != BUSY
        except BrokerError:
            gone = False
        if not gone:
            with self._lock:
                self.ledger.strays.append(id)

    def _patch(
        self, name: str, command: Any, order: Tracked, id: str, asked: dict[str, Any], errand: Errand | None
    ) -> None:  # fmt: skip
        with self._lock:
            self.ledger.changing(order, REPLACEMENT, name)
            coming = order.coming
        try:
            answer = self.rest.send("patch", f"/orders/{id}", {**asked, "client_order_id": name}, self.patience)
        except Unanswered:
            self.errands.again(LOOK_UP, order, coming)
            return
        except BrokerError as error:  # it never left
            self._again(name, command, order, errand, str(error))
            return
        if answer.ok:
            with self._lock:
                self.ledger.see(answer.body)
        elif answer.status == BUSY:
            self._again(name, command, order, errand, said(answer.body))
        elif "unique" in said(answer.body):
            self.errands.again(LOOK_UP, order, coming)
        else:
            self._refused(order, f"{answer.status} {said(answer.body)}", None)

    def _make_room(self, name: str, command: Any, order: Tracked, id: str, errand: Errand | None) -> None:
        """Cancel what is to be replaced by an order of its own; the rest follows when it has ended."""
        try:
            answer = self.rest.send("delete", f"/orders/{id}", None, self.patience)
            refusal = "" if answer.ok else f"{answer.status} {said(answer.body)}"
        except Unanswered:
            return  # done or not: the order's state will tell, and the next poll asks for it
        except BrokerError as error:  # it never left
            with self._lock:
                order.rest = None
            self._again(name, command, order, errand, str(error))
            return
        if refusal:
            with self._lock:
                order.rest = None
            self._refused(order, refusal, None)

    def _again(self, name: str, command: Any, order: Tracked, errand: Errand | None, text: str) -> None:
        if errand is not None and self.errands.clock() - errand.since >= self.settle:
            with self._lock:
                self.ledger.refuse_change(order, order.ts, text)
            return
        self.errands.again(AMEND, order, before=errand, command=(name, command))

    def _refused(self, order: Tracked, text: str, errand: Errand | None) -> None:
        """A no: the order may have ended, be about to, or work on."""
        try:
            self.inquiry.about(order)
        except BrokerError:
            if order.asked == CANCEL:
                self.errands.again(DELETE, order, before=errand)
                return
        with self._lock:
            status = order.wire.status if order.wire is not None else ""
            if order.ended or status == "pending_cancel":
                return
            if order.asked == CANCEL and (order.coming is not None or status == "pending_replace"):
                self.errands.again(DELETE, order, before=errand)  # it cannot be cancelled before it is replaced
                return
            self.ledger.refuse_change(order, order.ts, text)
