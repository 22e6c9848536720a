"""Orders on their way to TWS, each under its number: TWS takes a number once, and one sent again is a change."""

from __future__ import annotations

from threading import RLock
from typing import Any

from live.brokers.ibkr_account import Account
from live.brokers.ibkr_book import Book
from live.brokers.ibkr_link import Link
from live.brokers.ibkr_orders import Gateway, asked, bracket
from live.brokers.orders import Listing
from live.brokers.tracked import Tracked, Wire
from live.errors import Refused, Unsent


class Sending:
    """What this client sends of orders.

    Args:
        gateway, link, account, book: of the account.
        lock: guards the book.
    """

    def __init__(self, gateway: Gateway, link: Link, account: Account, book: Book, lock: RLock) -> None:
        self.gateway, self.link, self.account = gateway, link, account
        self._book, self._lock = book, lock
        self._floor = 0  # order numbers below it are taken

    def place(self, order: Tracked, wire: Wire, listing: Listing) -> None:
        """A new order with its legs."""
        orders = bracket(order, wire, listing, self.account.number)
        self.link.call(lambda client: self._place(client, orders, listing))

    def amend(self, order: Tracked, wire: Wire, listing: Listing, lots: int, limit: int, stop: int) -> None:
        """The order again under its number, with other lots or prices."""
        made = asked(order, listing, self.account.number, wire.name, lots, limit, stop)
        with self._lock:
            kept = self._ours(wire.id)
            made.parentId, made.ocaGroup, made.ocaType = kept.parent, kept.group, 2 if kept.group else 0
            number = kept.order
        self.link.call(lambda client: client.placeOrder(number, self.account.contracts[listing.symbol], made))

    def remove(self, id: str) -> None:
        """Ask for the end of an order of ours."""
        with self._lock:
            number = self._ours(id).order
        self.link.call(lambda client: client.cancelOrder(number))

    def remove_all(self) -> None:
        """Ask for the end of every order, of other clients and by hand too."""
        self.link.call(lambda client: client.reqGlobalCancel())

    def close_all(self) -> None:
        """The opposite of every position, to the market."""
        for contract, units in self.account.positions():
            made = self.account.opposite(units)

            def send(client: Any, contract: Any = contract, made: Any = made) -> None:
                client.placeOrder(self._number(client), contract, made)

            self.link.call(send)

    def _place(self, client: Any, orders: list[Any], listing: Listing) -> None:
        entry = orders[0].orderRef
        for made in orders:
            with self._lock:
                number = self._book.number(made.orderRef) or self._number(client)
                made.parentId = self._book.number(entry) if made.orderRef != entry else 0
                leg_of = entry if made.parentId else ""
                self._book.sent(made.orderRef, self.gateway.client, number, leg_of)
            client.placeOrder(number, self.account.contracts[listing.symbol], made)

    def _number(self, client: Any) -> int:
        """The next order number; none is given twice, though TWS may not have seen the last ones."""
        number = max(client.getReqId(), self._floor)
        self._floor = number + 1
        client.updateReqId(self._floor)
        return number

    def _ours(self, id: str) -> Any:
        kept = self._book.kept(id)
        if kept is None or kept.order <= 0:
            raise Unsent(f"broker: TWS has not told of order {id} yet", 1.0)
        if kept.client != self.gateway.client:
            raise Refused(
                f"broker: order {id} was sent as client {kept.client}, and only that one may change it; "
                f"give Gateway(client={kept.client})"
            )
        return kept
