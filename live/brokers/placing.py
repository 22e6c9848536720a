"""Placing orders: each is sent once under one name, and its outcome found out.

    answered             the ledger is told, and the desk with it
    no room, no line     it waits and is sent again, under the same name; an entry that waits too long is given up
    shares still held    an exit that came before the cancels that free its shares were done: it waits for them
    circuit open         an entry is given up; an exit waits
    unknown              it is looked up by its name until it is found, or has surely not arrived

The broker takes no name twice, so an order that is sent again cannot become two.
"""

from __future__ import annotations

import re
from threading import RLock
from typing import Any

import numpy as np

from live.brokers.errands import LOOK_UP, SEND, Errand, Errands
from live.brokers.inquiry import Inquiry
from live.brokers.ledger import Ledger
from live.brokers.orders import request, said
from live.brokers.rest import BUSY, Answer, Rest
from live.brokers.tracked import CANCEL, Tracked, Wire
from live.errors import Broken, BrokerError, Refused, Unanswered, Unsent
from quantlib.desk.memory import BAD_PRICE
from quantlib.desk.messages import COMMAND, ENTRY

QUEUE = 300.0  # seconds that an entry may wait for room under the rate limit
UNAUTHORISED, FORBIDDEN, UNPROCESSABLE = 401, 403, 422


