"""Interactive Brokers, as a broker of a live session: stocks through a running TWS or IB Gateway.

    broker = ibkr_broker(Gateway(port=4002), session, symbols, instruments)

The socket, its protocol and its pacing are ib_async's; orders go by their tickets (orderRef).  TWS has no names of its
own that refuse a second order, so an order is sent again under the number that it had, which TWS takes once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import RLock
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from live.brokers.ibkr_account import Account
from live.brokers.ibkr_book import Book
from live.brokers.ibkr_errors import CANCELLED, NOTICE, REFUSED, UNCHANGED, meaning
from live.brokers.ibkr_link import ANSWER, Link
from live.brokers.ibkr_orders import Gateway, check, ib
from live.brokers.ibkr_sending import Sending
from live.brokers.keeper import Patience
from live.brokers.line import Ear, Shown
from live.brokers.line_broker import LineBroker
from live.brokers.orders import SECOND, Listing, id_in, listings
from live.brokers.tracked import Tracked, Wire
from live.errors import BrokerError
from live.pulse import BrokerHealth
from quantlib.desk.messages import DAY

NEW_YORK = ZoneInfo("America/New_York")
FEE = 1.0  # seconds that a fill waits for its commission


def ibkr_broker(
    gateway: Gateway, session: str, symbols: Sequence[str], instruments: NDArray[Any], *, real_money: bool = False,
    clock: Callable[[], int] = time.time_ns, patience: Patience | None = None, answer: float = ANSWER,
) -> LineBroker:  # fmt: skip
    """One account at Interactive Brokers.

    Args:
        gateway: where TWS or IB Gateway runs, with its API switched on and not read-only.
        session: its name, with which names of orders begin; no other session of the account may ever have had it.
        symbols, instruments: as the desk counts them; INSTRUMENT records.
        real_money: whether an account that is no paper account may be traded.
        clock: ns UTC.
        patience: how long things may take.
        answer: seconds that TWS may take to answer.

    Raises:
        BrokerError: if orders cannot be named after the session.
    """
    patience = patience or Patience()
    line = IbkrLine(gateway, session, symbols, instruments, real_money, clock, answer, patience.backoff)
    return LineBroker(line, session, patience=patience, answer=answer / 3)


class IbkrLine:
    """The line to one account at Interactive Brokers; arguments as above."""

    name, at_once = "ibkr", 45

    def __init__(
        self, gateway: Gateway, session: str, symbols: Sequence[str], instruments: NDArray[Any], real_money: bool,
        clock: Callable[[], int], answer: float, backoff: float,
    ) -> None:  # fmt: skip
        self.gateway, self.clock, self.listings = gateway, clock, listings(symbols, instruments)
        self.link = Link(gateway, self, answer=answer, backoff=backoff)
        self.account = Account(self.link, gateway, self.listings, real_money)
        self.listening = self.link.listening
        self.fee_wait = min(FEE, answer)
        self._book, self._lock = Book(session, self.listings), RLock()
        self.sending = Sending(gateway, self.link, self.account, self._book, self._lock)
        self._ear: Ear | None = None

    def begin(self, ear: Ear, patience: float) -> None:
        """Connect, check account and contracts, and listen."""
        self._ear = ear
        self.link.start()
        until = time.monotonic() + patience
        while not self.listening.wait(0.02):
            if self.link.fatal is not None or time.monotonic() > until:
                self.link.halt()
                raise self.link.fatal or BrokerError(
                    f"broker: no TWS or IB Gateway answered at {self.gateway.host}:{self.gateway.port} within "
                    f"{patience:g} s; start it, and switch its API on (Configure, API, Settings)"
                )
        try:
            self.account.choose()
            for listing in self.listings:
                self._book.symbols[self.account.qualify(listing)] = listing.symbol
        except BrokerError:
            self.link.halt()
            raise

    def check(self, command: Any, listing: Listing) -> None:
        """Refuse what TWS has no order for."""
        check(command, listing)

    def know(self, order: Tracked) -> None:
        """TWS knows all that there is to know."""

    def place(self, order: Tracked, wire: Wire) -> Shown | None:
        """Send an order with its legs; what becomes of it is told later."""
        self.sending.place(order, wire, self.listings[order.symbol])
        return None

    def amend(self, order: Tracked, wire: Wire, lots: int, limit: int, stop: int) -> None:
        """Send the order again under its number, with other lots or prices."""
        self.sending.amend(order, wire, self.listings[order.symbol], lots, limit, stop)

    def cancel(self, order: Tracked, wire: Wire) -> None:
        """Ask for its end."""
        self.sending.remove(wire.id)

    def remove(self, id: str) -> None:
        """Ask for the end of an order of ours."""
        self.sending.remove(id)

    def named(self, name: str) -> Shown | None:
        """The order of this name, after a look at all of them."""
        self._look()
        with self._lock:
            return self._book.shown(name) if self._book.kept(name) is not None else None

    def orders(self) -> Sequence[Shown]:
        """All orders that TWS shows."""
        self._look()
        with self._lock:
            return self._book.all()

    def lapsed(self, order: Tracked) -> bool:
        """Whether it was for a day that is over: TWS shows orders that ended today, and no older ones."""
        placed, now = (
            datetime.fromtimestamp(ts // SECOND, UTC).astimezone(NEW_YORK) for ts in (order.ts, self.clock())
        )
        return order.tif == DAY and placed.date() < now.date()

    def lots(self) -> NDArray[np.int64]:
        """Signed lots by symbol."""
        return self.account.lots()

    def cash(self) -> float:
        """Cash in the currency that is traded."""
        return self.account.cash()

    def cancel_all(self) -> None:
        """Take back every order, of other clients and by hand too."""
        self.sending.remove_all()

    def close_all(self) -> None:
        """Take back every order and send the opposite of every position to the market."""
        self.sending.remove_all()
        self.sending.close_all()

    def reconnect(self) -> None:
        """Drop this connection; another one is made."""
        self.link.reconnect()

    def health(self) -> BrokerHealth:
        """How it is."""
        link = self.link
        age = max(0.0, time.monotonic() - link.arrived)
        trouble = str(link.fatal or "")
        breaker = "closed" if self.listening.is_set() else "open"
        return BrokerHealth(self.name, self.listening.is_set(), age, link.calls, link.failures, breaker, -1, 0, trouble)

    def close(self) -> None:
        """Disconnect for good; orders stay."""
        self.link.halt()

    # What the link tells, on its thread.

    def opened(self, contract: Any, order: Any, state: Any) -> None:
        """What an order asks."""
        with self._lock:
            id = self._book.opened(contract, order, state, self.clock())
        self._publish(id)

    def stood(self, client: int, number: int, status: str, filled: float, average: float) -> None:
        """How an order stands."""
        with self._lock:
            id = self._book.named(client, number)
            self._book.stood(id, status, filled, average, self.clock())
            kept = self._book.kept(id)
            lacking = kept is not None and bool(kept.gaps)
        self._publish(id)
        if lacking:  # executions come by themselves, and if they do not they are asked for
            self.link.later(self.fee_wait, lambda: self._lacks(id))

    def completed(self, contract: Any, order: Any, state: Any) -> None:
        """An order that has ended."""
        with self._lock:
            self._book.completed(contract, order, state, self.clock())

    def executed(self, contract: Any, execution: Any) -> None:
        """An execution; it counts with its commission, or when that has not come for a while."""
        with self._lock:
            id, corrects = self._book.executed(contract, execution, self.clock())
        if corrects and self._ear is not None and id_in(execution.orderRef, self._book.session):
            text = f"execution {execution.execId} of order {execution.orderRef} was corrected to"
            text += f" {execution.shares:g} at {execution.price:g}: its fill is not what was booked"
            self._ear.tell("bust", f"{text}; compare positions with the broker before trading on", True)
        self._publish(id)
        self.link.later(self.fee_wait, lambda: self._waive(id))

    def charged(self, execution: str, fee: float) -> None:
        """What an execution cost."""
        with self._lock:
            id, counted = self._book.charged(execution, fee)
            kept = self._book.kept(id)
        if kept is not None and counted and self._ear is not None:
            self._ear.charge(kept.name, fee)
        self._publish(id)

    def failed(self, number: int, code: int, text: str) -> None:
        """An error about an order, or a word on how TWS is."""
        ear = self._ear
        with self._lock:
            id = self._book.named(self.gateway.client, number) if number > 0 else ""
        means = meaning(code, text)
        if ear is None or means == NOTICE:
            return
        said = f"{code} {' '.join(text.split())}"
        if not id:
            ear.tell("message", f"TWS says {said}", False)
        elif means == CANCELLED:
            with self._lock:
                self._book.stood(id, "Cancelled", 0.0, 0.0, self.clock())
            self._publish(id)
        elif means == REFUSED:
            self._reject(ear, id, said)
        else:
            if means == UNCHANGED:
                ear.refuse(id, said)
            ear.doubt()

    def began(self) -> None:
        """TWS is there."""
        if self._ear is not None:
            self._ear.began()

    def lost(self, reason: str) -> None:
        """TWS is away."""
        if self._ear is not None:
            self._ear.lost(reason)

    def _look(self) -> None:
        """Ask for all open orders, orders completed today, and executions of today."""
        since = self.clock()
        listed = self.link.ask("open orders", lambda client, number: client.reqAllOpenOrders())
        listed += self.link.ask("completed orders", lambda client, number: client.reqCompletedOrders(False))
        self.link.ask("executions", lambda client, number: client.reqExecutions(number, ib.ExecutionFilter()))
        with self._lock:
            ids = [one.orderRef if self._book.kept(one.orderRef) else f"perm-{one.permId}" for one in listed]
            self._book.looked(ids, since)

    def _reject(self, ear: Ear, id: str, said: str) -> None:
        """A no to an order; TWS holds the rest of a bracket back for ever, so all of it goes."""
        with self._lock:
            entry, kept = self._book.sent_with(id), self._book.kept(id)
            parts = [entry, *self._book.legs(entry)]
            unsent = kept is None or kept.status == "pending_new"
            numbers = [number for part in parts if part != id and (number := self._book.number(part))]
        if id != entry and unsent:
            for number in numbers:
                self.link.client.cancelOrder(number)  # on its own thread
            ear.refuse(entry, f"its leg {id} was refused: {said}")
        else:
            ear.refuse(id, said)

    def _publish(self, id: str) -> None:
        ear = self._ear
        if not id or ear is None:
            return
        with self._lock:
            shown = self._book.shown(self._book.entry(id)) if self._book.kept(id) is not None else None
        if shown is not None and shown.name:
            ear.show(shown)
            ear.heard(1)

    def _waive(self, id: str) -> None:
        with self._lock:
            waived = self._book.waive(id)
        if waived:
            self._publish(id)

    def _lacks(self, id: str) -> None:
        with self._lock:
            kept = self._book.kept(id)
            lacking = kept is not None and bool(kept.gaps)
        if lacking and self._ear is not None:
            self._ear.doubt()