class Placing:
    """New orders of one account.

    Args:
        rest, ledger, inquiry, errands: of the account.
        lock: guards the ledger.
        settle: seconds after which what cannot be found has not arrived.
        patience: seconds that an order waits on the spot for room under the rate limit.
    """

    def __init__(
        self, rest: Rest, ledger: Ledger, inquiry: Inquiry, errands: Errands, lock: RLock, settle: float,
        patience: float,
    ) -> None:  # fmt: skip
        self.rest, self.ledger, self.inquiry, self.errands = rest, ledger, inquiry, errands
        self.settle, self.patience, self._lock = settle, patience, lock

    def place(self, name: str, command: Any) -> None:
        """Send a new order; one that would turn a position round closes it first, and opens when that is done."""
        with self._lock:
            if int(command["id"]) in self.ledger.orders:
                return
            held, lots = int(self.ledger.lots[command["symbol"]]), int(command["lots"])
            turns = command["leg"] == ENTRY and held * int(command["side"]) < 0 and lots > abs(held)
            order = self.ledger.sent(name, command, lots - abs(held) if turns else 0)
            try:
                request(command, name, self.ledger.listings[order.symbol])
            except Refused as error:
                self.ledger.refuse(order, order.ts, BAD_PRICE, str(error))
                return
            wire = order.wires[-1]
            if order.short == order.lots:
                self.ledger.reports.write_off(order)
                return
        self.post(order, wire)

    def post(self, order: Tracked, wire: Wire, errand: Errand | None = None) -> None:
        """Send what an order at the broker is to be; `errand` if that was tried before."""
        with self._lock:
            if order.asked == CANCEL:
                self.ledger.withdraw(order, order.ts)
                return
            body = request(_asked(order, wire), wire.name, self.ledger.listings[order.symbol])
        try:
            answer = self.rest.send("post", "/orders", body, self.patience)
        except Broken as error:
            self._later(order, wire, errand, str(error), patience=0.0)
        except Unsent as error:
            self._later(order, wire, errand, str(error), after=error.after)
        except Unanswered as error:
            with self._lock:
                self.ledger.tell("unknown", f"order {order.id}: {error}; it is looked up by its name", order)
            self.errands.again(LOOK_UP, order, wire)
        else:
            self._posted(order, wire, answer, errand)

    def look_up(self, errand: Errand) -> None:
        """Find an order of which nobody knows whether it arrived."""
        order, wire = errand.order, errand.wire
        if wire is None:
            return
        try:
            told = self.inquiry.named(wire.name)
        except BrokerError:
            self.errands.again(LOOK_UP, order, wire, errand)
            return
        if told is not None and self.ledger.roster.is_this(order, told):
            self.inquiry.show(told)
        elif told is not None:
            with self._lock:
                text = f"the name {wire.name} was used on this account before; give the session another one"
                self.ledger.tell("name", text, order, fatal=True)
                self.ledger.refuse(order, order.ts, 0, text)
        elif self.errands.clock() - errand.since < self.settle:
            self.errands.again(LOOK_UP, order, wire, errand)
        else:
            self._never_came(order, wire)

    def _posted(self, order: Tracked, wire: Wire, answer: Answer, errand: Errand | None) -> None:
        text = said(answer.body)
        if answer.ok:
            with self._lock:
                self.ledger.see(answer.body)
        elif answer.status == BUSY:
            self._later(order, wire, errand, text, after=1.0)
        elif answer.status == UNPROCESSABLE and "unique" in text:
            order.old = True
            self.errands.again(LOOK_UP, order, wire)
        elif answer.status == FORBIDDEN and (self._is_smaller(order, wire, text) or self._is_freed(order, text)):
            self._later(order, wire, errand, text, exits_too=True)
        else:
            with self._lock:
                if answer.status == UNAUTHORISED:
                    self.ledger.tell("keys", "the broker takes these keys no more", fatal=True)
                self.ledger.refuse(order, order.ts, 0, f"{answer.status} {text}")

    def _later(
        self, order: Tracked, wire: Wire, errand: Errand | None, text: str, *, after: float = 0.0,
        patience: float | None = None, exits_too: bool = False,
    ) -> None:  # fmt: skip
        """Send it later, unless it has waited too long: entries always, exits where the broker keeps saying no."""
        waited = self.errands.clock() - errand.since if errand is not None else 0.0
        longest = (QUEUE if after else self.settle) if patience is None else patience
        if (order.leg == ENTRY or exits_too) and waited >= longest:
            with self._lock:
                self.ledger.refuse(order, order.ts, 0, text)
        else:
            self.errands.again(SEND, order, wire, errand, after=after)

    def _is_freed(self, order: Tracked, text: str) -> bool:
        """Whether orders of ours hold the shares, or coins, that an exit wants, and are about to end."""
        if "insufficient qty" not in text and (order.leg == ENTRY or "insufficient balance" not in text):
            return False
        with self._lock:
            others = (o for o in self.ledger.orders.values() if o.symbol == order.symbol and o is not order)
            return any(o.side == order.side and o.leg != ENTRY and not o.ended for o in others)

    def _is_smaller(self, order: Tracked, wire: Wire, text: str) -> bool:
        """Whether an exit can do with what the broker has, for fees took the rest."""
        found = re.search(r"available: ([\d.]*\d)", text)
        with self._lock:
            listing = self.ledger.listings[order.symbol]
            return found is not None and self.ledger.reports.cut(order, wire, listing.lots(found[1]))

    def _never_came(self, order: Tracked, wire: Wire) -> None:
        with self._lock:
            if order.ended:
                return
            if wire not in order.wires:
                self.ledger.refuse_change(order, order.ts, "the replacement never arrived")
                return
            if order.leg == ENTRY:
                self.ledger.refuse(order, order.ts, 0, "it never arrived")
                return
        self.errands.again(SEND, order, wire)  # an exit is sent anew, under its old name


def _asked(order: Tracked, wire: Wire) -> Any:
    """The command that an order at the broker carries out; what closes a position first brings no bracket yet."""
    command = np.zeros((), COMMAND)
    for name in ("id", "group", "symbol", "side", "order", "tif", "leg", "reduce"):
        command[name] = getattr(order, name)
    for name in ("lots", "limit", "stop"):
        command[name] = getattr(wire, name)
    if order.rest is None:
        command["stop_leg"], command["target_leg"] = order.stop_leg, order.target_leg
    return command
